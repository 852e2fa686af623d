"""What an engine offers to the plugin host and to the conformance runners: the same words for every engine.

An engine turns bytes into a module, a store holds everything that lives at run time, an instance is a module in a
store. Values have the representation of ``zenowasm.interp.runtime.values``: integers are unsigned.

Every engine raises the errors of ``zenowasm.interp.errors`` and no others. An exception that a host function raises
travels through the guest's frames unchanged and arrives at whoever made the outermost call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from math import inf
from time import monotonic, thread_time
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen, validators

from zenowasm.backends.cache import ModuleCache
from zenowasm.interp.limits import MIB, ExecutionLimits
from zenowasm.interp.runtime.values import ExternRef, Value
from zenowasm.interp.types import (
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    MemType,
    RefType,
    TableType,
    TagType,
    ValType,
)

if TYPE_CHECKING:
    from zenowasm.interp.events import Probe
    from zenowasm.interp.execution import PausedCall

__all__ = [
    "Budget",
    "BudgetError",
    "CallBudget",
    "Caller",
    "Capability",
    "Closable",
    "CompileLimits",
    "Engine",
    "EngineOptions",
    "ExecutionLimits",
    "ExportType",
    "Extern",
    "ExternRef",
    "ExternType",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "HostBody",
    "ImportType",
    "Instance",
    "MemType",
    "Memory",
    "Module",
    "RefType",
    "SteppingStore",
    "Store",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "ValType",
    "Validation",
    "Value",
    "described",
]


_LEAST_SECONDS = 2.0
_WHOLE_SHARE = MIB // 2


class Capability(Enum):
    """What an engine can do beyond running modules; a suite asks before it relies on one."""

    STEPPING = "stepping"
    """Stops before any instruction and resumes (``SteppingStore``)."""
    FUEL = "fuel"
    """Counts fuel, with the same number for the same finished call as every other engine."""
    INTERRUPTS = "interrupts"
    """Stops a guest that runs when its time is over, and lets Python run signal handlers meanwhile."""
    DETERMINISTIC = "deterministic"
    """Has the results of every other engine also where the specification allows several: NaNs, relaxed vectors."""
    PARALLEL = "parallel"
    """Runs guests without Python's lock, so that several threads run guests at the same time."""


@frozen
class Budget:
    """What one outermost call may use: ``fuel`` in units of the instruction table, ``seconds`` of wall clock, and
    ``cpu_seconds`` of the calling thread's CPU time.

    ``None`` means without bound. Calls that a host function makes back into the guest share the outermost budget.
    """

    fuel: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None

    def timeless(self) -> CallBudget | None:
        """Return what this budget is for every call alike, or ``None`` where a time limit begins with each."""
        return CallBudget(self.fuel) if self.seconds is None and self.cpu_seconds is None else None


class BudgetError(ValueError):
    """Raised for a bound that an engine cannot keep, before anything runs; ``missing`` is what the engine lacks."""

    def __init__(self, missing: Capability) -> None:
        what = "fuel" if missing is Capability.FUEL else "time"
        super().__init__(f"this engine was made without {missing.value}, so that it cannot bound {what}")
        self.missing = missing


class CallBudget:
    """A budget that has begun: until when the calls under it may run, and the fuel that they share.

    ``deadline`` is a moment of ``time.monotonic`` and ``cpu_end`` one of ``time.thread_time`` in the calling thread,
    both in seconds and infinite without a limit. ``fuel`` is in units of the instruction table, ``None`` without one.
    """

    __slots__ = ("cpu_end", "deadline", "fuel")

    def __init__(self, fuel: int | None = None, deadline: float = inf, cpu_end: float = inf) -> None:
        self.fuel = fuel
        self.deadline = deadline
        self.cpu_end = cpu_end

    @classmethod
    def begin(cls, budget: Budget) -> CallBudget:
        """Return a budget that begins now."""
        return cls(
            budget.fuel,
            inf if budget.seconds is None else monotonic() + budget.seconds,
            inf if budget.cpu_seconds is None else thread_time() + budget.cpu_seconds,
        )

    def expired(self) -> bool:
        """Return whether its time is over, by the clock or by the CPU."""
        return monotonic() >= self.deadline or (self.cpu_end != inf and thread_time() >= self.cpu_end)


