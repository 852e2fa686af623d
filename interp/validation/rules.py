"""Validation of the instructions whose type depends on immediates or context (specification, 3.4).

Each function validates the rows whose mnemonics its decorator names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from zenowasm.interp.instructions import TABLE, Effect, Opcode, Structure
from zenowasm.interp.matching import matches_resulttype, matches_valtype
from zenowasm.interp.syntax.module import Cast
from zenowasm.interp.types import (
    EQREF,
    EXNREF,
    FUNCREF,
    I32,
    I64,
    AbsHeapType,
    FuncType,
    NumType,
    RefType,
    ResultType,
    ValType,
    VecType,
)
from zenowasm.interp.validation import aggregate_rules  # noqa: F401 - registers its rules
from zenowasm.interp.validation.context import function_type
from zenowasm.interp.validation.lookups import (
    find_data,
    find_element,
    find_function,
    find_functype,
    find_global,
    find_local,
    find_memory,
    find_table,
    find_tag,
)
from zenowasm.interp.validation.registry import Rule, validates

if TYPE_CHECKING:
    from zenowasm.interp.validation.function import FunctionValidator as Validator


def _block_type(v: Validator, blocktype: int | ResultType) -> FuncType:
    if isinstance(blocktype, int):
        return find_functype(v, blocktype)
    return FuncType((), tuple(v.close_type(type_) for type_ in blocktype))


# -- control (3.4.2) --


@validates("unreachable")
def unreachable(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.set_unreachable()


@validates("block")
def block(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _block_type(v, immediates[0])
    v.pop_all(type_.parameters)
    v.open(opcode, type_)


@validates("loop")
def loop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = _block_type(v, immediates[0])
    v.pop_all(type_.parameters)
    v.open(opcode, type_, branches_to_start=True)


@validates("if")
def if_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    block(v, opcode, immediates)


@validates("else")
def else_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    label = v.close()
    v.open(opcode, FuncType(label.parameters, label.results))


@validates("end")
def end(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    label = v.close()
    # An ``if`` without ``else`` passes its parameters on as results.
    is_if = label.opcode is not None and label.opcode.structure is Structure.IF
    if is_if and not matches_resulttype(label.parameters, label.results):
        v.fail(f"type mismatch: an if without else must have as many results as parameters, {label.results} expected")
    v.push_all(label.results)


@validates("br")
def br(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(v.label(immediates[0]).types)
    v.set_unreachable()


@validates("br_if")
def br_if(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    types = v.label(immediates[0]).types
    v.pop_all(types)
    v.push_all(types)


@validates("br_table")
def br_table(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    labels, default = immediates
    v.pop_expect(I32)
    arity = len(v.label(default).types)
    previous = None
    for index in dict.fromkeys(labels):
        types = v.label(index).types
        if types is previous:
            continue
        previous = types
        if len(types) != arity:
            v.fail(
                f"type mismatch: a branch table's labels must all take {arity} values, label {index} takes {len(types)}"
            )
        popped = [v.pop_expect(type_) for type_ in reversed(types)]
        for operand in reversed(popped):
            v.push(operand)
    v.pop_all(v.label(default).types)
    v.set_unreachable()


@validates("return")
def return_(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(v.results)
    v.set_unreachable()


def _call(v: Validator, type_: FuncType) -> None:
    v.pop_all(type_.parameters)
    v.push_all(type_.results)


def _tail_call(v: Validator, type_: FuncType) -> None:
    if not matches_resulttype(type_.results, v.results):
        v.fail(f"type mismatch: a tail call of {type_} in a function that returns {' '.join(map(str, v.results))}")
    v.pop_all(type_.parameters)
    v.set_unreachable()


def _pop_callee(v: Validator, immediates: tuple[Any, ...]) -> FuncType:
    """Pop the table index of an indirect call; return the function type that the call expects."""
    typeidx, tableidx = immediates
    table = find_table(v, tableidx)
    if not matches_valtype(table.element, FUNCREF):
        v.fail(f"type mismatch: an indirect call needs a table of funcref, table {tableidx} holds {table.element}")
    type_ = find_functype(v, typeidx)
    v.pop_expect(table.address)
    return type_


@validates("call")
def call(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _call(v, function_type(find_function(v, immediates[0])))


@validates("call_indirect")
def call_indirect(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _call(v, _pop_callee(v, immediates))


@validates("call_ref")
def call_ref(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = find_functype(v, immediates[0])
    v.pop_expect(RefType(True, v.defined(immediates[0])))
    _call(v, type_)


@validates("return_call")
def return_call(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _tail_call(v, function_type(find_function(v, immediates[0])))


@validates("return_call_indirect")
def return_call_indirect(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _tail_call(v, _pop_callee(v, immediates))


@validates("return_call_ref")
def return_call_ref(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = find_functype(v, immediates[0])
    v.pop_expect(RefType(True, v.defined(immediates[0])))
    _tail_call(v, type_)


@validates("throw")
def throw(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(find_tag(v, immediates[0]).parameters)
    v.set_unreachable()


@validates("throw_ref")
def throw_ref(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(EXNREF)
    v.set_unreachable()


@validates("try_table")
def try_table(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    blocktype, catches = immediates
    for catch in catches:
        carried: ResultType = () if catch.tag is None else find_tag(v, catch.tag).parameters
        if catch.reference:
            carried = (*carried, RefType(False, AbsHeapType.EXN))
        label = v.label(catch.label)
        if not matches_resulttype(carried, label.types):
            v.fail(f"type mismatch: a catch clause gives {carried}, label {catch.label} takes {label.types}")
    block(v, opcode, (blocktype,))


@validates("br_on_null")
def br_on_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    types = v.label(immediates[0]).types
    reference = v.pop_reference()
    v.pop_all(types)
    v.push_all(types)
    v.push_reference(reference, nullable=False)


@validates("br_on_non_null")
def br_on_non_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    types = v.label(immediates[0]).types
    if not types or not isinstance(types[-1], RefType):
        v.fail(f"type mismatch: label {immediates[0]} takes no reference")
    v.pop_expect(RefType(True, types[-1].heap))
    v.pop_all(types[:-1])
    v.push_all(types[:-1])


@validates("br_on_cast")
def br_on_cast(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    source, target = _cast(v, immediates[0])
    _branch_with(v, immediates[0].label, source, target, _difference(source, target))


@validates("br_on_cast_fail")
def br_on_cast_fail(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    source, target = _cast(v, immediates[0])
    _branch_with(v, immediates[0].label, source, _difference(source, target), target)


def _cast(v: Validator, cast: Cast) -> tuple[RefType, RefType]:
    source, target = v.close_type(cast.source), v.close_type(cast.target)
    assert isinstance(source, RefType)
    assert isinstance(target, RefType)
    if not matches_valtype(target, source):
        v.fail(f"type mismatch: {target} is no subtype of {source}")
    return source, target


def _difference(source: RefType, target: RefType) -> RefType:
    """Return the type of a reference whose cast failed (3.2.5): ``source``, without null if ``target`` is nullable."""
    return RefType(source.nullable and not target.nullable, source.heap)


def _branch_with(v: Validator, index: int, source: RefType, taken: RefType, left: RefType) -> None:
    types = v.label(index).types
    if not types or not matches_valtype(taken, types[-1]):
        v.fail(f"type mismatch: label {index} takes {' '.join(map(str, types)) or 'nothing'}, the branch gives {taken}")
    v.pop_expect(source)
    v.pop_all(types[:-1])
    v.push_all(types[:-1])
    v.push(left)


# -- parametric and variable (3.4.3, 3.4.4) --


@validates("drop")
def drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop()


@validates("select")
def select(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    if immediates:
        (types,) = immediates
        if len(types) != 1:
            v.fail(f"invalid result arity: select is annotated with {len(types)} types, one is expected")
        type_ = v.close_type(types[0])
        v.pop_expect(type_)
        v.pop_expect(type_)
        v.push(type_)
        return
    second, first = v.pop(), v.pop()
    for operand in (first, second):
        if v.is_reference(operand):
            v.fail(f"type mismatch: select without a type takes numbers and vectors, {operand} is on the stack")
    if isinstance(first, NumType | VecType) and isinstance(second, NumType | VecType) and first is not second:
        v.fail(f"type mismatch: select takes two operands of one type, {first} and {second} are on the stack")
    v.push(first if isinstance(first, NumType | VecType) else second)


@validates("local.get")
def local_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = find_local(v, index)
    if v.tracks_locals and not v.has_value(index):
        v.fail(f"uninitialized local {index}: a {type_} has no default value")
    v.push(type_)


@validates("local.set")
def local_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(find_local(v, immediates[0]))
    v.initialize(immediates[0])


@validates("local.tee")
def local_tee(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_ = find_local(v, immediates[0])
    v.pop_expect(type_)
    v.push(type_)
    v.initialize(immediates[0])


@validates("global.get")
def global_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = find_global(v, index)
    if v.constant:
        if index >= v.visible_globals:
            v.fail(f"unknown global {index}: a constant expression may read those that come before it")
        if type_.mutable:
            v.fail(f"constant expression required: global {index} is mutable")
    v.push(type_.value)


@validates("global.set")
def global_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = find_global(v, index)
    if not type_.mutable:
        v.fail(f"immutable global: global is immutable: {index}")
    v.pop_expect(type_.value)


# -- references (3.4.7) --


@validates("ref.null")
def ref_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(v.close_type(RefType(True, immediates[0])))


@validates("ref.is_null")
def ref_is_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_reference()
    v.push(I32)


@validates("ref.func")
def ref_func(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    (index,) = immediates
    type_ = find_function(v, index)
    if not v.constant and index not in v.context.references:
        v.fail(f"undeclared function reference: function {index} is in no export, element segment or global")
    v.push(RefType(False, type_))


@validates("ref.as_non_null")
def ref_as_non_null(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push_reference(v.pop_reference(), nullable=False)


@validates("ref.eq")
def ref_eq(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(EQREF)
    v.pop_expect(EQREF)
    v.push(I32)


# -- tables (3.4.5) --


@validates("table.get")
def table_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = find_table(v, immediates[0])
    v.pop_expect(table.address)
    v.push(table.element)


@validates("table.set")
def table_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = find_table(v, immediates[0])
    v.pop_expect(table.element)
    v.pop_expect(table.address)


@validates("table.size")
def table_size(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(find_table(v, immediates[0]).address)


@validates("table.grow")
def table_grow(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = find_table(v, immediates[0])
    v.pop_expect(table.address)
    v.pop_expect(table.element)
    v.push(table.address)


@validates("table.fill")
def table_fill(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    table = find_table(v, immediates[0])
    v.pop_all((table.address, table.element, table.address))


@validates("table.copy")
def table_copy(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    destination, source = (find_table(v, index) for index in immediates)
    if not matches_valtype(source.element, destination.element):
        v.fail(f"type mismatch: table.copy from {source.element} to {destination.element}")
    v.pop_all((destination.address, source.address, _narrower(destination.address, source.address)))


@validates("table.init")
def table_init(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    elemidx, tableidx = immediates
    table, element = find_table(v, tableidx), find_element(v, elemidx)
    if not matches_valtype(element, table.element):
        v.fail(f"type mismatch: table.init from {element} to {table.element}")
    v.pop_all((table.address, I32, I32))


@validates("elem.drop")
def elem_drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    find_element(v, immediates[0])


def _narrower(one: NumType, other: NumType) -> NumType:
    """Return the narrower of two address types: the type of a length that both can express."""
    return I32 if I32 in (one, other) else I64


# -- memories (3.4.6) --


def lanes(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    """Check the lane indices in the last immediate."""
    indexes = immediates[-1]
    for index in indexes if isinstance(indexes, tuple) else (indexes,):
        if index >= opcode.lanes:
            v.fail(f"invalid lane index {index}: {opcode} has {opcode.lanes} lanes")


def _address(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> tuple[ValType, NumType]:
    """Check a memory argument; return the types of the access and of the address."""
    assert opcode.access is not None
    memarg = immediates[0]
    memory = find_memory(v, memarg.memory)
    if opcode.lanes:
        lanes(v, opcode, immediates)
    if 8 << memarg.align > opcode.access.width:
        v.fail(
            f"alignment must not be larger than natural: "
            f"{1 << memarg.align} bytes for an access of {opcode.access.width // 8}"
        )
    if memory.address is I32 and memarg.offset >= 1 << 32:
        v.fail(f"offset out of range: {memarg.offset} for a memory with 32-bit addresses")
    return opcode.access.type, memory.address


def _load(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_, address = _address(v, opcode, immediates)
    if opcode.lanes:  # pop the vector whose lane is loaded
        v.pop_expect(type_)
    v.pop_expect(address)
    v.push(type_)


def _store(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    type_, address = _address(v, opcode, immediates)
    v.pop_expect(type_)
    v.pop_expect(address)


@validates("memory.size")
def memory_size(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(find_memory(v, immediates[0]).address)


@validates("memory.grow")
def memory_grow(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    address = find_memory(v, immediates[0]).address
    v.pop_expect(address)
    v.push(address)


@validates("memory.fill")
def memory_fill(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    address = find_memory(v, immediates[0]).address
    v.pop_all((address, I32, address))


@validates("memory.copy")
def memory_copy(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    destination, source = (find_memory(v, index).address for index in immediates)
    v.pop_all((destination, source, _narrower(destination, source)))


@validates("memory.init")
def memory_init(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    dataidx, memidx = immediates
    address = find_memory(v, memidx).address
    find_data(v, dataidx)
    v.pop_all((address, I32, I32))


@validates("data.drop")
def data_drop(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    find_data(v, immediates[0])


RULES: Final[Mapping[Opcode, Rule]] = {
    **validates.for_rows(row for row in TABLE.rows if row.parameters is None and row.access is None),
    **{row: _store if Effect.WRITES_MEMORY in row.effects else _load for row in TABLE.rows if row.access is not None},
}
"""The rule of each row without a fixed signature."""
