"""Running: a store, its budget, and the way into guests and back out to host functions."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import inf
from time import monotonic, thread_time
from types import MappingProxyType

import wasmtime

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Budget, HostBody
from zenowasm.backends.wasmtime import capi, failures
from zenowasm.backends.wasmtime.externs import Global, Memory, Table, Tag, wrap
from zenowasm.backends.wasmtime.interrupts import Interrupts
from zenowasm.backends.wasmtime.module import Module
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.backends.wasmtime.values import Func, Reference, empty_values, lift, lower, raw_values
from zenowasm.interp.errors import Exhaustion, LimitError, LinkError, Trap, TrapCode, UncaughtException
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.types import I64, AbsHeapType, FuncType, GlobalType, Limits, MemType, NumType, TableType

_UNLIMITED_FUEL = (1 << 63) - 1
_NEVER = 1 << 62
"""Epochs that no engine reaches."""
_PAGES_END = {NumType.I32: 1 << 16, NumType.I64: 1 << 48}
_ELEMENTS_END = {NumType.I32: (1 << 32) - 1, NumType.I64: (1 << 64) - 1}


class Caller:
    """The instance that called a host function; empty once the function has returned."""

    def __init__(self, store: Store, raw: wasmtime.Caller) -> None:
        self._store = store
        self._raw = raw

    def export(self, name: str) -> protocol.Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        found = self._raw.get(name)
        return None if found is None else wrap(self._store, found)


class Instance:
    """A module in a store."""

    def __init__(self, store: Store, raw: wasmtime.Instance, module: Module) -> None:
        externs = raw.exports(store.raw)
        exports = {it.name: wrap(store, externs[it.name], it.type) for it in module.exports}
        self.exports: Mapping[str, protocol.Extern] = MappingProxyType(exports)


class Store:
    """A wasmtime store, the budget of its calls and the host functions that its guests can reach."""

    def __init__(self, engine: wasmtime.Engine, ticker: Ticker, limits: ExecutionLimits) -> None:
        self.raw = wasmtime.Store(engine)
        self.raw.set_limits(memory_size=limits.memory_bytes, table_elements=limits.table_elements)
        self.raw.set_epoch_deadline(_NEVER)
        self.table_types: dict[tuple[int, int], TableType] = {}
        self._ticker = ticker
        self._limits = limits
        self._budget = Budget()
        self._active = False
        self._deadline: float | None = None
        self._cpu_end: float | None = None
        self._cpu_watch: object = None
        self._granted = 0
        self._consumed = 0
        self._modules: set[Module] = set()
        self._bodies: list[tuple[FuncType, HostBody]] = []
        self._host_error: BaseException | None = None
        self._interrupts = Interrupts()
        # The callback belongs to the store: a strong reference back would keep both until a garbage collection.
        this = weakref.ref(self)

        def enter_host(
            number: int, caller: wasmtime.Caller, arguments: capi.RawValues, results: capi.RawValues
        ) -> wasmtime.Trap | None:
            store = this()
            assert store is not None
            return store._enter_host(number, caller, arguments, results)

        self._callback = capi.host_callback(enter_host)

    @property
    def fuel_consumed(self) -> int:
        """Fuel consumed by all calls in this store so far, the one under way included."""
        return self._consumed + (self._granted - int(self.raw.get_fuel()) if self._active else 0)

    def set_budget(self, budget: Budget) -> None:
        """Give the following outermost calls this budget each."""
        self._budget = budget

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Make a function of the host; raises ``TypeError`` when its type refers to one that a module defines."""
        raw = capi.new_host_function(self.raw, type, self._callback, len(self._bodies))
        self._bodies.append((type, body))
        return Func(self, raw, type)

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory.

        Raises ``LimitError`` when it exceeds the store's limits, ``ValueError`` when the type is invalid.
        """
        limits = type.limits
        _check_limits(limits, _PAGES_END[type.address])
        if limits.minimum * PAGE_SIZE > self._limits.memory_bytes:
            raise LimitError(
                f"a memory of {limits.minimum} pages exceeds the store's limit of {self._limits.memory_bytes} bytes"
            )
        raw_type = wasmtime.MemoryType(wasmtime.Limits(limits.minimum, limits.maximum), is_64=type.address is I64)
        try:
            return Memory(self, wasmtime.Memory(self.raw, raw_type))
        except wasmtime.WasmtimeError as error:
            raise LimitError(str(error)) from None

    def new_table(self, type: TableType, value: Value = None) -> Table:
        """Create a table filled with ``value``.

        Raises ``LimitError`` when it exceeds the store's limits, ``TypeError`` when its type refers to one that a
        module defines or the value does not fit, ``ValueError`` when the type is invalid.
        """
        _check_limits(type.limits, _ELEMENTS_END[type.address])
        if type.limits.minimum > self._limits.table_elements:
            raise LimitError(
                f"a table of {type.limits.minimum} elements exceeds the store's limit of {self._limits.table_elements}"
            )
        with raw_values(self, (type.element,), (value,)) as values:
            try:
                if type.address is I64:
                    raw = self._new_table64(type)
                    capi.table_grow(self.raw, raw, type.limits.minimum, values[0])
                else:
                    raw = capi.new_table(self.raw, type, values[0])
            except wasmtime.WasmtimeError as error:
                raise LimitError(str(error)) from None
        return Table(self, raw, type)

    def _new_table64(self, type: TableType) -> wasmtime.Table:
        """Return an empty table with 64-bit indexes, which wasmtime's C interface can only take from a module."""
        if not isinstance(type.element.heap, AbsHeapType) or not type.element.nullable:
            raise TypeError(f"the wasmtime backend cannot make {type} outside of a module")
        empty = TableType(type.element, Limits(0, type.limits.maximum), I64)
        module = wasmtime.Module(self.raw.engine, f'(module {empty} (export "" (table 0)))')
        return wasmtime.Instance(self.raw, module, []).exports(self.raw)[""]

    def new_global(self, type: GlobalType, value: Value) -> Global:
        """Create a global.

        Raises ``TypeError`` when its type refers to one that a module defines, ``TypeError`` or ``ValueError`` when the
        value does not fit.
        """
        with raw_values(self, (type.value,), (value,)) as values:
            return Global(self, capi.new_global(self.raw, type, values[0]), type)

    def instantiate(self, module: protocol.Module, imports: Mapping[tuple[str, str], protocol.Extern]) -> Instance:
        """Link and instantiate a module and run its start function; raises the errors that the protocol names."""
        if not isinstance(module, Module):
            raise TypeError("the module was compiled by another engine")
        externs = [self._import(it.module, it.name, imports.get((it.module, it.name))) for it in module.imports]
        self._modules.add(module)
        failure: capi.Failure = None
        with self._guest():
            try:
                return Instance(self, wasmtime.Instance(self.raw, module.raw, externs), module)
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                failure = error.with_traceback(None)
        refused = failures.of_instantiation(failure) if isinstance(failure, wasmtime.WasmtimeError) else None
        raise self._error(failure) if refused is None else refused

    def call(self, function: Func, arguments: Sequence[Value]) -> tuple[Value, ...]:
        """Call a function under the budget; raises the errors that ``Func.call`` of the protocol names."""
        type = function.type
        if len(arguments) != len(type.parameters):
            raise TypeError(f"{len(arguments)} arguments given to a function of type {type}")
        with raw_values(self, type.parameters, arguments) as raw, empty_values(*type.results) as results:
            with self._guest():
                failure = capi.call(self.raw, function.raw, raw, results)
            if failure is not None:
                raise self._error(failure)
            return tuple([lift(self, it, result) for it, result in zip(type.results, results, strict=True)])

    @contextmanager
    def _guest(self) -> Iterator[None]:
        """Surround every entry into guest code."""
        try:
            capi.check_python_stack()
        except RecursionError:
            raise Exhaustion("the host's own stack is used up") from None
        self._host_error = None
        with self._activation():
            if self._bodies or self._cpu_watch is not None:
                with self._interrupts.held():
                    yield
            else:
                yield

    @contextmanager
    def _activation(self) -> Iterator[None]:
        """Apply the budget to an outermost call; a call made by a host function of its own shares it."""
        if self._active:
            yield
            return
        budget = self._budget
        self._granted = _UNLIMITED_FUEL if budget.fuel is None else min(budget.fuel, _UNLIMITED_FUEL)
        self.raw.set_fuel(self._granted)
        self._active = True
        try:
            if budget.seconds is not None or budget.cpu_seconds is not None:
                now = monotonic()
                deadline = inf if budget.seconds is None else now + budget.seconds
                first = deadline
                if budget.cpu_seconds is not None:
                    self._watch_cpu()
                    self._cpu_end = thread_time() + budget.cpu_seconds
                    first = min(deadline, now + budget.cpu_seconds)
                self.raw.set_epoch_deadline(self._ticker.start(first))
                self._deadline = deadline
            yield
        finally:
            if self._deadline is not None:
                self._ticker.stop()
                self.raw.set_epoch_deadline(_NEVER)
                self._deadline = self._cpu_end = None
            self._consumed = self.fuel_consumed
            self._active = False

    def _watch_cpu(self) -> None:
        """Have the store ask when it reaches its epoch deadline: CPU time cannot pass faster than the clock does."""
        if self._cpu_watch is None:
            this = weakref.ref(self)

            def decide() -> int | None:
                store = this()
                return None if store is None else store._more_epochs()

            self._cpu_watch = capi.on_epoch_deadline(self.raw, decide)

    def _more_epochs(self) -> int | None:
        """Return after how many epochs the budget can be used up at the earliest, ``None`` when it is."""
        if self._used_up() or self._deadline is None:
            self._host_error = Trap(TrapCode.INTERRUPTED)
            return None
        cpu_left = inf if self._cpu_end is None else self._cpu_end - thread_time()
        return max(1, self._ticker.until(min(self._deadline, monotonic() + cpu_left)))

    def _used_up(self) -> bool:
        """Return whether the time of the running call is over, by the clock or by the CPU."""
        if self._deadline is None:
            return False
        return monotonic() >= self._deadline or (self._cpu_end is not None and thread_time() >= self._cpu_end)

    def _enter_host(
        self, number: int, raw_caller: wasmtime.Caller, arguments: capi.RawValues, results: capi.RawValues
    ) -> wasmtime.Trap | None:
        try:
            with self._interrupts.allowed():
                type, body = self._bodies[number]
                values = tuple([lift(self, it, arguments[index]) for index, it in enumerate(type.parameters)])
                self._deliver(type, body(Caller(self, raw_caller), values), results)
        except BaseException as error:  # noqa: BLE001 - no exception can cross wasmtime's frames: `_error` hands it on
            thrown = error.exception if isinstance(error, UncaughtException) else None
            if isinstance(thrown, Reference) and thrown.store is self:
                # It left a guest that the host called; it goes on in the guest that called the host.
                return capi.throw(self.raw, thrown.root)
            self._host_error = error
            return wasmtime.Trap("exception in a host function")
        if self._used_up():
            return capi.new_trap(wasmtime.TrapCode.INTERRUPT)
        return None

    def _deliver(self, type: FuncType, values: Sequence[Value], results: capi.RawValues) -> None:
        if not isinstance(values, Sequence) or len(values) != len(type.results):
            raise TypeError(f"a host function of type {type} returned {values!r}")
        room = capi.new_values(type.results)
        with ExitStack() as undo:
            undo.callback(capi.release, room)
            for it, value, raw in zip(type.results, values, room, strict=True):
                lower(self, it, value, raw)
            undo.pop_all()
        for index, raw in enumerate(room):
            results[index] = raw

    def _error(self, failure: capi.Failure) -> BaseException:
        """Return what stopped the guest: the exception of a host function, or a trap."""
        root = capi.take_exception(self.raw)
        exception = None if root is None else Reference(self, AbsHeapType.EXN, root)
        error, self._host_error = self._host_error, None
        return failures.of_call(failure, self._modules, exception) if error is None else error

    def _import(self, module: str, name: str, extern: protocol.Extern | None) -> wasmtime.Func:
        if extern is None:
            raise LinkError(f"unknown import: {module!r} {name!r}")
        if not isinstance(extern, Func | Memory | Table | Global | Tag) or extern.store is not self:
            raise LinkError(f"incompatible import type: {module!r} {name!r} does not come from this store")
        return extern.raw


def _check_limits(limits: Limits, end: int) -> None:
    maximum = end if limits.maximum is None else limits.maximum
    if not 0 <= limits.minimum <= maximum <= end:
        raise ValueError(f"invalid limits: {limits}")