@frozen
class CompileLimits:
    """What decoding, validating and compiling one module may use: bytes of memory, and seconds of wall clock.

    ``seconds`` are for modules of half a MiB or more; smaller ones have their share of it (see ``seconds_for``).
    """

    memory_bytes: int = field(default=1024 * MIB, validator=validators.ge(0))
    seconds: float = field(default=30.0, validator=validators.gt(0))

    def seconds_for(self, size: int) -> float:
        """Return what a module of ``size`` bytes may take: 2 s, or more in proportion to its size."""
        return min(self.seconds, max(_LEAST_SECONDS, self.seconds * size / _WHOLE_SHARE))


class Validation(Enum):
    """When function bodies are validated: all by ``compile``, or each before it runs for the first time."""

    AHEAD = "ahead"
    LAZY = "lazy"


@frozen
class EngineOptions:
    """What an engine is made with.

    ``cache`` keeps what it makes of modules; without one, nothing is kept. ``validation`` is for engines that can run a
    function before they have seen the others.

    ``fuel``, ``interrupts`` and ``deterministic`` are the capabilities that guests pay for while they run. An engine
    has them all unless told otherwise, and may leave out what is not asked for.
    """

    cache: ModuleCache | None = None
    validation: Validation = Validation.AHEAD
    fuel: bool = True
    interrupts: bool = True
    deterministic: bool = True


class Func(Protocol):
    """A function in a store, of the guest or of the host."""

    @property
    def type(self) -> FuncType:
        """The function's type."""
        ...

    def call(self, *arguments: Value) -> tuple[Value, ...]:
        """Call the function under the store's budget and return its results.

        Integer arguments may also be given signed; results are unsigned. Raises ``TypeError`` or ``ValueError``
        when the arguments do not fit the type, ``Trap``, ``Exhaustion``, and whatever a host function raised.
        """
        ...


class Memory(Protocol):
    """A linear memory. Addresses and lengths are in bytes."""

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size."""
        ...

    @property
    def size(self) -> int:
        """The current size in bytes."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes; raises ``IndexError`` when they are not all inside the memory."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Write ``data``; raises ``IndexError``, with nothing written, when it does not fit inside the memory."""
        ...

    def view(self) -> memoryview:
        """Return the bytes that there are now, writable and without a copy.

        They stay allocated as long as the view is used. After the memory has grown, a view from before may show those
        of before. Raises ``BufferError`` for a memory that the engine may move when it grows.
        """
        ...

    def find(self, byte: int, address: int, end: int) -> int:
        """Return the address of the first ``byte`` in [address, min(end, size)), or -1."""
        ...

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the former size in pages, or -1 when a limit forbids it."""
        ...


class Table(Protocol):
    """A table of references."""

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current size."""
        ...

    @property
    def size(self) -> int:
        """The current number of elements."""
        ...

    def get(self, index: int) -> Value:
        """Return an element; raises ``IndexError`` outside of the table."""
        ...

    def set(self, index: int, value: Value) -> None:
        """Replace an element; raises ``IndexError`` outside of the table."""
        ...

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the former size, or -1 when a limit forbids it."""
        ...


class Global(Protocol):
    """A global variable."""

    @property
    def type(self) -> GlobalType:
        """The global's type."""
        ...

    def get(self) -> Value:
        """Return the value."""
        ...

    def set(self, value: Value) -> None:
        """Replace the value; raises ``TypeError`` when the global is immutable."""
        ...


class Tag(Protocol):
    """A tag of exceptions."""

    @property
    def type(self) -> TagType:
        """The tag's type."""
        ...


Extern: TypeAlias = Func | Memory | Table | Global | Tag
"""Anything that a module can import or export."""


class Caller(Protocol):
    """What a host function sees of the instance that called it."""

    def export(self, name: str) -> Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        ...


HostBody: TypeAlias = Callable[[Caller, tuple[Value, ...]], Sequence[Value]]
"""The body of a host function: from the caller and the arguments to the results."""


