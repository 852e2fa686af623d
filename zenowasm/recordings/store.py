"""Engines and stores that record everything that crosses the border between host and guest.

Each frequent path is one closure, which adds the words of an event to the stream's list and does nothing else: the
recorder's thread converts, compresses and writes them. A slot call takes about ten of these paths, a host call one to
four.
"""

from __future__ import annotations

import hashlib
import struct
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from zlib import crc32

from attrs import asdict, field, frozen

from zenowasm.backends import protocol
from zenowasm.backends.protocol import (
    Budget,
    CallBudget,
    Caller,
    Capability,
    Closable,
    CompileLimits,
    Engine,
    ExecutionLimits,
    ExportType,
    ExternRef,
    FuncType,
    GlobalType,
    HostBody,
    ImportType,
    MemType,
    TableType,
    TagType,
    Value,
    described,
)
from zenowasm.backends.type_json import DefinedTypeError, type_to_json
from zenowasm.interp.errors import Exhaustion, HostExhaustion, Trap, UncaughtException, WasmError
from zenowasm.interp.mistakes import argument_count
from zenowasm.interp.runtime.values import I31, check_values
from zenowasm.interp.types import I32, ExternType
from zenowasm.recordings.events import (
    CALL,
    FUEL,
    HOST_CALL,
    HOST_RETURN,
    MOST_DATA,
    NOTE,
    NUMBER,
    READ,
    RETURN,
    WIDE_READ,
    WIDE_WRITE,
    WORD,
    WRITE,
    Layout,
    note,
)

if TYPE_CHECKING:
    from zenowasm.interp.events import Probe
    from zenowasm.recordings.recorder import Recorder

MOST_WORDS: Final = 8_192
"""The words of events after which a call writes them itself: more would leave the processor's caches."""
_LARGE: Final = 1 << 12
"""The bytes of data that are written at once, so that a frame stays small."""
_VIEWED: Final = 1 << 16
"""The bytes of a memory that are compared at once."""


ToWords: TypeAlias = Callable[[Sequence[Any]], Sequence[int]]


class Secrets(Protocol):
    """The secret values of a guest's host."""

    redacts: bool

    def text(self, text: str) -> str:
        """Return a text without secret values."""
        ...

    def masked(self, data: bytes) -> tuple[bytes, Sequence[tuple[int, int, str]]]:
        """Return bytes whose secret values are masked, and offset, length and name of each."""
        ...


@frozen(eq=False)
class RecordedEngine:
    """An engine whose stores are recorded. They cannot pause, since a pause is no call."""

    raw: Engine
    recorder: Recorder

    @property
    def name(self) -> str:
        """The engine's name in the registry."""
        return self.raw.name

    @property
    def version(self) -> str:
        """The version of the engine's software."""
        return self.raw.version

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The engine's capabilities, except ``STEPPING``."""
        return self.raw.capabilities - {Capability.STEPPING}

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> protocol.Module:
        """Compile a module and keep its bytes, which the recording contains."""
        return RecordedModule(self.raw.compile(binary, limits), binary)

    def new_store(self, limits: ExecutionLimits | None = None) -> protocol.Store:
        """Create an empty store."""
        return RecordedStore(self.raw, self.recorder, limits or ExecutionLimits())


@frozen(eq=False)
class RecordedModule:
    """A module, with the bytes that it was compiled from."""

    raw: protocol.Module
    binary: bytes = field(repr=False)

    def __repr__(self) -> str:
        return described(self)

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The module's imports, in order."""
        return self.raw.imports

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The module's exports, in order."""
        return self.raw.exports


