"""The protocol of all engines, for the plugin host and the conformance runners.

An engine turns bytes into a module, a store has the run-time state, and an instance is a module in a store. Values have
the representation of ``zenowasm.interp.runtime.values``; integers are unsigned.

Every engine raises only the errors of ``zenowasm.interp.errors``. An exception of a host function passes through the
guest's frames unchanged and reaches the outermost caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    from zenowasm.interp.execution import Configuration, PausedCall
    from zenowasm.interp.execution.state import State

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
    """An optional ability of an engine; a suite checks for it before it relies on it."""

    STEPPING = "stepping"
    """Stops before any instruction and resumes (``SteppingStore``)."""
    FUEL = "fuel"
    """Counts fuel: a call that finishes consumes the same fuel as on every other engine."""
    INTERRUPTS = "interrupts"
    """Stops a running guest at its time limit, and lets Python run signal handlers meanwhile."""
    DETERMINISTIC = "deterministic"
    """Has the same results as every other engine, even if the specification allows several: NaNs, relaxed vectors."""
    PARALLEL = "parallel"
    """Runs guests without Python's global lock, so several threads run guests at the same time."""


@frozen
class Budget:
    """The limits of one outermost call: ``fuel`` in units of the instruction table, ``seconds`` of wall clock, and
    ``cpu_seconds`` of the calling thread's CPU time.

    ``None`` means no limit. Calls that a host function makes back into the guest share the outermost budget.
    """

    fuel: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None

    def timeless(self) -> CallBudget | None:
        """Return the one budget for all calls, or ``None`` if a time limit begins with each call."""
        return CallBudget(self.fuel) if self.seconds is None and self.cpu_seconds is None else None


class BudgetError(ValueError):
    """Raised, before anything runs, for a limit that an engine cannot enforce for lack of the capability
    ``missing``.
    """

    def __init__(self, missing: Capability) -> None:
        what = "fuel" if missing is Capability.FUEL else "time"
        super().__init__(f"this engine was made without {missing.value}, so that it cannot bound {what}")
        self.missing = missing


class CallBudget:
    """A budget that has begun: the end of the time for its calls, and the fuel that they share.

    ``deadline`` is a time of ``time.monotonic``, and ``cpu_end`` one of ``time.thread_time`` in the calling thread;
    both are in seconds and infinite without a limit. ``fuel`` is in units of the instruction table, ``None`` without a
    limit.
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
        """Return whether its wall-clock time or CPU time is over."""
        return monotonic() >= self.deadline or (self.cpu_end != inf and thread_time() >= self.cpu_end)


@frozen
class CompileLimits:
    """The limits of decoding, validating and compiling one module: bytes of memory, and seconds of wall clock.

    ``seconds`` applies to modules of half a MiB or more; smaller ones have their share (see ``seconds_for``).
    """

    memory_bytes: int = field(default=1024 * MIB, validator=validators.ge(0))
    seconds: float = field(default=30.0, validator=validators.gt(0))

    def seconds_for(self, size: int) -> float:
        """Return the time for a module of ``size`` bytes: 2 s, or more in proportion to its size."""
        return min(self.seconds, max(_LEAST_SECONDS, self.seconds * size / _WHOLE_SHARE))


class Validation(Enum):
    """The time at which function bodies are validated: all by ``compile``, or each before its first call."""

    AHEAD = "ahead"
    LAZY = "lazy"


@frozen
class EngineOptions:
    """The options of an engine.

    ``cache`` stores compiled modules; without one, nothing is cached. ``validation`` is for engines that can run a
    function before they have seen the others.

    ``fuel``, ``interrupts`` and ``deterministic`` are the capabilities that slow guests down. An engine has them all by
    default, and may omit those that are turned off.
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

        Integer arguments may be signed or unsigned; results are unsigned. Raises ``TypeError`` or ``ValueError`` for
        arguments that do not fit the type, ``Trap``, ``Exhaustion``, and the exceptions of host functions.
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
        """Return a copy of ``length`` bytes; raises ``IndexError`` if they are not all inside the memory."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Write ``data``; raises ``IndexError``, without writing anything, if it does not fit inside the memory."""
        ...

    def view(self) -> memoryview:
        """Return the current bytes, writable and without a copy.

        They stay allocated as long as the view is used. After the memory has grown, an earlier view may show old bytes.
        Raises ``BufferError`` for a memory that the engine may move when it grows.
        """
        ...

    def find(self, byte: int, address: int, end: int) -> int:
        """Return the address of the first ``byte`` in [address, min(end, size)), or -1."""
        ...

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the previous size in pages, or -1 if a limit forbids it."""
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
        """Return an element; raises ``IndexError`` outside the table."""
        ...

    def set(self, index: int, value: Value) -> None:
        """Replace an element; raises ``IndexError`` outside the table."""
        ...

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the previous size, or -1 if a limit forbids it."""
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
        """Replace the value; raises ``TypeError`` if the global is immutable."""
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
    """The instance that called a host function."""

    def export(self, name: str) -> Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        ...


HostBody: TypeAlias = Callable[[Caller, tuple[Value, ...]], Sequence[Value]]
"""The body of a host function: from the caller and the arguments to the results."""


