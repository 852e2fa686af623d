"""Stores: the calls into guests under a budget, and the host functions that guests call."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType

import wasmtime

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Budget, CallBudget, HostBody
from zenowasm.backends.wasmtime import capi, failures, numeric
from zenowasm.backends.wasmtime.callbacks import Callbacks
from zenowasm.backends.wasmtime.execution import Execution, host_stack_used_up
from zenowasm.backends.wasmtime.externs import Extern, Global, Memory, Table, Tag, wrap
from zenowasm.backends.wasmtime.module import Module
from zenowasm.backends.wasmtime.quotas import Quotas
from zenowasm.backends.wasmtime.stack import ThreadStacks
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.backends.wasmtime.values import Func, KnownTypes, Reference, empty_values, lift, lower, raw_values
from zenowasm.interp.errors import LimitError, UncaughtException
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.mistakes import argument_count, field_count, foreign_import, unknown_import
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
    TagType,
)

_PAGES_END = {NumType.I32: 1 << 16, NumType.I64: 1 << 48}
_ELEMENTS_END = {NumType.I32: (1 << 32) - 1, NumType.I64: (1 << 64) - 1}


class Caller:
    """The instance that calls a host function; it has no exports after the function has returned.

    Each host function has one ``Caller``, whose ``address`` is that of the caller while the function runs.
    """

    __slots__ = ("_store", "address")

    def __init__(self, store: weakref.ref[Store]) -> None:
        self._store = store
        self.address = 0

    def export(self, name: str) -> protocol.Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        store = self._store()
        if store is None or not self.address:
            return None
        raw = capi.caller(self.address)
        try:
            found = raw.get(name)
            return None if found is None else wrap(store, found)
        finally:
            capi.forget_caller(raw)


class Instance:
    """A module in a store."""

    def __init__(self, store: Store, raw: wasmtime.Instance, module: Module) -> None:
        externs = raw.exports(store.raw)
        exports = {it.name: wrap(store, externs[it.name], it.type) for it in module.exports}
        self.exports: Mapping[str, protocol.Extern] = MappingProxyType(exports)


class Store:
    """A wasmtime store, the budget of its calls, and the host functions that its guests can call."""

    def __init__(
        self,
        engine: wasmtime.Engine,
        ticker: Ticker | None,
        stacks: ThreadStacks,
        limits: ExecutionLimits,
        *,
        counts_fuel: bool,
    ) -> None:
        self.raw = wasmtime.Store(engine)
        self.raw.set_limits(memory_size=limits.memory_bytes, table_elements=limits.table_elements)
        self.types = KnownTypes()
        self.quotas = Quotas(self.raw, limits)
        self._modules: set[Module] = set()
        self._callbacks = Callbacks()
        self.execution = execution = Execution(
            self.raw, ticker, stacks, limits, self._callbacks.uncaught, counts_fuel=counts_fuel
        )
        # The protocol's methods, bound directly to save a frame in each plugin call.
        self.begin: Callable[[CallBudget], None] = execution.begin
        self.end: Callable[[], None] = execution.end
        # The store owns the callbacks: a strong reference back would keep both until a garbage collection.
        self._weak = weakref.ref(self)
        self._stopped = partial(_stop, self._weak)
        if ticker is not None:
            capi.on_epoch_deadline(self.raw, self._callbacks, execution.more_epochs)

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed by all calls in this store, including the current one; ``None`` if it is not counted."""
        if self.execution.fuel is None:
            return None
        consumed = self.execution.fuel.consumed()
        return consumed - self.quotas.fuel if self.quotas.counts else consumed

    def set_budget(self, budget: Budget) -> None:
        """Give each of the following outermost calls this budget; raises ``BudgetError``."""
        self.execution.set_budget(budget)

    def host_function(self, type: FuncType, body: HostBody) -> Func:
        """Create a host function; raises ``TypeError`` if its type refers to one that a module defines."""
        if numeric.gives(type):
            enter = numeric.host_entry(self.execution, type, body, Caller(self._weak), self._stopped)
            raw = capi.new_unchecked_function(self.raw, self._callbacks, type, enter)
        else:
            raw = capi.new_host_function(self.raw, self._callbacks, type, self._checked_entry(type, body))
        return Func(self, raw, type)

    def new_memory(self, type: MemType) -> Memory:
        """Create a memory.

        Raises ``LimitError`` if it exceeds the store's limits, ``ValueError`` if the type is invalid.
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

        Raises ``LimitError`` if it exceeds the store's limits, ``TypeError`` if its type refers to one that a module
        defines or the value does not fit, ``ValueError`` if the type is invalid.
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
        """Return an empty table with 64-bit indices, which wasmtime's C interface can obtain only from a module."""
        if not isinstance(type.element.heap, AbsHeapType) or not type.element.nullable:
            raise TypeError(f"the wasmtime backend cannot make {type} outside a module")
        empty = TableType(type.element, Limits(0, type.limits.maximum), I64)
        module = wasmtime.Module(self.raw.engine, f'(module {empty} (export "" (table 0)))')
        return wasmtime.Instance(self.raw, module, []).exports(self.raw)[""]

    def new_global(self, type: GlobalType, value: Value) -> Global:
        """Create a global.

        Raises ``TypeError`` if its type refers to one that a module defines, ``TypeError`` or ``ValueError`` if the
        value does not fit.
        """
        with raw_values(self, (type.value,), (value,)) as values:
            return Global(self, capi.new_global(self.raw, type, values[0]), type)

    def new_tag(self, type: TagType) -> Tag:
        """Create a tag; raises ``TypeError`` if its type refers to one that a module defines."""
        return Tag(self, capi.new_tag(self.raw, type), type)

    def new_exception(self, tag: protocol.Tag, fields: Sequence[Value]) -> Value:
        """Create an exception.

        Raises ``TypeError`` or ``ValueError`` if the fields do not fit the tag, ``LimitError`` if the guests' heap has
        no room for the exception.
        """
        if not isinstance(tag, Tag) or tag.store is not self:
            raise ValueError("the tag belongs to another store")
        types = tag.type.type.parameters
        if len(fields) != len(types):
            raise field_count(tag.type, len(fields))
        with raw_values(self, types, fields) as values:
            try:
                return Reference(self, AbsHeapType.EXN, capi.new_exception(self.raw, tag.raw, values))
            except wasmtime.WasmtimeError as error:
                raise failures.of_value(error) or LimitError("the guests' heap has no room for an exception") from None

    def instantiate(self, module: protocol.Module, imports: Mapping[tuple[str, str], protocol.Extern]) -> Instance:
        """Link and instantiate a module and run its start function; raises the errors that the protocol names."""
        if not isinstance(module, Module):
            raise TypeError("the module was compiled by another engine")
        given = [(wanted, self._given(wanted, imports)) for wanted in module.imports]
        externs = [extern.raw for _, extern in given]
        self.quotas.memory.require(module.memory_bytes)
        self.quotas.table.require(module.table_elements)
        if module.rewritten:
            externs += self.quotas.counters()
        self._modules.add(module)
        failure = self.execution.run(lambda: capi.instantiate(self.raw, module.raw, externs))
        if isinstance(failure, wasmtime.Instance):
            return Instance(self, failure, module)
        refused = failures.of_instantiation(failure, given) if isinstance(failure, wasmtime.WasmtimeError) else None
        raise self.error(failure) if refused is None else refused

    def entry(self, function: Func) -> Callable[..., tuple[Value, ...]]:
        """Return a function that calls ``function`` under the budget; it raises the errors that ``Func.call`` names."""
        type, raw = function.type, function.raw
        if numeric.takes(type):
            return numeric.guest_entry(self.execution, raw, type, self.error)

        def call(*arguments: Value) -> tuple[Value, ...]:
            if len(arguments) != len(type.parameters):
                raise argument_count(type, len(arguments))
            with raw_values(self, type.parameters, arguments) as given, empty_values(*type.results) as results:
                failure = self.execution.run(lambda: capi.call(self.raw, raw, given, results))
                if failure is not None:
                    raise self.error(failure)
                return tuple([lift(self, it, result) for it, result in zip(type.results, results, strict=True)])

        return call

    def error(self, failure: capi.Failure) -> BaseException:
        """Return the reason why the guest stopped: an exception of the host, or a trap."""
        root = capi.take_exception(self.raw)
        exception = None if root is None else Reference(self, AbsHeapType.EXN, root)
        execution = self.execution
        error, time_over = execution.stopped_by, execution.time_over
        execution.forget_failures()
        if error is not None:
            return error
        if time_over:
            return failures.interrupted(failure, self._modules)
        return failures.of_call(failure, self._modules, exception)

    def _checked_entry(self, type: FuncType, body: HostBody) -> capi.HostEntry:
        """Return the entry of a host function whose values are not all numbers."""
        execution, caller, stopped, weak = self.execution, Caller(self._weak), self._stopped, self._weak

        def enter(raw_caller: int, arguments: capi.RawValues, results: capi.RawValues) -> int:
            store = weak()
            assert store is not None
            if execution.uncaught:
                return capi.trap_address(wasmtime.Trap("the host function before could not be entered"))
            in_body = False
            caller_before = caller.address
            try:
                caller.address = raw_caller
                values = tuple([lift(store, it, arguments[index]) for index, it in enumerate(type.parameters)])
                in_body = True
                returned = body(caller, values)
                in_body = False
                execution.forget_failures()  # clear a nested guest's failure that the body handled
                store._deliver(type, returned, results)
            except BaseException as error:  # noqa: BLE001 - no exception can cross wasmtime's frames
                return stopped(error, in_body)
            finally:
                caller.address = caller_before
            return capi.trap_address(capi.new_trap(wasmtime.TrapCode.INTERRUPT)) if execution.expired() else 0

        return enter

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

    def _given(self, wanted: ImportType, imports: Mapping[tuple[str, str], protocol.Extern]) -> Extern:
        extern = imports.get((wanted.module, wanted.name))
        if extern is None:
            raise unknown_import(wanted)
        if not isinstance(extern, Func | Memory | Table | Global | Tag) or extern.store is not self:
            raise foreign_import(wanted, extern)
        return extern


def _stop(store: weakref.ref[Store], error: BaseException, in_body: bool) -> int:
    """Return the address of the trap that stops a guest after its host function failed."""
    this = store()
    assert this is not None
    thrown = error.exception if isinstance(error, UncaughtException) else None
    if isinstance(thrown, Reference) and thrown.store is this:
        # The exception left a guest that the host called; it propagates in the guest that called the host.
        return capi.trap_address(capi.throw(this.raw, thrown.root))
    used_up = isinstance(error, RecursionError) and not in_body
    this.execution.stopped_by = host_stack_used_up() if used_up else error
    return capi.trap_address(wasmtime.Trap("exception in a host function"))


def _check_limits(limits: Limits, end: int) -> None:
    maximum = end if limits.maximum is None else limits.maximum
    if not 0 <= limits.minimum <= maximum <= end:
        raise ValueError(f"invalid limits: {limits}")
