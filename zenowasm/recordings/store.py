"""Engines and stores that record everything that crosses the border between host and guest."""

from __future__ import annotations

import hashlib
import struct
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

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
from zenowasm.interp.errors import Exhaustion, HostExhaustion, Trap, UncaughtException, WasmError
from zenowasm.interp.runtime.values import check_values
from zenowasm.recordings.calls import LARGE, MOST_WORDS, fuel_event, host_entry
from zenowasm.recordings.events import (
    NOTE,
    note,
)
from zenowasm.recordings.externs import (
    Exports,
    RecordedExtern,
    RecordedFunc,
    RecordedGlobal,
    RecordedInstance,
    RecordedMemory,
    RecordedTable,
    RecordedTag,
    identity_of,
    json_of,
    lowered,
    recorded,
)
from zenowasm.recordings.values import Values

if TYPE_CHECKING:
    from zenowasm.interp.events import Probe
    from zenowasm.recordings.recorder import Recorder

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
        self.fuel = partial(fuel_event, self.raw) if counts_fuel else None
        # Without fuel, budgets have only times, which a replay has not: the engine's own methods save a frame.
        self.begin: Callable[[CallBudget], None] = self._begin if counts_fuel else self.raw.begin
        self.end: Callable[[], None] = self._end if counts_fuel else self.raw.end
        self.values = Values(self)
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
        if len(data) >= LARGE or len(stream.words) > MOST_WORDS:
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
        function = RecordedFunc(self, self.raw.host_function(type, host_entry(self, number, type, body)), number)
        self.values.functions[function.raw] = function
        self.note("host_function", id=number, type=json_of(type))
        return function

    def new_memory(self, type: MemType) -> RecordedMemory:
        """Create a memory."""
        made = RecordedMemory(self, self.raw.new_memory(type), self.values.new_number())
        self.note("new_memory", id=made.number, type=json_of(type))
        return made

    def new_table(self, type: TableType, value: Value = None) -> RecordedTable:
        """Create a table filled with ``value``."""
        raw = self.raw.new_table(type, self.values.lowered(value))
        made = RecordedTable(self, raw, self.values.new_number())
        self.note("new_table", id=made.number, type=json_of(type), value=self.values.given(value))
        return made

    def new_global(self, type: GlobalType, value: Value) -> RecordedGlobal:
        """Create a global."""
        made = RecordedGlobal(self, self.raw.new_global(type, self.values.lowered(value)), self.values.new_number())
        self.note("new_global", id=made.number, type=json_of(type), value=self.values.given(value))
        return made

    def new_tag(self, type: TagType) -> RecordedTag:
        """Create a tag."""
        made = RecordedTag(self, self.raw.new_tag(type), self.values.new_number())
        self.note("new_tag", id=made.number, type=json_of(type))
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
        given = [recorded(imports.get((it.module, it.name))) for it in module.imports]
        numbers = [None if it is None else it.number for it in given]
        self.settle_views()
        self.note("instantiate", id=number, module=digest, imports=numbers, order=self.recorder.order())
        try:
            raw = self.raw.instantiate(module.raw, {key: lowered(it) for key, it in imports.items()})
        except BaseException as error:
            self.call_failed(error)
            raise
        self.note("instantiated")
        self.note_fuel()
        self.look_at_views()
        return RecordedInstance(Exports(self, raw, number))

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
            self.note("caller_export", name=name, **identity_of(found))
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