class Module(Protocol):
    """A decoded and validated module, independent of any store."""

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """What the module imports, in order."""
        ...

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """What the module exports, in order."""
        ...


def described(module: Module) -> str:
    """Return what ``repr`` says of a module: one line, however large the module is."""
    return f"<WebAssembly module: {len(module.imports)} imports, {len(module.exports)} exports>"


class Instance(Protocol):
    """A module in a store."""

    @property
    def exports(self) -> Mapping[str, Extern]:
        """The instance's exports by name."""
        ...


class Store(Protocol):
    """Everything that lives at run time. Used by one thread at a time."""

    @property
    def fuel_consumed(self) -> int | None:
        """Fuel consumed by all calls in this store so far; ``None`` where the engine does not count it."""
        ...

    def set_budget(self, budget: Budget) -> None:
        """Give the following outermost calls this budget each; a call that exceeds it traps.

        The codes are ``OUT_OF_FUEL`` and ``INTERRUPTED``. The time of host functions counts, but a host function is
        not itself interrupted. A new store has no budget. Raises ``BudgetError`` for fuel without ``Capability.FUEL``
        and for time without ``Capability.INTERRUPTS``.
        """
        ...

    def begin(self, budget: CallBudget) -> None:
        """Let the following outermost calls share one budget, until ``end``.

        They must be made by this thread, from this function or from those that it calls in turn: an engine may look at
        the thread's stack here and not again. Raises ``HostExhaustion`` when too little of it is left, ``BudgetError``
        as ``set_budget`` does.
        """
        ...

    def end(self) -> None:
        """End what ``begin`` began; what ``set_budget`` said holds again."""
        ...

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Make a function of the host available to guests."""
        ...

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory; raises ``LimitError`` when it exceeds the store's limits, ``ValueError`` for a type
        that no module could declare.
        """
        ...

    def new_table(self, type: TableType, value: Value = None) -> Table:
        """Create a table filled with ``value``; raises ``LimitError`` when it exceeds the store's limits."""
        ...

    def new_global(self, type: GlobalType, value: Value) -> Global:
        """Create a global."""
        ...

    def new_tag(self, type: TagType) -> Tag:
        """Create a tag."""
        ...

    def new_exception(self, tag: Tag, fields: Sequence[Value]) -> Value:
        """Create an exception and return a reference to it; a host function throws it as an ``UncaughtException``.

        Raises ``TypeError`` or ``ValueError`` for fields that do not fit the tag and for a tag of another store,
        ``LimitError`` when the store has no room for it.
        """
        ...

    def instantiate(self, module: Module, imports: Mapping[tuple[str, str], Extern]) -> Instance:
        """Link and instantiate a module and run its start function (specification, 4.5.4).

        Raises ``LinkError`` when an import is missing or of another type, ``LimitError`` when a memory or table is
        larger than the store's limits, ``Trap`` when a segment does not fit or the start function traps.
        """
        ...


class SteppingStore(Store, Protocol):
    """A store of an engine with ``Capability.STEPPING``."""

    probe: Probe | None
    """Who watches every instruction of the store's calls, if anyone does."""

    def pause(self, function: Func, arguments: tuple[Value, ...]) -> PausedCall:
        """Begin a call that stands still before its first instruction, and goes on as far as it is told to.

        This and what it is told are between ``begin`` and ``end``. Raises what ``Func.call`` does.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """A store whose objects refer to one another, so that Python would keep them until a garbage collection."""

    def close(self) -> None:
        """Give back what lives in the store. Nothing in it may be used after that but ``fuel_consumed``."""
        ...


class Engine(Protocol):
    """One way to run WebAssembly."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def version(self) -> str:
        """The version of the software behind the engine."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this engine can do beyond running modules, as it was made."""
        ...

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> Module:
        """Decode and validate a whole module; ``None`` means the default limits.

        Raises ``DecodeError`` when it is malformed, ``ValidationError`` when it is invalid, ``LimitError`` when it
        asks for more than the engine allows, and ``CompileLimitError`` when this takes more than ``limits``.
        """
        ...

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store; ``None`` means the default limits."""
        ...
