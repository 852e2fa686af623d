"""Validation of the instructions whose type depends on immediates or context (specification, 3.4).

One function per row of the instruction table, found by the row's identifier.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from zenowasm.interp.instructions import Effect, Opcode, Structure
from zenowasm.interp.types import (
    FUNCREF,
    I32,
    FuncType,
    GlobalType,
    MemType,
    NumType,
    RefType,
    ResultType,
    TableType,
    ValType,
    VecType,
)

if TYPE_CHECKING:
    from zenowasm.interp.validation.function import FunctionValidator as Validator

Rule: TypeAlias = "Callable[[Validator, Opcode, tuple[Any, ...]], None]"


@cache
def rule(opcode: Opcode) -> Rule:
    """Return the rule of a row that has no signature of its own."""
    if opcode.access is not None:
        return _store if Effect.WRITES_MEMORY in opcode.effects else _load
    found: Rule = globals()[opcode.identifier]
    return found


# -- lookups --


def _type(v: Validator, index: int) -> FuncType:
    if index >= len(v.context.types):
        v.fail(f"unknown type {index}: the module defines {len(v.context.types)}")
    return v.context.types[index]


def _function(v: Validator, index: int) -> FuncType:
    if index >= len(v.context.functions):
        v.fail(f"unknown function {index}: the module has {len(v.context.functions)}")
    return v.context.functions[index]


def _table(v: Validator, index: int) -> TableType:
    if index >= len(v.context.tables):
        v.fail(f"unknown table {index}: the module has {len(v.context.tables)}")
    return v.context.tables[index]


def _memory(v: Validator, index: int) -> MemType:
    if index >= len(v.context.memories):
        v.fail(f"unknown memory {index}: the module has {len(v.context.memories)}")
    return v.context.memories[index]


def _global(v: Validator, index: int) -> GlobalType:
    if index >= len(v.context.globals):
        v.fail(f"unknown global {index}: the module has {len(v.context.globals)}")
    return v.context.globals[index]


def _local(v: Validator, index: int) -> ValType:
    if index >= len(v.locals):
        v.fail(f"unknown local {index}: the function has {len(v.locals)}")
    return v.locals[index]


def _element(v: Validator, index: int) -> RefType:
    if index >= len(v.context.elements):
        v.fail(f"unknown elem segment {index}: the module has {len(v.context.elements)}")
    return v.context.elements[index]


def _data(v: Validator, index: int) -> None:
    if index >= v.context.data_count:
        v.fail(f"unknown data segment {index}: the module has {v.context.data_count}")


def _block_type(v: Validator, blocktype: int | ResultType) -> FuncType:
    return _type(v, blocktype) if isinstance(blocktype, int) else FuncType((), blocktype)


# -- control (3.4.2) --


def unreachable(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.set_unreachable()


def block(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _block_type(v, immediates[0])
    v.pop_all(type_.parameters)
    v.open(opcode, type_)


def loop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _block_type(v, immediates[0])
    v.pop_all(type_.parameters)
    v.open(opcode, type_, branches_to_start=True)


def if_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    block(v, opcode, immediates)


def else_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    label = v.close()
    v.open(opcode, FuncType(label.parameters, label.results))


def end(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    label = v.close()
    # An ``if`` without ``else`` passes its parameters on.
    if label.opcode is not None and label.opcode.structure is Structure.IF and label.parameters != label.results:
        v.fail(f"type mismatch: an if without else must have as many results as parameters, {label.results} expected")
    v.push_all(label.results)


def br(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(v.label(immediates[0]).types)
    v.set_unreachable()


def br_if(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    types = v.label(immediates[0]).types
    v.pop_all(types)
    v.push_all(types)


def br_table(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    labels, default = immediates
    v.pop_expect(I32)
    arity = len(v.label(default).types)
    for index in dict.fromkeys(labels):
        types = v.label(index).types
        if len(types) != arity:
            v.fail(
                f"type mismatch: a branch table's labels must all take {arity} values, label {index} takes {len(types)}"
            )
        popped = [v.pop_expect(type_) for type_ in reversed(types)]
        for operand in reversed(popped):
            v.push(operand)
    v.pop_all(v.label(default).types)
    v.set_unreachable()


def return_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(v.results)
    v.set_unreachable()


def call(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _function(v, immediates[0])
    v.pop_all(type_.parameters)
    v.push_all(type_.results)


def call_indirect(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, tableidx = immediates
    table = _table(v, tableidx)
    if table.element != FUNCREF:
        v.fail(f"type mismatch: call_indirect needs a table of funcref, table {tableidx} holds {table.element}")
    type_ = _type(v, typeidx)
    v.pop_expect(I32)
    v.pop_all(type_.parameters)
    v.push_all(type_.results)


# -- parametric and variable (3.4.3, 3.4.4) --


def drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop()


def select(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    if immediates:
        (types,) = immediates
        if len(types) != 1:
            v.fail(f"invalid result arity: select is annotated with {len(types)} types, one is expected")
        v.pop_expect(types[0])
        v.pop_expect(types[0])
        v.push(types[0])
        return
    second, first = v.pop(), v.pop()
    for operand in (first, second):
        if isinstance(operand, RefType):
            v.fail(f"type mismatch: select without a type takes numbers and vectors, {operand} is on the stack")
    if isinstance(first, NumType | VecType) and isinstance(second, NumType | VecType) and first is not second:
        v.fail(f"type mismatch: select takes two operands of one type, {first} and {second} are on the stack")
    v.push(first if isinstance(first, NumType | VecType) else second)


def local_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(_local(v, immediates[0]))


def local_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(_local(v, immediates[0]))


def local_tee(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _local(v, immediates[0])
    v.pop_expect(type_)
    v.push(type_)


def global_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = _global(v, index)
    if v.constant:
        if index >= v.context.constant_globals:
            v.fail(f"unknown global {index}: a constant expression may read imported globals only")
        if type_.mutable:
            v.fail(f"constant expression required: global {index} is mutable")
    v.push(type_.value)


def global_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = _global(v, index)
    if not type_.mutable:
        v.fail(f"immutable global: global is immutable: {index}")
    v.pop_expect(type_.value)


# -- references (3.4.7) --


def ref_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(RefType(True, immediates[0]))


def ref_is_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    operand = v.pop()
    if isinstance(operand, NumType | VecType):
        v.fail(f"type mismatch: a reference is expected, {operand} is on the stack")
    v.push(I32)


def ref_func(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    _function(v, index)
    if not v.constant and index not in v.context.references:
        v.fail(f"undeclared function reference: function {index} is in no export, element segment or global")
    v.push(FUNCREF)


# -- tables (3.4.5) --


def table_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = _table(v, immediates[0])
    v.pop_expect(I32)
    v.push(table.element)


def table_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = _table(v, immediates[0])
    v.pop_expect(table.element)
    v.pop_expect(I32)


def table_size(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _table(v, immediates[0])
    v.push(I32)


def table_grow(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = _table(v, immediates[0])
    v.pop_expect(I32)
    v.pop_expect(table.element)
    v.push(I32)


def table_fill(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = _table(v, immediates[0])
    v.pop_expect(I32)
    v.pop_expect(table.element)
    v.pop_expect(I32)


def table_copy(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    destination, source = (_table(v, index) for index in immediates)
    if destination.element != source.element:
        v.fail(f"type mismatch: table.copy from {source.element} to {destination.element}")
    v.pop_all((I32, I32, I32))


def table_init(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    elemidx, tableidx = immediates
    table, element = _table(v, tableidx), _element(v, elemidx)
    if table.element != element:
        v.fail(f"type mismatch: table.init from {element} to {table.element}")
    v.pop_all((I32, I32, I32))


def elem_drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _element(v, immediates[0])


# -- memories (3.4.6) --


def _address(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> ValType:
    """Check a memory argument; return the type of the access."""
    assert opcode.access is not None
    (memarg,) = immediates
    _memory(v, memarg.memory)
    if 8 << memarg.align > opcode.access.width:
        v.fail(
            f"alignment must not be larger than natural: "
            f"{1 << memarg.align} bytes for an access of {opcode.access.width // 8}"
        )
    return opcode.access.type


def _load(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _address(v, opcode, immediates)
    v.pop_expect(I32)
    v.push(type_)


def _store(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(_address(v, opcode, immediates))
    v.pop_expect(I32)


def memory_size(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _memory(v, immediates[0])
    v.push(I32)


def memory_grow(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _memory(v, immediates[0])
    v.pop_expect(I32)
    v.push(I32)


def memory_fill(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _memory(v, immediates[0])
    v.pop_all((I32, I32, I32))


def memory_copy(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    for index in immediates:
        _memory(v, index)
    v.pop_all((I32, I32, I32))


def memory_init(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    dataidx, memidx = immediates
    _memory(v, memidx)
    _data(v, dataidx)
    v.pop_all((I32, I32, I32))


def data_drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _data(v, immediates[0])