class RecordedStore:
    """A store that is recorded.

    ``secret`` is set once the guest has been given a masked value: from then on, the digests of what the host reads
    are left out, since they could be computed from the secret.
    """

    def __init__(self, engine: Engine, recorder: Recorder, limits: ExecutionLimits) -> None:
        self.raw = engine.new_store(limits)
        self.recorder = recorder
        self.stream = stream = recorder.new_stream()
        self.secret = False
        self.secrets: Secrets | None = None
        self.raised = 0
        self.viewed: list[RecordedMemory] = []
        counts_fuel = self.raw.fuel_consumed is not None
        self.fuel = partial(_fuel, self.raw) if counts_fuel else None
        # Without fuel, budgets have only times, which a replay has not: the engine's own methods save a frame.
        self.begin: Callable[[CallBudget], None] = self._begin if counts_fuel else self.raw.begin
        self.end: Callable[[], None] = self._end if counts_fuel else self.raw.end
        self.values = _Values(self)
        self._instances = 0
        self._exports: dict[str, RecordedExtern | None] = {}
        self._begun: list[bool] = []
        weakref.finalize(self, recorder.end, stream).atexit = False
        self.note(
            "store",
            engine=engine.name,
            version=engine.version,
            capabilities=sorted(it.value for it in engine.capabilities),
            limits=asdict(limits),
        )

    def describe(self, owner: str, secrets: Secrets | None = None) -> None:
        """Set the name of the store's guests, and the secrets that the recording must not contain."""
        self.secrets = secrets if secrets is not None and secrets.redacts else None
        self.note("owner", owner=owner)

    def note(self, event: str, /, **fields: Any) -> None:
        """Record a rare event."""
        data = note(event, fields)
        stream = self.stream
        stream.data.append(data)
        stream.words.extend((NOTE, len(data)))
        if len(data) >= _LARGE or len(stream.words) > MOST_WORDS:
            self.recorder.drain(stream)

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed by all calls in this store so far; ``None`` if the engine does not count it."""
        return self.raw.fuel_consumed

    def note_fuel(self) -> None:
        """Record the consumed fuel, if it is counted."""
        if self.fuel is not None:
            self.stream.words.extend(self.fuel())

    def words(self, to_words: ToWords, type: FuncType, values: Sequence[Value]) -> Sequence[int]:
        """Return the words of values from the embedder, which may be negative or do not fit the type."""
        try:
            return to_words(values)
        except struct.error:
            types = type.parameters if len(values) == len(type.parameters) else type.results
            return to_words(check_values(types, values))

    @property
    def probe(self) -> Probe | None:
        """The probe of a store that can step."""
        found: Probe | None = getattr(self.raw, "probe", None)
        return found

    @probe.setter
    def probe(self, probe: Probe | None) -> None:
        self.raw.probe = probe  # type: ignore[attr-defined]

    def set_budget(self, budget: Budget) -> None:
        """Give each of the following outermost calls this budget."""
        self.raw.set_budget(budget)
        self.note("budget", fuel=budget.fuel)

    def _begin(self, budget: CallBudget) -> None:
        """Let the following outermost calls share one budget, until ``end``."""
        self.raw.begin(budget)
        limited = budget.fuel is not None
        self._begun.append(limited)
        if limited:
            self.note("begin", fuel=budget.fuel)

    def _end(self) -> None:
        """End the budget of ``begin``."""
        self.raw.end()
        if self._begun.pop():
            self.note("end")

    def host_function(self, type: FuncType, body: HostBody) -> RecordedFunc:
        """Make a host function available to guests."""
        number = self.values.new_number()
        function = RecordedFunc(self, self.raw.host_function(type, _host_entry(self, number, type, body)), number)
        self.values.functions[function.raw] = function
        self.note("host_function", id=number, type=_json(type))
        return function

    def new_memory(self, type: MemType) -> RecordedMemory:
        """Create a memory."""
        made = RecordedMemory(self, self.raw.new_memory(type), self.values.new_number())
        self.note("new_memory", id=made.number, type=_json(type))
        return made

    def new_table(self, type: TableType, value: Value = None) -> RecordedTable:
        """Create a table filled with ``value``."""
        raw = self.raw.new_table(type, self.values.lowered(value))
        made = RecordedTable(self, raw, self.values.new_number())
        self.note("new_table", id=made.number, type=_json(type), value=self.values.given(value))
        return made

    def new_global(self, type: GlobalType, value: Value) -> RecordedGlobal:
        """Create a global."""
        made = RecordedGlobal(self, self.raw.new_global(type, self.values.lowered(value)), self.values.new_number())
        self.note("new_global", id=made.number, type=_json(type), value=self.values.given(value))
        return made

    def new_tag(self, type: TagType) -> RecordedTag:
        """Create a tag."""
        made = RecordedTag(self, self.raw.new_tag(type), self.values.new_number())
        self.note("new_tag", id=made.number, type=_json(type))
        return made

    def new_exception(self, tag: protocol.Tag, fields: Sequence[Value]) -> Value:
        """Create an exception."""
        if not isinstance(tag, RecordedTag):
            raise ValueError("the tag belongs to another store")
        made = self.raw.new_exception(tag.raw, [self.values.lowered(it) for it in fields])
        given = [self.values.given(it) for it in fields]
        self.note("new_exception", tag=tag.number, fields=given, value=self.values.taken(made))
        return made

    def instantiate(
        self, module: protocol.Module, imports: Mapping[tuple[str, str], protocol.Extern]
    ) -> protocol.Instance:
        """Link and instantiate a module and run its start function."""
        if not isinstance(module, RecordedModule):
            raise TypeError("the module was compiled by another engine")
        digest = hashlib.sha256(module.binary).hexdigest()
        self.recorder.add_module(digest, module.binary)
        self._instances += 1
        self._exports.clear()
        number = self.values.new_number()
        given = [_recorded(imports.get((it.module, it.name))) for it in module.imports]
        numbers = [None if it is None else it.number for it in given]
        self.settle_views()
        self.note("instantiate", id=number, module=digest, imports=numbers, order=self.recorder.order())
        try:
            raw = self.raw.instantiate(module.raw, {key: _lowered_extern(it) for key, it in imports.items()})
        except BaseException as error:
            self.call_failed(error)
            raise
        self.note("instantiated")
        self.note_fuel()
        self.look_at_views()
        return RecordedInstance(_Exports(self, raw, number))

    def close(self) -> None:
        """Release everything in the store, if its engine can."""
        if isinstance(self.raw, Closable):
            self.raw.close()
        self.note("close")
        self.recorder.end(self.stream)
        # Break the cycles: otherwise, the memory of guests would wait for a garbage collection.
        self.values.functions.clear()
        self._exports.clear()
        self.viewed.clear()

    def call_failed(self, error: BaseException) -> None:
        """Record the error that ends a call into a guest."""
        if isinstance(error, TypeError | ValueError) and id(error) != self.raised:
            self.note("error", kind="refused")  # the arguments do not fit, and nothing ran
        else:
            self.note("error", **self._outcome(error), fuel=self.raw.fuel_consumed)
        self.look_at_views()

    def host_failed(self, error: BaseException) -> None:
        """Record the error that ends a call of a host function."""
        self.raised = id(error)
        self.settle_views()
        self.note("host_error", **self._outcome(error))

    def caller_export(self, caller: Caller, name: str) -> RecordedExtern | None:
        """Return the export of the instance that calls a host function."""
        # With one instance in the store, the caller is always the same.
        if self._instances == 1 and name in self._exports:
            return self._exports[name]
        raw = caller.export(name)
        found = None if raw is None else self.values.wrapped(raw)
        if found is not None:
            self.note("caller_export", name=name, **_described(found))
        self._exports[name] = found
        return found

    def look_at_views(self) -> None:
        """Remember the bytes of viewed memories, which the host may change from now on."""
        for memory in self.viewed:
            memory.remember()

    def settle_views(self) -> None:
        """Record what the host has changed through views, before the guest goes on."""
        for memory in self.viewed:
            memory.settle()

    def _outcome(self, error: BaseException) -> dict[str, Any]:
        match error:
            case Trap():
                return {"kind": "trap", "name": error.code.value, "message": self._text(error.detail)}
            case UncaughtException():
                return {"kind": "exception", "value": self.values.taken(error.exception)}
            case Exhaustion() if not isinstance(error, HostExhaustion):
                return {"kind": "exhaustion"}
        kind = "wasm" if isinstance(error, WasmError) else "other"
        return {"kind": kind, "name": type(error).__name__, "message": self._text(str(error))}

    def _text(self, text: str) -> str:
        return text if self.secrets is None else self.secrets.text(text)


class _Values:
    """The numbers of the objects that cross a store's border, and their form in events.

    A number or null is itself, a float its bits, and everything else an object with a number.
    """

    def __init__(self, store: RecordedStore) -> None:
        self._store = weakref.ref(store)
        self.functions: dict[Any, RecordedFunc] = {}
        self._objects: dict[int, tuple[object, int]] = {}
        self._last = 0

    def new_number(self) -> int:
        """Return the number of a new object."""
        self._last += 1
        return self._last

    def wrapped(self, raw: protocol.Extern) -> RecordedExtern:
        """Return the recorded form of an export."""
        store = self._store()
        assert store is not None
        if isinstance(raw.type, FuncType):
            return self._function(raw, store)
        for type, cls in _CLASSES.items():
            if isinstance(raw.type, type):
                return cls(store, raw, self.new_number())
        raise TypeError(f"no export: {raw!r}")

    def lifted(self, value: Value) -> Value:
        """Return a value from the guest as the embedder receives it."""
        if self._is_function(value):
            store = self._store()
            assert store is not None
            return self._function(value, store)
        return value

    def lowered(self, value: Value) -> Value:
        """Return the engine's form of a value from the embedder."""
        return value.raw if isinstance(value, RecordedFunc) else value

    def given(self, value: Value) -> Any:
        """Return the form in events of a value from the host."""
        if isinstance(value, ExternRef):
            return {"host": self._object(value)[0]}
        return self.taken(value)

    def taken(self, value: Value) -> Any:
        """Return the form in events of a value from the guest."""
        match value:
            case None | int():
                return value
            case float():
                return {"float": struct.pack("<d", value).hex()}
            case I31():
                return {"i31": value.value}
            case ExternRef():
                return {"host": self._object(value)[0]}
            case RecordedFunc():
                return {"function": value.number}
        if self._is_function(value):
            return {"function": self.lifted(value).number}
        number, is_new = self._object(value)
        return {"object": number, "new": is_new}

    def _function(self, raw: Any, store: RecordedStore) -> RecordedFunc:
        known = self.functions.get(raw)
        if known is None:
            known = self.functions[raw] = RecordedFunc(store, raw, self.new_number())
            store.note("function", id=known.number, type=_json(known.type))
        return known

    def _is_function(self, value: Value) -> bool:
        return hasattr(value, "call")

    def _object(self, value: object) -> tuple[int, bool]:
        known = self._objects.get(id(value))
        if known is not None:
            return known[1], False
        key, number = id(value), self.new_number()
        kept: object = value
        with suppress(TypeError):  # some of the engines' objects have no weak references
            kept = weakref.ref(value, lambda _: self._objects.pop(key, None))
        self._objects[key] = kept, number
        return number, True


