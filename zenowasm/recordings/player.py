"""The replay of one store: does what its events say, answers its guests' host calls from them, and compares."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeAlias, cast
from zlib import crc32

from attrs import define, evolve, field, fields_dict, frozen

from zenowasm.backends import protocol
from zenowasm.backends.protocol import (
    Budget,
    CallBudget,
    Caller,
    Closable,
    Engine,
    ExecutionLimits,
    RewindableStore,
    SavedStore,
    Store,
    Value,
)
from zenowasm.backends.type_json import type_from_json
from zenowasm.interp.errors import (
    Exhaustion,
    HostExhaustion,
    LimitError,
    LinkError,
    Trap,
    TrapCode,
    UncaughtException,
    WasmError,
)
from zenowasm.interp.execution import Configuration
from zenowasm.interp.runtime.values import I31, ExternRef
from zenowasm.interp.types import FuncType, MemType, TableType
from zenowasm.recordings.errors import CutError, DivergenceError, RecordedHostError, RecordingError, ReplayStopError
from zenowasm.recordings.events import Call, Event, Fuel, HostCall, HostReturn, Note, Read, Return, Write
from zenowasm.recordings.recording import Position, Recording

OnStore: TypeAlias = Callable[[str, Store], None]
"""A function that takes the name of a store's guests and the new store, before anything runs in it."""

_UNKNOWN_FUEL: Final = 50_000_000
"""The fuel that a guest may consume, in the units of the instruction table, after the last event of a call that was
ended from outside if its engine counted no fuel: about ten seconds on the reference engine."""
_MOST_SHOWN: Final = 200
_MOST_MEMORY: Final = 1 << 32
_DEEP: Final = {"call_depth": 100_000, "stack_values": 40_000_000}
"""The limits of replays for recordings of other engines, which bound their stacks in bytes."""


@define
class Counts:
    """What has been replayed so far: stores, calls of the host into guests, and calls of guests into the host."""

    stores: int = 0
    calls: int = 0
    host_calls: int = 0


class Source(Protocol):
    """Where a player gets what all stores of a recording share."""

    recording: Recording
    engine: Engine

    def module(self, digest: str) -> protocol.Module:
        """Return a module of the recording, compiled."""
        ...


@frozen
class _Running:
    """The outermost call that runs: its name, and the number of the instance that it makes, if it is a start."""

    name: str
    instance: int | None = None


@define(eq=False)
class _Known:
    """What a player has learned from the events so far."""

    store: Store | None = None
    owner: str = ""
    objects: dict[int, Any] = field(factory=dict)
    names: dict[int, str] = field(factory=dict)
    instances: dict[int, protocol.Instance] = field(factory=dict)
    types: dict[int, FuncType | None] = field(factory=dict)
    hosts: set[int] = field(factory=set)
    secrets: set[str] = field(factory=set)
    deterministic: bool = True
    place: str = "the first call"
    running: _Running | None = None
    fuel_ahead: int = 0
    fuel_known: bool = True
    bounds: int = 0
    peeked: Event | None = None

    def copy(self) -> _Known:
        """Return a copy that later events do not change."""
        return evolve(
            self,
            objects=dict(self.objects),
            names=dict(self.names),
            instances=dict(self.instances),
            types=dict(self.types),
            hosts=set(self.hosts),
            secrets=set(self.secrets),
        )


@frozen(eq=False)
class SavedPlayer:
    """The state of a player and of its store between two instructions or events."""

    known: _Known
    position: Position
    store: SavedStore | None


