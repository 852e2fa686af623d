"""Running: a store, its budget, and the way into guests and back out to host functions."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from math import inf
from time import monotonic, thread_time
from types import MappingProxyType
from typing import TypeVar

import wasmtime

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Budget, HostBody
from zenowasm.backends.wasmtime import capi, failures
from zenowasm.backends.wasmtime.callbacks import Callbacks
from zenowasm.backends.wasmtime.externs import Extern, Global, Memory, Table, Tag, wrap
from zenowasm.backends.wasmtime.module import Module
from zenowasm.backends.wasmtime.quotas import Quotas
from zenowasm.backends.wasmtime.stack import GUEST_STACK, HOST_STACK, ThreadStacks
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.backends.wasmtime.values import Func, KnownTypes, Reference, empty_values, lift, lower, raw_values
from zenowasm.interp.errors import (
    HostExhaustion,
    LimitError,
    UncaughtException,
    nested_too_deep,
)
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.mistakes import argument_count, foreign_import, unknown_import
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.types import (
    I64,
    AbsHeapType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemType,
    NumType,
    TableType,
)

_T = TypeVar("_T")
_UNLIMITED_FUEL = (1 << 63) - 1
_SIGNAL_PERIOD = 0.05
"""Seconds after which a guest is stopped for a moment at the latest, so that Python can run signal handlers."""
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

    def __init__(self, engine: wasmtime.Engine, ticker: Ticker, stacks: ThreadStacks, limits: ExecutionLimits) -> None:
        self.raw = wasmtime.Store(engine)
        self.raw.set_limits(memory_size=limits.memory_bytes, table_elements=limits.table_elements)
        self.types = KnownTypes()
        self.quotas = Quotas(self.raw, limits)
        self._ticker = ticker
        self._stacks = stacks
        self._limits = limits
        self._budget = Budget()
        self._nesting = 0
        self._deadline = self._cpu_end = inf
        self._granted = self._settled = 0
        self._modules: set[Module] = set()
        self._bodies: list[tuple[FuncType, HostBody]] = []
        self._stopped_by: BaseException | None = None
        self._time_over = False
        self._callbacks = Callbacks()
        # The callbacks belong to the store: a strong reference back would keep both until a garbage collection.
        this = weakref.proxy(self)

        def enter_host(
            number: int, caller: wasmtime.Caller, arguments: capi.RawValues, results: capi.RawValues
        ) -> wasmtime.Trap | None:
            trap: wasmtime.Trap | None = this._enter_host(number, caller, arguments, results)
            return trap

        def more_epochs() -> int | None:
            epochs: int | None = this._more_epochs()
            return epochs

        self._host_entry = capi.host_entry(self._callbacks, enter_host)
        capi.on_epoch_deadline(self.raw, self._callbacks, more_epochs)

    @property
    def fuel_consumed(self) -> int:
        """Fuel consumed by all calls in this store so far, the one under way included."""
        return self._settled + self._granted - int(self.raw.get_fuel()) - self.quotas.fuel

    def set_budget(self, budget: Budget) -> None:
        """Give the following outermost calls this budget each."""
        self._budget = budget

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Make a function of the host; raises ``TypeError`` when its type refers to one that a module defines."""
        raw = capi.new_host_function(self.raw, type, self._host_entry, len(self._bodies))
        self._bodies.append((type, body))
        return Func(self, raw, type)

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory.

        Raises ``LimitError`` when it exceeds the store's limits, ``ValueError`` when the type is invalid.
        """
        limits = type.limits
        _check_limits(limits, _PAGES_END[type.address])
        self.quotas.memory.require(limits.minimum * PAGE_SIZE)
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
        self.quotas.table.require(type.limits.minimum)
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
        given = [(wanted, self._given(wanted, imports)) for wanted in module.imports]
        externs = [extern.raw for _, extern in given]
        self.quotas.memory.require(module.memory_bytes)
        self.quotas.table.require(module.table_elements)
        if module.metered is not None:
            externs += self.quotas.counters()
        self._modules.add(module)
        failure = self._enter(lambda: capi.instantiate(self.raw, module.raw, externs))
        if isinstance(failure, wasmtime.Instance):
            return Instance(self, failure, module)
        refused = failures.of_instantiation(failure, given) if isinstance(failure, wasmtime.WasmtimeError) else None
        raise self._error(failure) if refused is None else refused

    def call(self, function: Func, arguments: Sequence[Value]) -> tuple[Value, ...]:
        """Call a function under the budget; raises the errors that ``Func.call`` of the protocol names."""
        type = function.type
        if len(arguments) != len(type.parameters):
            raise argument_count(type, len(arguments))
        with raw_values(self, type.parameters, arguments) as raw, empty_values(*type.results) as results:
            failure = self._enter(lambda: capi.call(self.raw, function.raw, raw, results))
            if failure is not None:
                raise self._error(failure)
            return tuple([lift(self, it, result) for it, result in zip(type.results, results, strict=True)])

    def _enter(self, action: Callable[[], _T]) -> _T:
        """Run guest code: under a whole budget if nothing runs yet, else under that of the call that it is part of.

        A signal handler may raise at any point of this function. The next call finds the store in order nevertheless:
        what counts is set before it is used, and no Python code runs between the guest's end and ``_nesting``.
        """
        nesting = self._nesting
        if nesting > self._limits.nested_calls:
            raise nested_too_deep(self._limits.nested_calls)
        self._stacks.require(HOST_STACK if nesting else HOST_STACK + GUEST_STACK)
        if not nesting:
            self._begin()
        try:
            self._nesting = nesting + 1
            outcome = action()
        finally:
            self._nesting = nesting
        uncaught = self._callbacks.take()
        if uncaught is not None:
            raise _host_stack_used_up() if isinstance(uncaught, RecursionError) else uncaught
        return outcome

    def _begin(self) -> None:
        """Apply the budget to an outermost call."""
        self._callbacks.take()
        self._forget_failures()
        budget = self._budget
        self._settled += self._granted - int(self.raw.get_fuel())
        self._granted = _UNLIMITED_FUEL if budget.fuel is None else min(budget.fuel, _UNLIMITED_FUEL)
        self.raw.set_fuel(self._granted)
        self._deadline = inf if budget.seconds is None else monotonic() + budget.seconds
        self._cpu_end = inf if budget.cpu_seconds is None else thread_time() + budget.cpu_seconds
        self.raw.set_epoch_deadline(self._epochs_left())

    def _epochs_left(self) -> int:
        """Return after how many epochs the guest must be looked at again.

        CPU time cannot pass faster than the clock does, and a signal is noticed when Python runs again.
        """
        now = monotonic()
        cpu_left = inf if self._cpu_end == inf else self._cpu_end - thread_time()
        return self._ticker.epochs_until(min(self._deadline, now + cpu_left, now + _SIGNAL_PERIOD))

    def _more_epochs(self) -> int | None:
        """Return after how many epochs to ask again, or ``None`` to stop the guest."""
        if self._callbacks.failed:
            return None
        if self._used_up():
            self._time_over = True
            return None
        return max(1, self._epochs_left())

    def _used_up(self) -> bool:
        """Return whether the time of the running call is over, by the clock or by the CPU."""
        return monotonic() >= self._deadline or (self._cpu_end != inf and thread_time() >= self._cpu_end)

    def _enter_host(
        self, number: int, raw_caller: wasmtime.Caller, arguments: capi.RawValues, results: capi.RawValues
    ) -> wasmtime.Trap | None:
        if self._callbacks.failed:
            return wasmtime.Trap("the host function before could not be entered")
        in_body = False
        try:
            type, body = self._bodies[number]
            values = tuple([lift(self, it, arguments[index]) for index, it in enumerate(type.parameters)])
            caller = Caller(self, raw_caller)
            in_body = True
            returned = body(caller, values)
            in_body = False
            self._forget_failures()  # of a guest that the body called and whose failure it handled
            self._deliver(type, returned, results)
        except BaseException as error:  # noqa: BLE001 - no exception can cross wasmtime's frames: `_error` hands it on
            thrown = error.exception if isinstance(error, UncaughtException) else None
            if isinstance(thrown, Reference) and thrown.store is self:
                # It left a guest that the host called; it goes on in the guest that called the host.
                return capi.throw(self.raw, thrown.root)
            used_up = isinstance(error, RecursionError) and not in_body
            self._stopped_by = _host_stack_used_up() if used_up else error
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
        """Return what stopped the guest: an exception of the host, or a trap."""
        root = capi.take_exception(self.raw)
        exception = None if root is None else Reference(self, AbsHeapType.EXN, root)
        error, time_over = self._stopped_by, self._time_over
        self._forget_failures()
        if error is not None:
            return error
        if time_over:
            return failures.interrupted(failure, self._modules)
        return failures.of_call(failure, self._modules, exception)

    def _forget_failures(self) -> None:
        self._stopped_by, self._time_over = None, False

    def _given(self, wanted: ImportType, imports: Mapping[tuple[str, str], protocol.Extern]) -> Extern:
        extern = imports.get((wanted.module, wanted.name))
        if extern is None:
            raise unknown_import(wanted)
        if not isinstance(extern, Func | Memory | Table | Global | Tag) or extern.store is not self:
            raise foreign_import(wanted, extern)
        return extern


def _host_stack_used_up() -> HostExhaustion:
    return HostExhaustion("the host's own stack is used up")


def _check_limits(limits: Limits, end: int) -> None:
    maximum = end if limits.maximum is None else limits.maximum
    if not 0 <= limits.minimum <= maximum <= end:
        raise ValueError(f"invalid limits: {limits}")