class RecordedFunc:
    """A recorded function; two for the same function are equal."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Func = raw
        self.number = number

    @cached_property
    def call(self) -> Callable[..., tuple[Value, ...]]:
        """Call the function and record the call."""
        return _guest_entry(self.store, self.raw, self.number)

    @property
    def type(self) -> FuncType:
        """The function's type."""
        return self.raw.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedFunc) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class RecordedMemory:
    """A recorded memory; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Memory = raw
        self.number = number
        self.find = self.raw.find
        self.read: Callable[[int, int], bytes] = _reader(store, self.raw, number)
        self.write: Callable[[int, bytes], None] = _writer(store, self.raw, number)
        self._before = b""

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size."""
        return self.raw.type

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return self.raw.size

    def view(self) -> memoryview:
        """Return the current bytes, writable and without a copy.

        From now on, the memory is compared before and after each of the guest's turns, to find the host's changes.
        """
        view = self.raw.view()
        if self not in self.store.viewed:
            self.store.viewed.append(self)
            self.remember()
        return view

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the previous size in pages, or -1 if a limit forbids it."""
        result = self.raw.grow(pages)
        self.store.note("grow", id=self.number, count=pages, result=result)
        return result

    def remember(self) -> None:
        """Remember the bytes."""
        self._before = self.raw.read(0, self.raw.size)

    def settle(self) -> None:
        """Record the bytes that differ from the remembered ones."""
        now = self.raw.read(0, self.raw.size)
        before = self._before.ljust(len(now), b"\0")
        for at in range(0, len(now), _VIEWED):
            old, new = before[at : at + _VIEWED], now[at : at + _VIEWED]
            if old != new:
                first, end = _changed(old, new)
                is_wide = self.type.address is not I32
                _record_write(self.store, self.number, at + first, new[first:end], is_wide=is_wide)
        self._before = now


class RecordedTable:
    """A recorded table; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Table = raw
        self.number = number

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current size."""
        return self.raw.type

    @property
    def size(self) -> int:
        """The current number of elements."""
        return self.raw.size

    def get(self, index: int) -> Value:
        """Return an element."""
        value = self.raw.get(index)
        self.store.note("table_get", id=self.number, index=index, value=self.store.values.taken(value))
        return self.store.values.lifted(value)

    def set(self, index: int, value: Value) -> None:
        """Replace an element."""
        self.raw.set(index, self.store.values.lowered(value))
        self.store.note("table_set", id=self.number, index=index, value=self.store.values.given(value))

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the previous size, or -1 if a limit forbids it."""
        result = self.raw.grow(count, self.store.values.lowered(value))
        given = self.store.values.given(value)
        self.store.note("table_grow", id=self.number, count=count, value=given, result=result)
        return result