class Module(Protocol):
    """A decoded and validated module, independent of any store."""

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The imports in order."""
        ...

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The exports in order."""
        ...


def described(module: Module) -> str:
    """Return the ``repr`` of a module: one line, for a module of any size."""
    return f"<WebAssembly module: {len(module.imports)} imports, {len(module.exports)} exports>"


class Instance(Protocol):
    """A module in a store."""

    @property
    def exports(self) -> Mapping[str, Extern]:
        """The instance's exports by name."""
        ...


class Store(Protocol):
    """The run-time state, used by one thread at a time."""

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed by all calls in this store so far; ``None`` if the engine does not count it."""
        ...

    def set_budget(self, budget: Budget) -> None:
        """Give each of the following outermost calls this budget; a call that exceeds it traps.

        The codes are ``OUT_OF_FUEL`` and ``INTERRUPTED``. The time of host functions counts, but they are not
        interrupted. A new store has no budget. Raises ``BudgetError`` for fuel without ``Capability.FUEL`` and for time
        without ``Capability.INTERRUPTS``.
        """
        ...

    def begin(self, budget: CallBudget) -> None:
        """Let the following outermost calls share one budget, until ``end``.

        This thread must make these calls, from the calling function or from functions that it calls: an engine may
        check the thread's stack only here. Raises ``HostExhaustion`` if too little stack is left, and ``BudgetError``
        as ``set_budget`` does.
        """
        ...

    def end(self) -> None:
        """End the budget of ``begin``; that of ``set_budget`` applies again."""
        ...

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Make a host function available to guests."""
        ...

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory; raises ``LimitError`` if it exceeds the store's limits, and ``ValueError`` for a type that
        no module could declare.
        """
        ...

    def new_table(self, type: TableType, value: Value = None) -> Table:
        """Create a table filled with ``value``; raises ``LimitError`` if it exceeds the store's limits."""
        ...

    def new_global(self, type: GlobalType, value: Value) -> Global:
        """Create a global."""
        ...

    def new_tag(self, type: TagType) -> Tag:
        """Create a tag."""
        ...

    def new_exception(self, tag: Tag, fields: Sequence[Value]) -> Value:
        """Create an exception and return a reference to it; a host function throws it as an ``UncaughtException``.

        Raises ``TypeError`` or ``ValueError`` for fields that do not fit the tag and for a tag of another store, and
        ``LimitError`` if the exception exceeds the store's limits.
        """
        ...

    def instantiate(self, module: Module, imports: Mapping[tuple[str, str], Extern]) -> Instance:
        """Link and instantiate a module and run its start function (specification, 4.5.4).

        Raises ``LinkError`` if an import is missing or has another type, ``LimitError`` if a memory or table exceeds
        the store's limits, and ``Trap`` if a segment does not fit or the start function traps.
        """
        ...


class SteppingStore(Store, Protocol):
    """A store of an engine with ``Capability.STEPPING``."""

    probe: Probe | None
    """The observer of the store's calls that begin from now on, if there is one."""

    def pause(self, function: Func, arguments: tuple[Value, ...]) -> PausedCall:
        """Begin a call that pauses before its first instruction, and continues as far as its caller asks.

        Use it, and the returned call, between ``begin`` and ``end``. Raises the errors of ``Func.call``.
        """
        ...


class SavedStore(Protocol):
    """A saved store: the guests' state, and what is left of the budget."""

    @property
    def state(self) -> State:
        """The state of the guests."""
        ...


@runtime_checkable
class RewindableStore(SteppingStore, Protocol):
    """A store that can go back to a former state, also to one in the middle of an outermost call."""

    def save(
        self,
        execution: Configuration | None,
        instances: Iterable[Instance],
        held: Sequence[Value],
        former: SavedStore | None,
    ) -> SavedStore:
        """Save the state of the instances, of ``held`` values and objects, and of a paused outermost execution.

        It shares the pages of memory that are as in ``former``.
        """
        ...

    def restore(self, saved: SavedStore) -> tuple[Configuration | None, Sequence[Value]]:
        """Restore a saved state; return its execution, if it has one, and the held values."""
        ...

    def resume(self, execution: Configuration) -> tuple[Value, ...]:
        """Continue the restored execution until it returns; raises the errors of ``Func.call``."""
        ...

    def instance_of(self, execution: Configuration) -> Instance:
        """Return the instance whose function the host called in a paused execution."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A store whose objects refer to one another, so that Python would keep them until a garbage collection."""

    def close(self) -> None:
        """Release everything in the store. Afterwards, only ``fuel_consumed`` may be used."""
        ...


class Engine(Protocol):
    """One way to run WebAssembly."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def version(self) -> str:
        """The version of the software that the engine uses."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities of this engine object."""
        ...

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> Module:
        """Decode and validate a whole module; ``None`` means the default limits.

        Raises ``DecodeError`` if it is malformed, ``ValidationError`` if it is invalid, ``LimitError`` if it exceeds
        what the engine allows, and ``CompileLimitError`` if compiling exceeds ``limits``.
        """
        ...

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store; ``None`` means the default limits."""
        ...
