"""Instantiation (specification, 4.7.2): links a valid module's imports and brings it to life in a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from zenowasm.interp.errors import LinkError, Trap, TrapCode
from zenowasm.interp.matching import LinkType, TagDefType, matches_linktype
from zenowasm.interp.runtime.instances import (
    Extern,
    FunctionInstance,
    GlobalInstance,
    HostFunction,
    ModuleInstance,
    TagInstance,
)
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import Expression, ExternKind, SegmentMode
from zenowasm.interp.validation import ValidModule

Evaluate: TypeAlias = Callable[[ModuleInstance, Expression], Value]


def instantiate(
    store: Store, valid: ValidModule, imports: Mapping[tuple[str, str], Extern], evaluate: Evaluate
) -> ModuleInstance:
    """Create an instance of a valid module and run its start function.

    ``imports`` are found by module and name; ``evaluate`` computes constant expressions. Raises ``LinkError`` when an
    import is missing or does not match, ``LimitError`` when the store's limits forbid a memory or table, ``Trap`` when
    an active segment does not fit or the start function traps; what ran before the trap stays done.
    """
    module = valid.module
    instance = ModuleInstance(store, valid)
    _link(instance, imports)
    first = len(instance.functions)
    for index, type_ in enumerate(valid.context.functions[first:], start=first):
        instance.functions.append(FunctionInstance(instance, index, type_))
    context = valid.context
    for table, table_type in zip(module.tables, context.tables[len(instance.tables) :], strict=True):
        value = None if table.init is None else evaluate(instance, table.init)
        instance.tables.append(TableInstance(table_type, store.table_quota, value))
    instance.memories += [MemoryInstance(type_, store.memory_quota) for type_ in module.memories]
    for entry, global_type in zip(module.globals, context.globals[len(instance.globals) :], strict=True):
        instance.globals.append(GlobalInstance(store, global_type, evaluate(instance, entry.init)))
    instance.tags += [TagInstance(store, type_) for type_ in context.tags[len(instance.tags) :]]
    instance.elements = [[evaluate(instance, init) for init in segment.init] for segment in module.elements]
    instance.data = [segment.init for segment in module.data]
    spaces: Mapping[ExternKind, Sequence[Extern]] = {
        ExternKind.FUNC: instance.functions,
        ExternKind.TABLE: instance.tables,
        ExternKind.MEM: instance.memories,
        ExternKind.GLOBAL: instance.globals,
        ExternKind.TAG: instance.tags,
    }
    instance.exports = {export.name: spaces[export.kind][export.index] for export in module.exports}
    _elements(instance, evaluate)
    _data(instance, evaluate)
    if module.start is not None:
        store.invoke(instance.functions[module.start], ())
    return instance


def _link(instance: ModuleInstance, imports: Mapping[tuple[str, str], Extern]) -> None:
    context = instance.valid.context
    for wanted, type_ in zip(context.import_types(instance.valid.module), context.imports, strict=True):
        found = imports.get((wanted.module, wanted.name))
        if found is None:
            raise LinkError(f"unknown import: {wanted.module}.{wanted.name} of type {wanted.type}")
        if not _lives_in(found, instance.store):
            raise LinkError(f"{wanted.module}.{wanted.name} belongs to another store")
        if not matches_linktype(_link_type(found), type_):
            raise LinkError(
                f"incompatible import type: {wanted.module}.{wanted.name} "
                f"is expected to be {wanted.type} and is {found.type}"
            )
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


def _elements(instance: ModuleInstance, evaluate: Evaluate) -> None:
    for index, segment in enumerate(instance.valid.module.elements):
        if segment.place is not None:
            place = evaluate(instance, segment.place)
            init = instance.elements[index]
            elements = instance.tables[segment.table].elements
            if place + len(init) > len(elements):
                raise Trap(TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS, f"element segment {index} does not fit")
            elements[place : place + len(init)] = init
        if segment.mode is not SegmentMode.PASSIVE:
            instance.elements[index] = []


def _data(instance: ModuleInstance, evaluate: Evaluate) -> None:
    for index, segment in enumerate(instance.valid.module.data):
        if segment.place is not None:
            place = evaluate(instance, segment.place)
            memory = instance.memories[segment.memory].data
            if place + len(segment.init) > len(memory):
                raise Trap(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, f"data segment {index} does not fit")
            memory[place : place + len(segment.init)] = segment.init
            instance.data[index] = b""