class RecordedGlobal:
    """A recorded global; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Global = raw
        self.number = number

    @property
    def type(self) -> GlobalType:
        """The global's type."""
        return self.raw.type

    def get(self) -> Value:
        """Return the value."""
        value = self.raw.get()
        self.store.note("global_get", id=self.number, value=self.store.values.taken(value))
        return self.store.values.lifted(value)

    def set(self, value: Value) -> None:
        """Replace the value."""
        self.raw.set(self.store.values.lowered(value))
        self.store.note("global_set", id=self.number, value=self.store.values.given(value))


class RecordedTag:
    """A recorded tag."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Tag = raw
        self.number = number

    @property
    def type(self) -> TagType:
        """The tag's type."""
        return self.raw.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedTag) and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]


RecordedExtern: TypeAlias = RecordedFunc | RecordedMemory | RecordedTable | RecordedGlobal | RecordedTag

_CLASSES: Final[Mapping[type, type[RecordedMemory | RecordedTable | RecordedGlobal | RecordedTag]]] = {
    MemType: RecordedMemory,
    TableType: RecordedTable,
    GlobalType: RecordedGlobal,
    TagType: RecordedTag,
}
_KINDS: Final[Mapping[type, str]] = {
    RecordedFunc: "function",
    RecordedMemory: "memory",
    RecordedTable: "table",
    RecordedGlobal: "global",
    RecordedTag: "tag",
}


