"""Validation of structures, arrays, casts and small integers (specification, 3.4.7); see ``rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenowasm.interp.instructions import Opcode
from zenowasm.interp.matching import matches_valtype, top
from zenowasm.interp.types import (
    I32,
    AbsHeapType,
    FieldType,
    PackedType,
    RefType,
    ValType,
)
from zenowasm.interp.validation.lookups import (
    find_array,
    find_data,
    find_element,
    find_field,
    find_struct,
)
from zenowasm.interp.validation.registry import validates

if TYPE_CHECKING:
    from zenowasm.interp.validation.function import FunctionValidator as Validator

_I31REF = RefType(True, AbsHeapType.I31)
_ARRAYREF = RefType(True, AbsHeapType.ARRAY)


def _mutable_array(v: Validator, index: int) -> FieldType:
    element = find_array(v, index)
    if not element.mutable:
        v.fail(f"immutable array: the elements of type {index} cannot be set")
    return element


def _reference(v: Validator, index: int, *, nullable: bool) -> RefType:
    return RefType(nullable, v.defined(index))


def _check_default(v: Validator, field: FieldType) -> None:
    if not field.has_default:
        v.fail(f"type mismatch: field type is not defaultable: {field.storage}")


# -- structures --


@validates("struct.new")
def struct_new(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all(find_struct(v, immediates[0]).operands)
    v.push(_reference(v, immediates[0], nullable=False))


@validates("struct.new_default")
def struct_new_default(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    undefaultable = find_struct(v, immediates[0]).undefaultable
    if undefaultable is not None:
        _check_default(v, undefaultable)
    v.push(_reference(v, immediates[0], nullable=False))


@validates("struct.get")
def struct_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    field = find_field(v, *immediates)
    if isinstance(field.storage, PackedType):
        v.fail(f"type mismatch: field is packed: {field.storage} is read with get_s or get_u")
    v.pop_expect(_reference(v, immediates[0], nullable=True))
    v.push(field.storage)


@validates("struct.get_s", "struct.get_u")
def struct_get_s(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    field = find_field(v, *immediates)
    if not isinstance(field.storage, PackedType):
        v.fail(f"type mismatch: field is unpacked: {field.storage} is read with struct.get")
    v.pop_expect(_reference(v, immediates[0], nullable=True))
    v.push(I32)


@validates("struct.set")
def struct_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    field = find_field(v, *immediates)
    if not field.mutable:
        v.fail(f"immutable field: field {immediates[1]} of type {immediates[0]} cannot be set")
    v.pop_expect(field.operand)
    v.pop_expect(_reference(v, immediates[0], nullable=True))


# -- arrays --


@validates("array.new")
def array_new(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_all((find_array(v, immediates[0]).operand, I32))
    v.push(_reference(v, immediates[0], nullable=False))


@validates("array.new_default")
def array_new_default(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _check_default(v, find_array(v, immediates[0]))
    v.pop_expect(I32)
    v.push(_reference(v, immediates[0], nullable=False))


@validates("array.new_fixed")
def array_new_fixed(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, count = immediates
    type_ = find_array(v, typeidx).operand
    if count > len(v.operands) and v.reachable:
        v.fail(f"type mismatch: {count} operands are expected, {len(v.operands)} are on the stack")
    v.pop_all((type_,) * min(count, len(v.operands)))
    v.push(_reference(v, typeidx, nullable=False))


def _plain_storage(v: Validator, index: int, field: FieldType) -> None:
    if isinstance(field.storage, RefType):
        v.fail(f"type mismatch: array type is not numeric or vector: type {index} has elements of {field.storage}")


def _check_element(v: Validator, index: int, field: FieldType) -> None:
    found = find_element(v, index)
    if isinstance(field.storage, PackedType) or not matches_valtype(found, field.storage):
        v.fail(f"type mismatch: a segment of {found} for an array of {field.storage}")


@validates("array.new_data")
def array_new_data(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, dataidx = immediates
    _plain_storage(v, typeidx, find_array(v, typeidx))
    find_data(v, dataidx)
    v.pop_all((I32, I32))
    v.push(_reference(v, typeidx, nullable=False))


@validates("array.new_elem")
def array_new_elem(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, elemidx = immediates
    _check_element(v, elemidx, find_array(v, typeidx))
    v.pop_all((I32, I32))
    v.push(_reference(v, typeidx, nullable=False))


@validates("array.get")
def array_get(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    storage = find_array(v, immediates[0]).storage
    if isinstance(storage, PackedType):
        v.fail(f"type mismatch: array is packed: {storage} is read with get_s or get_u")
    v.pop_all((_reference(v, immediates[0], nullable=True), I32))
    v.push(storage)


@validates("array.get_s", "array.get_u")
def array_get_s(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    storage = find_array(v, immediates[0]).storage
    if not isinstance(storage, PackedType):
        v.fail(f"type mismatch: array is unpacked: {storage} is read with array.get")
    v.pop_all((_reference(v, immediates[0], nullable=True), I32))
    v.push(I32)


@validates("array.set")
def array_set(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    element = _mutable_array(v, immediates[0])
    v.pop_all((_reference(v, immediates[0], nullable=True), I32, element.operand))


@validates("array.len")
def array_len(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(_ARRAYREF)
    v.push(I32)


@validates("array.fill")
def array_fill(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    element = _mutable_array(v, immediates[0])
    v.pop_all((_reference(v, immediates[0], nullable=True), I32, element.operand, I32))


@validates("array.copy")
def array_copy(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    to, from_ = immediates
    destination, source = _mutable_array(v, to).storage, find_array(v, from_).storage
    fits = source is destination
    if not isinstance(source, PackedType) and not isinstance(destination, PackedType):
        fits = matches_valtype(source, destination)
    if not fits:
        v.fail(f"type mismatch: array types do not match: {source} for {destination}")
    v.pop_all((_reference(v, to, nullable=True), I32, _reference(v, from_, nullable=True), I32, I32))


@validates("array.init_data")
def array_init_data(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, dataidx = immediates
    _plain_storage(v, typeidx, _mutable_array(v, typeidx))
    find_data(v, dataidx)
    v.pop_all((_reference(v, typeidx, nullable=True), I32, I32, I32))


@validates("array.init_elem")
def array_init_elem(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    typeidx, elemidx = immediates
    _check_element(v, elemidx, _mutable_array(v, typeidx))
    v.pop_all((_reference(v, typeidx, nullable=True), I32, I32, I32))


# -- casts and small integers --


def _pop_castable(v: Validator, type_: ValType) -> RefType:
    target = v.close_type(type_)
    assert isinstance(target, RefType)
    v.pop_expect(RefType(True, top(target.heap)))
    return target


@validates("ref.test")
def ref_test(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _pop_castable(v, immediates[0])
    v.push(I32)


@validates("ref.cast")
def ref_cast(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.push(_pop_castable(v, immediates[0]))


@validates("any.convert_extern")
def any_convert_extern(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _convert(v, AbsHeapType.EXTERN, AbsHeapType.ANY)


@validates("extern.convert_any")
def extern_convert_any(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    _convert(v, AbsHeapType.ANY, AbsHeapType.EXTERN)


def _convert(v: Validator, source: AbsHeapType, target: AbsHeapType) -> None:
    found = v.pop_expect(RefType(True, source))
    v.push(RefType(found.nullable if isinstance(found, RefType) else False, target))


@validates("ref.i31")
def ref_i31(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(I32)
    v.push(RefType(False, AbsHeapType.I31))


@validates("i31.get_s", "i31.get_u")
def i31_get_s(v: Validator, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
    v.pop_expect(_I31REF)
    v.push(I32)