class Player:
    """The replay of one store. With ``rewindable``, its store stays open at its end, so that one can return to it."""

    def __init__(
        self, source: Source, number: int, on_store: OnStore | None, counts: Counts, *, rewindable: bool
    ) -> None:
        self.number = number
        self._replay = source
        self._on_store = on_store
        self._counts = counts
        self._rewindable = rewindable
        self._events = source.recording.events(number)
        self._callers: list[Caller] = []
        self._known = _Known()

    # -- from one outermost call to the next --

    def next_order(self) -> int | None:
        """Do everything up to the next outermost call, and return its number; ``None`` at the end."""
        while True:
            event = self._peek()
            if event is None:
                return None
            if isinstance(event, Call):
                return event.order
            if isinstance(event, Note) and event.name in ("call", "instantiate"):
                return _integer(event.fields, "order")
            self.step()

    def step(self) -> None:
        """Do what the next event says."""
        event = self._take()
        assert event is not None
        with self._reading():
            self._perform(event)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except CutError:
            self._events.end()
            self._known.peeked = None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged() from error

    # -- going back --

    def save(self, execution: Configuration | None, former: SavedPlayer | None) -> SavedPlayer:
        """Save the state between two events, or in the middle of an outermost call, which is paused."""
        known = self._known.copy()
        saved = None
        if known.store is not None:
            store, objects = cast(RewindableStore, known.store), list(known.objects.values())
            before = None if former is None or former.known.store is not store else former.store
            saved = store.save(execution, known.instances.values(), objects, before)
        return SavedPlayer(known, self._events.position, saved)

    def digest(self, execution: Configuration) -> str:
        """Return a hash of the store's state and of an execution."""
        store = cast(RewindableStore, self._now())
        return store.save(execution, self._known.instances.values(), (), None).state.digest()

    def restore(self, saved: SavedPlayer) -> Configuration | None:
        """Return to a saved state; the result is the execution with which ``resume`` goes on, if one was running."""
        self._known = saved.known.copy()
        self._events.position = saved.position
        self._callers = []
        if saved.store is None:
            return None
        execution, objects = cast(RewindableStore, self._now()).restore(saved.store)
        self._known.objects = dict(zip(saved.known.objects, objects, strict=True))
        return execution

    def resume(self, execution: Configuration) -> None:
        """Continue the outermost call in the middle of which the restored state was saved, to its end."""
        running, store = self._known.running, cast(RewindableStore, self._now())
        assert running is not None

        def action() -> Sequence[Value]:
            if running.instance is None:
                return store.resume(execution)
            instance = store.instance_of(execution)
            store.resume(execution)
            self._known.instances[running.instance] = instance
            return ()

        with self._reading():
            self._finish(action, running.name)

    def _perform(self, event: Event) -> None:
        match event:
            case Call():
                self._call(event.function, event.arguments)
            case Write():
                self._expect(event.memory).write(event.address, event.data)
            case Read():
                self._read(event)
            case Fuel():
                self._compare_fuel(event.consumed)
            case Note():
                action = _ACTIONS.get(event.name)
                if action is None:
                    raise self._damaged()
                action(self, event.fields)
            case _:
                raise self._damaged()

    # -- calls --

    def _call(self, function: int, arguments: Sequence[Any]) -> None:
        values = [self._given(it) for it in arguments]
        self._counts.calls += 1
        name = self._name(function)
        if not self._callers:
            arguments_ = ", ".join(map(_shown, arguments))
            self._known.place = (
                f"call {self._counts.calls}, {name}({arguments_}) of {self._known.owner or 'the module'}"
            )
        following = self._peek()
        if isinstance(following, Note) and following.name == "error" and following.fields.get("kind") == "refused":
            self._take()
            return
        callee = self._expect(function)
        self._run(lambda: callee.call(*values), _Running(name))

    def _instantiate(self, fields: Mapping[str, Any]) -> None:
        module = self._replay.module(str(fields["module"]))
        self._known.place = f"the start of {self._known.owner or 'the module'}"
        if self._on_store is not None and not self._known.instances:
            self._on_store(self._known.owner, self._now())
        imports: dict[tuple[str, str], protocol.Extern] = {}
        for wanted, number in zip(module.imports, fields["imports"], strict=True):
            if number is None:
                continue
            self._known.names.setdefault(number, f"{wanted.module}.{wanted.name}")
            if number in self._known.hosts and number not in self._known.objects:
                self._make_host_function(number, self._known.types[number] or _function_type(wanted.type))
            imports[wanted.module, wanted.name] = self._known.objects[number]
        number = _integer(fields, "id")

        def make() -> Sequence[Value]:
            self._known.instances[number] = self._now().instantiate(module, imports)
            return ()

        self._run(make, _Running("start", number))

    def _run(self, action: Callable[[], Sequence[Value]], running: _Running) -> None:
        """Let the guest run, and compare how its turn ends with the recording."""
        self._bound_fuel()
        if not self._callers:
            self._known.running = running
        self._finish(action, running.name)

    def _finish(self, action: Callable[[], Sequence[Value]], name: str) -> None:
        try:
            results = action()
        except ReplayStopError:
            raise
        except WasmError as error:
            self._unbound_fuel()
            self._failed(error, name)
        else:
            self._unbound_fuel()
            self._returned(results, name)

    def _returned(self, results: Sequence[Value], name: str) -> None:
        event = self._take()
        replayed = f"that {name} returned {_list(results)}"
        match event:
            case None:
                raise self._cut()
            case Return(recorded) | Note("return", {"results": recorded}):
                self._compare(recorded, results, f"that {name} returned {_list(recorded)}", replayed)
            case Note("instantiated"):
                pass
            case Note("error") if self._is_stop(event):
                return  # the recorded call was ended from outside before it could return
            case _:
                raise self._diverges(event, replayed)

    def _failed(self, error: Exception, name: str) -> None:
        event = self._take()
        replayed = f"that {name} failed with {type(error).__name__}: {error}"
        if event is None:
            raise self._cut()
        if not isinstance(event, Note) or event.name != "error":
            raise self._diverges(event, replayed)
        if self._is_stop(event) and isinstance(error, Trap) and error.code is TrapCode.OUT_OF_FUEL:
            pass
        elif not self._same_error(event.fields, error):
            raise self._diverges(event, replayed)
        self._known.fuel_known = False  # an engine may not know the fuel of a call that failed

    def _same_error(self, recorded: Mapping[str, Any], error: Exception) -> bool:
        match recorded["kind"]:
            case "trap":
                return isinstance(error, Trap) and error.code.value == recorded["name"]
            case "exhaustion":
                return isinstance(error, Exhaustion)
            case "exception":
                if not isinstance(error, UncaughtException):
                    return False
                self._bind(recorded["value"], error.exception)
                return True
            case _:
                name = error.name if isinstance(error, RecordedHostError) else type(error).__name__
                return bool(name == recorded["name"])

    def _is_stop(self, event: Event | None) -> bool:
        """Return whether an event is a call's end from outside: by its time limit, a signal or the host's stack."""
        if not isinstance(event, Note) or event.name != "error":
            return False
        kind, name = event.fields["kind"], event.fields.get("name")
        return kind in ("other", "refused") or name in (TrapCode.INTERRUPTED.value, HostExhaustion.__name__)

    def _bound_fuel(self) -> None:
        """Bound the guest's next turn if it has no other end: it was ended from outside, or the recording is cut."""
        event = self._peek()
        if event is not None and not self._is_stop(event):
            return
        store = self._now()
        limit = _UNKNOWN_FUEL
        own = store.fuel_consumed
        if isinstance(event, Note) and own is not None:
            fuel = event.fields.get("fuel")
            if isinstance(fuel, int) and 0 <= fuel - self._known.fuel_ahead - own < 1 << 62:
                limit = fuel - self._known.fuel_ahead - own
        store.begin(CallBudget(limit))
        self._known.bounds += 1

    def _unbound_fuel(self) -> None:
        """End the bounds at the end of an outermost call."""
        if not self._callers:
            for _ in range(self._known.bounds):
                self._now().end()
            self._known.bounds = 0

    # -- host functions --

    def _make_host_function(self, number: int, type: FuncType) -> None:
        def body(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
            return self._host_call(number, caller, arguments)

        self._known.objects[number] = self._now().host_function(type, body)

    def _host_call(self, number: int, caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        event = self._peek()
        if event is None:
            raise self._cut()
        if self._is_stop(event):
            raise Trap(TrapCode.OUT_OF_FUEL)
        self._take()
        self._counts.host_calls += 1
        match event:
            case HostCall(function, recorded) | Note("host_call", {"id": function, "arguments": recorded}):
                pass
            case _:
                raise self._diverges(event, self._shown_host_call(number, arguments))
        if function != number:
            raise self._diverges(event, self._shown_host_call(number, arguments))
        self._compare(
            recorded, arguments, self._shown_host_call(number, recorded), self._shown_host_call(number, arguments)
        )
        self._callers.append(caller)
        try:
            return self._host_answer()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged() from error
        finally:
            self._callers.pop()

    def _host_answer(self) -> Sequence[Value]:
        """Do what the recorded host function did, and return its results or raise its error."""
        while True:
            event = self._take()
            match event:
                case None:
                    raise self._cut()
                case HostReturn(results) | Note("host_return", {"results": results}):
                    self._bound_fuel()
                    return [self._given(it) for it in results]
                case Note("host_error", fields):
                    raise self._error(fields)
                case _:
                    self._perform(event)

    def _error(self, fields: Mapping[str, Any]) -> Exception:
        message = str(fields.get("message", ""))
        match fields["kind"]:
            case "trap":
                return Trap(TrapCode(fields["name"]), message)
            case "exhaustion":
                return Exhaustion()
            case "exception":
                return UncaughtException(self._given(fields["value"]))
            case "wasm":
                for cls in (LimitError, LinkError, HostExhaustion):
                    if cls.__name__ == fields["name"]:
                        return cls(message)
        return RecordedHostError(str(fields["name"]), message)

    # -- comparing --

    def _read(self, event: Read) -> None:
        memory = self._expect(event.memory)
        where = f"{event.length} bytes at 0x{event.address:x}"
        try:
            digest = crc32(memory.read(event.address, event.length))
        except IndexError:
            raise self._differ(f"{where} of memory", f"a memory of {memory.size} bytes") from None
        if digest != event.digest:
            raise self._differ(f"{where} with the CRC-32 0x{event.digest:08x}", f"the CRC-32 0x{digest:08x}")

    def _compare(self, recorded: Sequence[Any], values: Sequence[Value], left: str, right: str) -> None:
        if len(recorded) != len(values) or not all(map(self._same, recorded, values)):
            raise self._differ(left, right)

    def _same(self, recorded: Any, value: Value) -> bool:
        """Return whether a value from the guest is the recorded one; an object that is new becomes known."""
        if isinstance(recorded, dict):
            if "float" in recorded:
                return isinstance(value, float) and _bits(value).hex() == recorded["float"]
            if "i31" in recorded:
                return isinstance(value, I31) and value.value == recorded["i31"]
            return self._bind(recorded, value)
        if isinstance(recorded, float):
            return isinstance(value, float) and _bits(value) == _bits(recorded)
        return bool(recorded == value)

    def _bind(self, recorded: Mapping[str, Any], value: Value) -> bool:
        """Return whether a reference is the recorded one; an object that is new becomes known."""
        if value is None:
            return False
        number = next(it for key, it in recorded.items() if key in ("function", "object", "host"))
        known = self._known.objects.setdefault(number, value)
        return known is value or bool(known == value) or "object" in recorded

    def _compare_fuel(self, fuel: int) -> None:
        own = self._now().fuel_consumed
        if own is not None and not self._known.fuel_known:
            self._known.fuel_known, self._known.fuel_ahead = True, fuel - own
        if own is None or fuel == own + self._known.fuel_ahead:
            return
        raise self._differ(f"{fuel} units of fuel", f"{own + self._known.fuel_ahead} units of fuel")

    def _diverges(self, event: Event | None, replayed: str) -> DivergenceError:
        return self._differ(self._shown(event), replayed)

    def _differ(self, recorded: str, replayed: str) -> DivergenceError:
        reason = ""
        if self._known.secrets:
            names = ", ".join(sorted(self._known.secrets))
            reason = f"the recording has no secrets, so the guest received a mask for {names}, which may be the reason"
        elif not self._known.deterministic:
            reason = "the recorded engine was not deterministic, which may be the reason"
        return DivergenceError(self._known.place, recorded, replayed, reason)

    def _cut(self) -> CutError:
        if self._replay.recording.complete:
            return CutError(f"the recording ends in the middle of {self._known.place}")
        return CutError(f"the recording is cut in the middle of {self._known.place}")

    def _shown(self, event: Event | None) -> str:
        match event:
            case HostCall(function, arguments) | Note("host_call", {"id": function, "arguments": arguments}):
                return self._shown_host_call(function, arguments)
            case Return(results) | Note("return", {"results": results}):
                return f"that the call returned {_list(results)}"
            case Note("error", fields):
                kind, message = fields.get("name", fields["kind"]), fields.get("message", "")
                return f"that the call failed with {kind} {message}".rstrip()
            case Note():
                return f"the event {event.name!r}"
            case _:
                return f"{type(event).__name__}"

    def _shown_host_call(self, number: int, arguments: Sequence[Any]) -> str:
        return f"the host call {self._name(number)}({', '.join(map(_shown, arguments))})"

    # -- rare events --

    def _made_store(self, fields: Mapping[str, Any]) -> None:
        if self._known.store is not None:
            raise self._damaged()
        known = fields_dict(ExecutionLimits)
        limits = {name: value for name, value in fields["limits"].items() if name in known and isinstance(value, int)}
        if fields["engine"] != self._replay.engine.name:
            limits |= _DEEP
        limits["memory_bytes"] = min(limits["memory_bytes"], _MOST_MEMORY)
        self._known.deterministic = "deterministic" in fields["capabilities"]
        self._known.store = self._replay.engine.new_store(ExecutionLimits(**limits))
        self._counts.stores += 1

    def _owned(self, fields: Mapping[str, Any]) -> None:
        self._known.owner = str(fields["owner"])

    def _budget(self, fields: Mapping[str, Any]) -> None:
        self._now().set_budget(Budget(fields["fuel"]))

    def _begin(self, fields: Mapping[str, Any]) -> None:
        self._now().begin(CallBudget(fields["fuel"]))

    def _end(self, fields: Mapping[str, Any]) -> None:
        self._now().end()

    def _close(self, fields: Mapping[str, Any]) -> None:
        store = self._now()
        if isinstance(store, Closable) and not self._rewindable:
            store.close()

    def _function(self, fields: Mapping[str, Any]) -> None:
        self._known.types[fields["id"]] = (
            None if fields["type"] is None else _function_type(type_from_json(fields["type"]))
        )

    def _host_function(self, fields: Mapping[str, Any]) -> None:
        """Note a host function. It is made when its import is known, which has its type if a module defines that."""
        self._function(fields)
        self._known.hosts.add(fields["id"])

    def _new_memory(self, fields: Mapping[str, Any]) -> None:
        type = type_from_json(fields["type"])
        if not isinstance(type, MemType):
            raise self._damaged()
        self._known.objects[fields["id"]] = self._now().new_memory(type)

    def _new_table(self, fields: Mapping[str, Any]) -> None:
        type = type_from_json(fields["type"])
        if not isinstance(type, TableType):
            raise self._damaged()
        self._known.objects[fields["id"]] = self._now().new_table(type, self._given(fields["value"]))

    def _new_global(self, fields: Mapping[str, Any]) -> None:
        type: Any = type_from_json(fields["type"])
        self._known.objects[fields["id"]] = self._now().new_global(type, self._given(fields["value"]))

    def _new_tag(self, fields: Mapping[str, Any]) -> None:
        type: Any = type_from_json(fields["type"])
        self._known.objects[fields["id"]] = self._now().new_tag(type)

    def _new_exception(self, fields: Mapping[str, Any]) -> None:
        values = [self._given(it) for it in fields["fields"]]
        self._bind(fields["value"], self._now().new_exception(self._expect(fields["tag"]), values))

    def _export(self, fields: Mapping[str, Any]) -> None:
        self._known.objects[fields["id"]] = self._known.instances[fields["instance"]].exports[fields["name"]]
        self._known.names[fields["id"]] = str(fields["name"])

    def _caller_export(self, fields: Mapping[str, Any]) -> None:
        found = self._callers[-1].export(fields["name"])
        if found is None:
            raise self._damaged()
        self._known.objects[fields["id"]] = found
        self._known.names[fields["id"]] = str(fields["name"])

    def _general_call(self, fields: Mapping[str, Any]) -> None:
        self._call(fields["id"], fields["arguments"])

    def _masked(self, fields: Mapping[str, Any]) -> None:
        self._known.secrets |= {str(name) for _, _, name in fields["values"]}

    def _grow(self, fields: Mapping[str, Any]) -> None:
        result = self._expect(fields["id"]).grow(fields["count"])
        if result != fields["result"]:
            raise self._differ(f"a memory that grew from {fields['result']} pages", f"{result} pages")

    def _table_get(self, fields: Mapping[str, Any]) -> None:
        value = self._expect(fields["id"]).get(fields["index"])
        self._compare([fields["value"]], [value], _shown(fields["value"]), _shown(value))

    def _table_set(self, fields: Mapping[str, Any]) -> None:
        self._expect(fields["id"]).set(fields["index"], self._given(fields["value"]))

    def _table_grow(self, fields: Mapping[str, Any]) -> None:
        result = self._expect(fields["id"]).grow(fields["count"], self._given(fields["value"]))
        if result != fields["result"]:
            raise self._differ(f"a table that grew from {fields['result']} elements", f"{result} elements")

    def _global_get(self, fields: Mapping[str, Any]) -> None:
        value = self._expect(fields["id"]).get()
        self._compare([fields["value"]], [value], _shown(fields["value"]), _shown(value))

    def _global_set(self, fields: Mapping[str, Any]) -> None:
        self._expect(fields["id"]).set(self._given(fields["value"]))

    # -- objects --

    def _now(self) -> Store:
        if self._known.store is None:
            raise self._damaged()
        return self._known.store

    def _expect(self, number: int) -> Any:
        found = self._known.objects.get(number)
        if found is None and number in self._known.hosts:
            type = self._known.types[number]
            if type is not None:
                self._make_host_function(number, type)
                return self._known.objects[number]
        if found is None:
            raise self._damaged()
        return found

    def _given(self, recorded: Any) -> Value:
        """Return a value from the host."""
        match recorded:
            case None | int() | float():
                return recorded
            case {"float": bits}:
                return struct.unpack("<d", bytes.fromhex(bits))[0]
            case {"i31": value}:
                return I31(value)
            case {"host": number}:
                return self._known.objects.setdefault(number, ExternRef(f"recorded object {number}"))
            case {"function": number} | {"object": number}:
                return self._expect(number)
        raise self._damaged()

    def _name(self, number: int) -> str:
        return self._known.names.get(number, f"function {number}")

    def _damaged(self) -> RecordingError:
        return RecordingError(
            f"{self._replay.recording.path} is damaged: it has an impossible event in {self._known.place}"
        )

    def _peek(self) -> Event | None:
        while self._known.peeked is None:
            event = next(self._events, None)
            if event is None:
                return None
            if isinstance(event, Note) and event.name == "function":
                self._function(event.fields)  # it comes where the function is first seen, also before a return
            else:
                self._known.peeked = event
        return self._known.peeked

    def _take(self) -> Event | None:
        event = self._peek()
        self._known.peeked = None
        return event


_ACTIONS: Final[Mapping[str, Callable[[Player, Mapping[str, Any]], None]]] = {
    "begin": Player._begin,
    "budget": Player._budget,
    "call": Player._general_call,
    "caller_export": Player._caller_export,
    "close": Player._close,
    "end": Player._end,
    "export": Player._export,
    "global_get": Player._global_get,
    "global_set": Player._global_set,
    "grow": Player._grow,
    "host_function": Player._host_function,
    "instantiate": Player._instantiate,
    "masked": Player._masked,
    "new_exception": Player._new_exception,
    "new_global": Player._new_global,
    "new_memory": Player._new_memory,
    "new_table": Player._new_table,
    "new_tag": Player._new_tag,
    "owner": Player._owned,
    "store": Player._made_store,
    "table_get": Player._table_get,
    "table_grow": Player._table_grow,
    "table_set": Player._table_set,
}


def _function_type(type: Any) -> FuncType:
    if not isinstance(type, FuncType):
        raise TypeError(f"no type of a function: {type}")
    return type


def _integer(fields: Mapping[str, Any], key: str) -> int:
    value = fields[key]
    if not isinstance(value, int):
        raise RecordingError(f"the recording is damaged: {key} is no integer")
    return value


def _bits(value: float) -> bytes:
    return struct.pack("<d", value)


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(_shown, values)) or "nothing"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