@frozen(eq=False)
class RecordedInstance:
    """A recorded instance."""

    exports: Mapping[str, protocol.Extern]


class _Exports(Mapping[str, Any]):
    """The exports of an instance. Each is recorded when it is first used: a module may have thousands."""

    def __init__(self, store: RecordedStore, raw: protocol.Instance, number: int) -> None:
        self._store = store
        self._raw = raw.exports
        self._number = number
        self._used: dict[str, RecordedExtern] = {}

    def __getitem__(self, name: str) -> RecordedExtern:
        found = self._used.get(name)
        if found is None:
            store = self._store
            found = self._used[name] = store.values.wrapped(self._raw[name])
            store.note("export", instance=self._number, name=name, **_described(found))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class RecordedCaller:
    """The instance that called a recorded host function."""

    __slots__ = ("_raw", "_store")

    def __init__(self, store: weakref.ref[RecordedStore], raw: Caller) -> None:
        self._store = store
        self._raw = raw

    def export(self, name: str) -> protocol.Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        return _store(self._store).caller_export(self._raw, name)


# -- the frequent paths --


def _guest_entry(store: RecordedStore, raw: protocol.Func, number: int) -> Callable[..., tuple[Value, ...]]:
    """Return a function that calls a guest function and records the call."""
    type = raw.type
    parameters, results_layout = Layout.of(type.parameters), Layout.of(type.results)
    if parameters is None or results_layout is None:
        return _general_entry(store, raw, number)
    extend, viewed, call_raw, order = store.stream.words.extend, store.viewed, raw.call, store.recorder.order
    called, returned, count = CALL | number << NUMBER, RETURN, len(type.parameters)

    def call(*arguments: Value) -> tuple[Value, ...]:
        if len(arguments) != count:
            raise argument_count(type, len(arguments))
        if viewed:
            store.settle_views()
        extend((called, order(), *arguments))
        try:
            results = call_raw(*arguments)
        except BaseException as error:
            store.call_failed(error)
            raise
        extend((returned, *results))
        if viewed:
            store.look_at_views()
        return results

    to_words, results_to_words, fuel = parameters.to_words, results_layout.to_words, store.fuel
    if to_words is None and results_to_words is None and fuel is None:
        return call

    def call_with_conversion(*arguments: Value) -> tuple[Value, ...]:
        if len(arguments) != count:
            raise argument_count(type, len(arguments))
        store.settle_views()
        extend((called, order(), *(arguments if to_words is None else store.words(to_words, type, arguments))))
        try:
            results = call_raw(*arguments)
        except BaseException as error:
            store.call_failed(error)
            raise
        extend((returned, *(results if results_to_words is None else results_to_words(results))))
        if fuel is not None:
            extend(fuel())
        store.look_at_views()
        return results

    return call_with_conversion


