"""Instantiation (specification, 4.7.2): links a valid module's imports and creates its instance in a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.matching import LinkType, TagDefType, matches_linktype
from zenowasm.interp.mistakes import foreign_import, misfit_import, unknown_import
from zenowasm.interp.runtime.instances import (
    Extern,
    FunctionInstance,
    GlobalInstance,
    HostFunction,
    ModuleInstance,
    TagInstance,
)
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.startup import (
    CALL_FUEL,
    ENTRY_FUEL,
    SMALL_LENGTH,
    Meter,
    Startup,
    by_index,
    is_placed_table,
    is_placed_value,
    startup_of,
)
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import Expression, ExternKind, SegmentMode
from zenowasm.interp.validation import ValidModule

_EXTERNS = (FunctionInstance, HostFunction, TableInstance, MemoryInstance, GlobalInstance, TagInstance)


class Evaluate(Protocol):
    """An evaluator of constant expressions; it charges the instructions to the meter, if one is given."""

    def __call__(self, module: ModuleInstance, expression: Expression, meter: Meter | None = None) -> Value:
        """Return the value of the expression."""
        ...


def instantiate(
    store: Store, valid: ValidModule, imports: Mapping[tuple[str, str], Extern], evaluate: Evaluate
) -> ModuleInstance:
    """Create an instance of a valid module and run its start function.

    ``imports`` maps module and name to the value; ``evaluate`` computes constant expressions. Raises ``LinkError`` if
    an import is missing or does not match, ``LimitError`` if the store's limits forbid a memory or table, ``Trap`` if
    an active segment does not fit or the start function traps. Effects before the trap remain.
    """
    instance = ModuleInstance(store, valid)
    store.instances.add(instance)
    _link(instance, imports)
    _allocate(instance)
    startup = startup_of(valid)
    meter = Meter(store)
    if startup.runs:
        meter.charge(ENTRY_FUEL)
        meter.check()
    _globals(instance, evaluate, meter)
    _passive_elements(instance, evaluate, meter)
    _tables(instance, evaluate, meter)
    instance.exports = _exports(instance)
    _active_elements(instance, evaluate, meter, startup.placed_elements)
    _data(instance, evaluate, meter, startup)
    start = valid.module.start
    if start is not None:
        meter.charge(CALL_FUEL)
    meter.settle()
    if start is not None:
        store.invoke(instance.functions[start], ())
    return instance


def _allocate(instance: ModuleInstance) -> None:
    """Allocate the module's own definitions except those that need the value of an expression."""
    valid, store = instance.valid, instance.store
    module, context = valid.module, valid.context
    first = len(instance.functions)
    for index, type_ in enumerate(context.functions[first:], start=first):
        instance.functions.append(FunctionInstance(instance, index, type_))
    instance.tables += [TableInstance(type_, store.table_quota) for type_ in context.tables[len(instance.tables) :]]
    instance.memories += [MemoryInstance(type_, store.memory_quota) for type_ in module.memories]
    instance.tags += [TagInstance(store, type_) for type_ in context.tags[len(instance.tags) :]]
    instance.data = [segment.init for segment in module.data]


def _globals(instance: ModuleInstance, evaluate: Evaluate, meter: Meter) -> None:
    context = instance.valid.context
    for entry, type_ in zip(instance.valid.module.globals, context.globals[context.imported_globals :], strict=True):
        value = evaluate(instance, entry.init, None if is_placed_value(entry.init) else meter)
        instance.globals.append(GlobalInstance(instance.store, type_, value))


def _passive_elements(instance: ModuleInstance, evaluate: Evaluate, meter: Meter) -> None:
    for segment in instance.valid.module.elements:
        charged = None if by_index(segment) else meter
        passive = segment.mode is SegmentMode.PASSIVE
        instance.elements.append([evaluate(instance, init, charged) for init in segment.init] if passive else [])


