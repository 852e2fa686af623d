"""The reference engine: ``zenowasm.interp``, adapted to the protocol of all engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, cast

from attrs import frozen

from zenowasm import __version__
from zenowasm.backends.cache import key_of
from zenowasm.backends.compiling import bounded, memory_checkpoint
from zenowasm.backends.kept_code import KeptCode
from zenowasm.backends.protocol import (
    Budget,
    CallBudget,
    Capability,
    CompileLimits,
    EngineOptions,
    ExecutionLimits,
    ExportType,
    Extern,
    Func,
    FuncType,
    Global,
    GlobalType,
    HostBody,
    ImportType,
    Instance,
    Memory,
    MemType,
    Module,
    SavedStore,
    Store,
    Table,
    TableType,
    Tag,
    TagType,
    Validation,
    Value,
    described,
)
from zenowasm.interp.binary import decode
from zenowasm.interp.canonical import canonical_func_type
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, PausedCall, evaluate, invoke, resume
from zenowasm.interp.execution.packing import form
from zenowasm.interp.features import WASM_3
from zenowasm.interp.matching import fault_of_size
from zenowasm.interp.mistakes import field_count
from zenowasm.interp.runtime.instances import Extern as RuntimeExtern
from zenowasm.interp.runtime.instances import Function, GlobalInstance, HostFunction, ModuleInstance, TagInstance
from zenowasm.interp.runtime.instantiate import instantiate
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.store import NEVER
from zenowasm.interp.runtime.store import Store as RuntimeStore
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import ExceptionInstance, check_value, check_values
from zenowasm.interp.validation import ValidModule, validate_lazily, validate_module

if TYPE_CHECKING:
    from zenowasm.interp.execution.state import State

_CONFIGURATION = {"features": WASM_3.value}
_VALID = b"valid"
"""The cache entry of a module that was validated ahead of time."""
_FUEL_BETWEEN_CLOCKS = 50_000
"""The fuel that a guest consumes between two checks of the clock, about a hundredth of a second."""


@frozen(eq=False, repr=False)
class ReferenceModule:
    """A valid module, and its cached code if there is a cache."""

    valid: ValidModule
    kept: KeptCode | None = None

    def __repr__(self) -> str:
        return described(self)

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The module's imports, in order."""
        return self.valid.context.import_types(self.valid.module)

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The module's exports, in order."""
        return self.valid.context.export_types(self.valid.module)


@frozen(eq=False)
class ReferenceInstance:
    """A module instance; ``module`` is the interpreter's own object, for debuggers and tests."""

    module: ModuleInstance

    @property
    def exports(self) -> Mapping[str, Extern]:
        """The exports by name: the interpreter's own objects, which already have the protocol's methods."""
        return cast("Mapping[str, Extern]", self.module.exports)


class _Saved(NamedTuple):
    """A saved store: its state, and its budgets."""

    state: State
    budget: Budget
    running: CallBudget
    fuel_end: int
    begun: int