def _general_entry(store: RecordedStore, raw: protocol.Func, number: int) -> Callable[..., tuple[Value, ...]]:
    """Return such a function for a type that has other values than numbers."""
    values = store.values

    def call(*arguments: Value) -> tuple[Value, ...]:
        store.settle_views()
        given = [values.given(it) for it in arguments]
        store.note("call", id=number, order=store.recorder.order(), arguments=given)
        try:
            results = raw.call(*(values.lowered(it) for it in arguments))
        except BaseException as error:
            store.call_failed(error)
            raise
        store.note("return", results=[values.taken(it) for it in results])
        store.note_fuel()
        store.look_at_views()
        return tuple(values.lifted(it) for it in results)

    return call


def _host_entry(store: RecordedStore, number: int, type: FuncType, body: HostBody) -> HostBody:
    """Return the body of a host function, which records its calls."""
    parameters, results_layout = Layout.of(type.parameters), Layout.of(type.results)
    if parameters is None or results_layout is None:
        return _general_host_entry(store, number, type, body)
    stream, viewed = store.stream, store.viewed
    log = stream.words
    extend = log.extend
    to_words, results_to_words = parameters.to_words, results_layout.to_words
    called, returned, count = HOST_CALL | number << NUMBER, HOST_RETURN, len(type.results)
    reference = weakref.ref(store)  # the engine's store owns this function: a strong reference would be a cycle
    raw: Caller | None = None
    wrapped: RecordedCaller | None = None

    def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        nonlocal raw, wrapped
        extend((called, *(arguments if to_words is None else to_words(arguments))))
        if caller is not raw:
            raw, wrapped = caller, RecordedCaller(reference, caller)
        if viewed:
            _store(reference).look_at_views()
        try:
            results = body(wrapped, arguments)  # type: ignore[arg-type]
            if len(results) != count:
                raise TypeError(f"a host function of type {type} returned {len(results)} results")
        except BaseException as error:
            _store(reference).host_failed(error)
            raise
        if viewed:
            _store(reference).settle_views()
        if results_to_words is None:
            extend((returned, *results))
        else:
            extend((returned, *_store(reference).words(results_to_words, type, results)))
        if len(log) > MOST_WORDS:
            _store(reference).recorder.drain(stream)
        return results

    return call