def _tables(instance: ModuleInstance, evaluate: Evaluate, meter: Meter) -> None:
    tables = instance.valid.module.tables
    for entry, table in zip(tables, instance.tables[len(instance.tables) - len(tables) :], strict=True):
        if entry.init is not None:
            placed = is_placed_table(entry)
            value = evaluate(instance, entry.init, None if placed else meter)
            table.elements = [value] * table.size
            if not placed:
                meter.charge_bulk(table.size, small=table.size <= SMALL_LENGTH)


def _exports(instance: ModuleInstance) -> dict[str, Extern]:
    spaces: Mapping[ExternKind, Sequence[Extern]] = {
        ExternKind.FUNC: instance.functions,
        ExternKind.TABLE: instance.tables,
        ExternKind.MEM: instance.memories,
        ExternKind.GLOBAL: instance.globals,
        ExternKind.TAG: instance.tags,
    }
    return {export.name: spaces[export.kind][export.index] for export in instance.valid.module.exports}


def _link(instance: ModuleInstance, imports: Mapping[tuple[str, str], Extern]) -> None:
    context = instance.valid.context
    for wanted, type_ in zip(context.import_types(instance.valid.module), context.imports, strict=True):
        found = imports.get((wanted.module, wanted.name))
        if found is None:
            raise unknown_import(wanted)
        if not isinstance(found, _EXTERNS) or not _lives_in(found, instance.store):
            raise foreign_import(wanted, found)
        if not matches_linktype(_link_type(found), type_):
            raise misfit_import(wanted, found.type)
        match found:
            case FunctionInstance() | HostFunction():
                instance.functions.append(found)
            case TableInstance():
                instance.tables.append(found)
            case MemoryInstance():
                instance.memories.append(found)
            case GlobalInstance():
                instance.globals.append(found)
            case TagInstance():
                instance.tags.append(found)


def _lives_in(extern: Extern, store: Store) -> bool:
    match extern:
        case FunctionInstance():
            return extern.module.store is store
        case MemoryInstance():
            return extern.quota is store.memory_quota
        case TableInstance():
            return extern.quota is store.table_quota
        case _:
            return extern.store is store


def _link_type(extern: Extern) -> LinkType:
    match extern:
        case FunctionInstance() | HostFunction():
            return extern.deftype
        case TagInstance():
            return TagDefType(extern.deftype)
        case _:
            return extern.type


def _active_elements(instance: ModuleInstance, evaluate: Evaluate, meter: Meter, placed: int) -> None:
    for index, segment in enumerate(instance.valid.module.elements):
        if segment.place is None:
            continue
        charged = None if placed > 0 else meter
        placed -= 1
        place = evaluate(instance, segment.place, charged)
        count = len(segment.init)
        elements = instance.tables[segment.table].elements
        if place + count > len(elements):
            raise Trap(TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS, f"element segment {index} does not fit")
        if charged is not None:
            charged.charge(count)
        entry_charged = None if by_index(segment) else charged
        elements[place : place + count] = [evaluate(instance, init, entry_charged) for init in segment.init]
        if charged is not None and count > SMALL_LENGTH:
            charged.check()


def _data(instance: ModuleInstance, evaluate: Evaluate, meter: Meter, startup: Startup) -> None:
    charged = meter if startup.writes_data else None
    for index, segment in enumerate(instance.valid.module.data):
        if segment.place is None:
            continue
        place = evaluate(instance, segment.place, charged)
        memory = instance.memories[segment.memory].data
        if place + len(segment.init) > len(memory):
            raise Trap(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, f"data segment {index} does not fit")
        memory[place : place + len(segment.init)] = segment.init
        instance.data[index] = b""
        if charged is not None:
            charged.charge_bulk(len(segment.init), small=False)
    for size in startup.copied_images:
        meter.charge_bulk(size, small=False)
    if startup.maps_data:
        # wasmtime consumes the charged fuel where it copies images, in a branch that it skips if it mapped them.
        meter.forget()