class ReferenceStore:
    """A store of the interpreter, with a budget for each outermost call."""

    def __init__(self, limits: ExecutionLimits | None) -> None:
        """Create an empty store."""
        self.runtime = RuntimeStore(limits or ExecutionLimits(), lambda _: self._invoke, self._checkpoint)
        self.set_budget(Budget())
        self._running = CallBudget()
        self._fuel_end = NEVER
        self._begun = 0
        self._modules: set[ReferenceModule] = set()

    def close(self) -> None:
        """Release everything in the store and save the code compiled in it to the cache.

        Afterwards, only ``fuel_consumed`` may be used.
        """
        self.runtime.close()
        while self._modules:
            module = self._modules.pop()
            if module.kept is not None:
                module.kept.save(module.valid)

    @property
    def fuel_consumed(self) -> int:
        """The fuel consumed by all calls so far; a host function sees the fuel consumed up to its call."""
        return self.runtime.settled_fuel

    @property
    def probe(self) -> Probe | None:
        """The observer of this store's executions, or ``None`` (``Capability.STEPPING``)."""
        return self.runtime.probe

    @probe.setter
    def probe(self, probe: Probe | None) -> None:
        self.runtime.probe = probe
        self.runtime.forget_code()

    def pause(self, function: Func, arguments: tuple[Value, ...]) -> PausedCall:
        """Begin a call that pauses before its first instruction, and continues as far as its caller asks."""
        return PausedCall(self.runtime, cast("Function", function), arguments)

    def save(
        self,
        execution: Configuration | None,
        instances: Iterable[Instance],
        held: Sequence[Value],
        former: SavedStore | None,
    ) -> SavedStore:
        """Save the state of instances, of held values and objects, and of a paused outermost execution."""
        from zenowasm.interp.execution.state import save  # few stores are saved

        modules = [it.module for it in instances if isinstance(it, ReferenceInstance)]
        state = save(self.runtime, execution, modules, held, None if former is None else former.state)
        return _Saved(state, self._budget, self._running, self._fuel_end, self._begun)

    def restore(self, saved: SavedStore) -> tuple[Configuration | None, Sequence[Value]]:
        """Restore a saved state; return its execution, if it has one, and the held values."""
        from zenowasm.interp.execution.state import restore

        assert isinstance(saved, _Saved)
        self.set_budget(saved.budget)
        self._running, self._fuel_end, self._begun = saved.running, saved.fuel_end, saved.begun
        return restore(self.runtime, saved.state)

    def resume(self, execution: Configuration) -> tuple[Value, ...]:
        """Continue the restored execution until it returns."""
        assert self.runtime.probe is not None
        try:
            return resume(execution, self.runtime.probe)
        finally:
            self.end()

    def instance_of(self, execution: Configuration) -> Instance:
        """Return the instance whose function the host called in a paused execution."""
        *_, outermost = execution.frames()
        return ReferenceInstance(outermost.module)

    def set_budget(self, budget: Budget) -> None:
        """Give each of the following outermost calls this budget."""
        self._budget = budget
        self._timeless = budget.timeless()

    def begin(self, budget: CallBudget) -> None:
        """Let the following outermost calls share one budget, until ``end``."""
        runtime = self.runtime
        self._running = budget
        self._fuel_end = NEVER if budget.fuel is None else runtime.settled_fuel + budget.fuel
        runtime.checkpoint_fuel = -1
        self._begun += 1

    def end(self) -> None:
        """End the budget of ``begin``."""
        self._begun -= 1
        runtime = self.runtime
        if runtime.settled_fuel > self._fuel_end:
            # As with wasmtime, fuel that a call consumes after its last checkpoint is not reported.
            runtime.settled_fuel = self._fuel_end

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Make a host function available to guests."""
        return HostFunction(self.runtime, type, body)

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory."""
        _check_size(type)
        return MemoryInstance(type, self.runtime.memory_quota)

    def new_table(self, type: TableType, value: Value = None) -> Table:
        """Create a table filled with ``value``."""
        _check_size(type)
        return TableInstance(type, self.runtime.table_quota, check_value(type.element, value))

    def new_global(self, type: GlobalType, value: Value) -> Global:
        """Create a global."""
        return GlobalInstance(self.runtime, type, value)

    def new_tag(self, type: TagType) -> Tag:
        """Create a tag."""
        return TagInstance(self.runtime, canonical_func_type(type.type))

    def new_exception(self, tag: Tag, fields: Sequence[Value]) -> Value:
        """Create an exception; raises ``TypeError`` or ``ValueError`` if the fields do not fit the tag."""
        if not isinstance(tag, TagInstance) or tag.store is not self.runtime:
            raise ValueError("the tag belongs to another store")
        types = tag.type.type.parameters
        if len(fields) != len(types):
            raise field_count(tag.type, len(fields))
        return ExceptionInstance(tag, tuple(check_values(types, fields)))

    def instantiate(self, module: Module, imports: Mapping[tuple[str, str], Extern]) -> Instance:
        """Link and instantiate a module of this engine and run its start function."""
        if not isinstance(module, ReferenceModule):
            raise TypeError(f"a module of the reference engine is needed, not {type(module).__name__}")
        self._modules.add(module)
        externs = cast("Mapping[tuple[str, str], RuntimeExtern]", imports)
        is_outermost = not self._begun
        if is_outermost:
            self._begin_own()
        try:
            return ReferenceInstance(instantiate(self.runtime, module.valid, externs, evaluate))
        finally:
            if is_outermost:
                self.end()

    def _invoke(self, function: Function, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
        """Call a function; calls that a host function makes share the outermost call's budget."""
        if self._begun:
            return invoke(self.runtime, function, arguments)
        self._begin_own()
        try:
            return invoke(self.runtime, function, arguments)
        finally:
            self.end()

    def _begin_own(self) -> None:
        """Begin a new budget for an outermost call."""
        self.begin(self._timeless or CallBudget.begin(self._budget))

    def _checkpoint(self, consumed: int) -> int:
        """Check the budget; return the fuel at which to check it again (see ``interp.runtime.store``)."""
        if consumed >= self._fuel_end:
            raise Trap(TrapCode.OUT_OF_FUEL)
        running, probe = self._running, self.runtime.probe
        if running.deadline == inf and running.cpu_end == inf and probe is None:
            return self._fuel_end
        if monotonic() >= running.deadline or (running.cpu_end != inf and running.expired()):
            raise Trap(TrapCode.INTERRUPTED)
        following = min(self._fuel_end, consumed + _FUEL_BETWEEN_CLOCKS)
        if probe is not None:
            # After all else, since it may pause: the execution then goes on behind this checkpoint.
            wanted = probe.at_checkpoint(consumed)
            following = following if wanted is None else min(following, wanted)
        return following


def _check_size(type_: MemType | TableType) -> None:
    fault = fault_of_size(type_)
    if fault is not None:
        raise ValueError(f"impossible limits: {fault}")


class ReferenceEngine:
    """The interpreter in pure Python: exact, and able to stop before every instruction.

    Whatever the options say, it has all capabilities except ``PARALLEL``: omitting one would not make it faster.
    """

    name = "reference"
    version = __version__
    capabilities = frozenset({Capability.STEPPING, Capability.FUEL, Capability.INTERRUPTS, Capability.DETERMINISTIC})

    def __init__(self, options: EngineOptions | None = None) -> None:
        """Make an engine."""
        self._options = options or EngineOptions()

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> Module:
        """Decode and validate a module, including its bodies unless the options validate these lazily.

        If the cache has an entry that says that a module is valid, this method does not validate its bodies again. If
        the cache has the code of a function, calling it does not validate its body either.
        """
        limits = limits or CompileLimits()
        module = self._compiled(binary, limits)
        cache = self._options.cache
        if cache is None:
            return ReferenceModule(module)
        kept = KeptCode(cache, self._key(binary, f"code {form()}"))
        kept.load(module)
        return ReferenceModule(module, kept)

    def _compiled(self, binary: bytes, limits: CompileLimits) -> ValidModule:
        progress = bounded(limits, len(binary))
        cache, lazy = self._options.cache, self._options.validation is Validation.LAZY
        key = self._key(binary, "valid") if cache and not lazy else ""
        module = decode(binary, progress=progress)
        if lazy or (cache and cache.get(key) == _VALID):
            return validate_lazily(module, progress, memory_checkpoint(limits))
        valid = validate_module(module, progress)
        if cache:
            cache.put(key, _VALID)
        return valid

    def _key(self, binary: bytes, kind: str) -> str:
        return key_of(binary, self.name, self.version, _CONFIGURATION, kind)

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store."""
        return ReferenceStore(limits)


def new_engine(options: EngineOptions) -> ReferenceEngine:
    """Make the engine; for ``backends.registry``."""
    return ReferenceEngine(options)