def _general_host_entry(store: RecordedStore, number: int, type: FuncType, body: HostBody) -> HostBody:
    """Return such a body for a type that has other values than numbers."""
    reference = weakref.ref(store)

    def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        this = _store(reference)
        values = this.values
        this.note("host_call", id=number, arguments=[values.taken(it) for it in arguments])
        this.look_at_views()
        try:
            results = body(RecordedCaller(reference, caller), tuple(values.lifted(it) for it in arguments))
            if len(results) != len(type.results):
                raise TypeError(f"a host function of type {type} returned {len(results)} results")
        except BaseException as error:
            this.host_failed(error)
            raise
        this.settle_views()
        this.note("host_return", results=[values.given(it) for it in results])
        return [values.lowered(it) for it in results]

    return call


def _reader(store: RecordedStore, raw: protocol.Memory, number: int) -> Callable[[int, int], bytes]:
    """Return the ``read`` of a memory, which records the digest of the bytes."""
    read_raw, extend, is_wide = raw.read, store.stream.words.extend, raw.type.address is not I32
    word = (WIDE_READ if is_wide else READ) | number << NUMBER

    def read(address: int, length: int) -> bytes:
        data = read_raw(address, length)
        if store.secret or length > WORD:
            return data
        if is_wide:
            extend((word, address & WORD, address >> 32, length, crc32(data)))
        else:
            extend((word, address, length, crc32(data)))
        return data

    return read


def _writer(store: RecordedStore, raw: protocol.Memory, number: int) -> Callable[[int, bytes], None]:
    """Return the ``write`` of a memory, which records the bytes."""
    write_raw, stream, is_wide = raw.write, store.stream, raw.type.address is not I32
    log = stream.words
    extend, add_data, word = log.extend, stream.data.append, WRITE | number << NUMBER

    def write(address: int, data: bytes) -> None:
        write_raw(address, data)
        length = len(data)
        if length >= _LARGE or is_wide or store.secrets is not None or data.__class__ is not bytes:
            _record_write(store, number, address, bytes(data), is_wide=is_wide)
            return
        add_data(data)
        extend((word, address, length))
        if len(log) > MOST_WORDS:
            store.recorder.drain(stream)

    return write


def _record_write(store: RecordedStore, number: int, address: int, data: bytes, *, is_wide: bool) -> None:
    """Record a write of any length, without secrets."""
    stream = store.stream
    if store.secrets is not None:
        data, masked = store.secrets.masked(data)
        if masked:
            store.secret = True
            store.note("masked", id=number, address=address, values=masked)
    for at in range(address, address + len(data), MOST_DATA):
        part = data[at - address : at - address + MOST_DATA]
        stream.data.append(part)
        if is_wide:
            stream.words.extend((WIDE_WRITE | number << NUMBER, at & WORD, at >> 32, len(part)))
        else:
            stream.words.extend((WRITE | number << NUMBER, at, len(part)))
        if len(part) >= _LARGE or len(stream.words) > MOST_WORDS:
            store.recorder.drain(stream)


def _store(reference: weakref.ref[RecordedStore]) -> RecordedStore:
    found = reference()
    assert found is not None
    return found


def _fuel(raw: protocol.Store) -> tuple[int, int, int]:
    """Return the event of the consumed fuel."""
    fuel = raw.fuel_consumed or 0
    return FUEL, fuel & WORD, fuel >> 32


def _changed(old: bytes, new: bytes) -> tuple[int, int]:
    """Return the first changed byte and the end of the last one, of two blocks that differ."""
    different = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    first = ((different & -different).bit_length() - 1) // 8
    return first, (different.bit_length() + 7) // 8


def _recorded(extern: protocol.Extern | None) -> RecordedExtern | None:
    return extern if isinstance(extern, RecordedExtern) else None


def _lowered_extern(extern: protocol.Extern) -> protocol.Extern:
    return extern.raw if isinstance(extern, RecordedExtern) else extern


def _described(it: RecordedExtern) -> dict[str, Any]:
    """Return the number and the kind of an object."""
    return {"id": it.number, "kind": _KINDS[type(it)]}


def _json(type: ExternType) -> list[Any] | None:
    """Return a type as JSON, or ``None`` if a module defines a part of it."""
    try:
        return type_to_json(type)
    except DefinedTypeError:
        return None
