"""Structures and arrays (specification, 4.6.8); the immediates are indices of types and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.execution.registry import executes
from zenowasm.interp.numerics.floats import f32_from_bits, f64_from_bits
from zenowasm.interp.numerics.integers import signed
from zenowasm.interp.runtime.values import Aggregate, ArrayInstance, StructInstance, Value, default_value
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    ArrayType,
    FieldType,
    PackedType,
    StorageType,
    StructType,
)

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame

_BYTES: dict[StorageType, int] = {PackedType.I8: 1, PackedType.I16: 2, I32: 4, F32: 4, I64: 8, F64: 8, V128: 16}


def _fields(frame: Frame, typeidx: int) -> tuple[FieldType, ...]:
    type_ = frame.module.valid.context.types[typeidx].composite
    assert isinstance(type_, StructType)
    return type_.fields


def _storage(frame: Frame, typeidx: int) -> StorageType:
    type_ = frame.module.valid.context.types[typeidx].composite
    assert isinstance(type_, ArrayType)
    return type_.element.storage


def _packed(value: Value, storage: StorageType) -> Value:
    """Wrap a value to the width of the field that stores it."""
    return value & ((1 << 8 * _BYTES[storage]) - 1) if isinstance(storage, PackedType) else value


def _extended(value: Value, storage: StorageType) -> Value:
    """Sign-extend the value of a packed field."""
    return signed(value, 8 * _BYTES[storage]) & 0xFFFFFFFF


def _default(storage: StorageType) -> Value:
    return 0 if isinstance(storage, PackedType) else default_value(storage)


def _push(frame: Frame, kind: type[Aggregate], typeidx: int, fields: list[Value]) -> None:
    """Allocate an aggregate and bring the next checkpoint closer (see ``Store``)."""
    store = frame.store
    collections = store.heap_quota.collections
    frame.stack.append(kind(frame.module.valid.context.types[typeidx], fields, store.heap_quota))
    store.checkpoint_fuel -= len(fields)
    if store.heap_quota.collections != collections:
        store.checkpoint_fuel = -1


def _reserve(frame: Frame, count: int) -> None:
    """Trap if the store cannot hold an array of this length, before a list of that length is allocated."""
    quota = frame.store.heap_quota
    if 8 * count > quota.limit:
        raise Trap(TrapCode.MEMORY_LIMIT, f"{count} elements: the limit is {quota.limit} {quota.what}")


@executes("struct.new")
def struct_new(frame: Frame, typeidx: int) -> None:
    types = _fields(frame, typeidx)
    values = frame.pop(len(types))
    fields = [_packed(value, type_.storage) for value, type_ in zip(values, types, strict=True)]
    _push(frame, StructInstance, typeidx, fields)


@executes("struct.new_default")
def struct_new_default(frame: Frame, typeidx: int) -> None:
    defaults = frame.module.valid.defaults.get(typeidx)
    if defaults is None:
        defaults = [_default(type_.storage) for type_ in _fields(frame, typeidx)]
        frame.module.valid.defaults[typeidx] = defaults
    _push(frame, StructInstance, typeidx, defaults.copy())


def _popped_struct(frame: Frame) -> list[Value]:
    struct = frame.stack.pop()
    if struct is None:
        raise Trap(TrapCode.NULL_STRUCTURE_REFERENCE)
    fields: list[Value] = struct.fields
    return fields


@executes("struct.get", "struct.get_u")
def struct_get(frame: Frame, immediates: tuple[int, int]) -> None:
    frame.stack.append(_popped_struct(frame)[immediates[1]])


@executes("struct.get_s")
def struct_get_s(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, fieldidx = immediates
    storage = _fields(frame, typeidx)[fieldidx].storage
    frame.stack.append(_extended(_popped_struct(frame)[fieldidx], storage))


@executes("struct.set")
def struct_set(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, fieldidx = immediates
    value = frame.stack.pop()
    _popped_struct(frame)[fieldidx] = _packed(value, _fields(frame, typeidx)[fieldidx].storage)


@executes("array.new")
def array_new(frame: Frame, typeidx: int) -> None:
    count, value = frame.stack.pop(), frame.stack.pop()
    _reserve(frame, count)
    _push(frame, ArrayInstance, typeidx, [_packed(value, _storage(frame, typeidx))] * count)
    frame.charge(count)


@executes("array.new_default")
def array_new_default(frame: Frame, typeidx: int) -> None:
    count = frame.stack.pop()
    _reserve(frame, count)
    _push(frame, ArrayInstance, typeidx, [_default(_storage(frame, typeidx))] * count)
    frame.charge(count)


@executes("array.new_fixed")
def array_new_fixed(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, count = immediates
    storage = _storage(frame, typeidx)
    _push(frame, ArrayInstance, typeidx, [_packed(value, storage) for value in frame.pop(count)])


def _from_data(frame: Frame, storage: StorageType, dataidx: int, at: int, count: int) -> list[Value]:
    """Return ``count`` elements from a data segment, which stores them little-endian."""
    size = _BYTES[storage]
    data = frame.module.data[dataidx]
    if at + count * size > len(data):
        raise Trap(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, f"bytes {at} to {at + count * size} of {len(data)}")
    bits = [int.from_bytes(data[i : i + size], "little") for i in range(at, at + count * size, size)]
    if storage is F32:
        return [f32_from_bits(value) for value in bits]
    return [f64_from_bits(value) for value in bits] if storage is F64 else list(bits)


def _from_elements(frame: Frame, elemidx: int, at: int, count: int) -> list[Value]:
    elements = frame.module.elements[elemidx]
    if at + count > len(elements):
        raise Trap(TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS, f"elements {at} to {at + count} of {len(elements)}")
    return elements[at : at + count]


@executes("array.new_data")
def array_new_data(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, dataidx = immediates
    count, at = frame.stack.pop(), frame.stack.pop()
    _push(frame, ArrayInstance, typeidx, _from_data(frame, _storage(frame, typeidx), dataidx, at, count))
    frame.charge(count)


@executes("array.new_elem")
def array_new_elem(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, elemidx = immediates
    count, at = frame.stack.pop(), frame.stack.pop()
    _push(frame, ArrayInstance, typeidx, _from_elements(frame, elemidx, at, count))
    frame.charge(count)


def _elements(array: ArrayInstance | None) -> list[Value]:
    if array is None:
        raise Trap(TrapCode.NULL_ARRAY_REFERENCE)
    return array.fields


def _range(elements: list[Value], at: int, count: int) -> slice:
    if at + count > len(elements):
        raise Trap(TrapCode.OUT_OF_BOUNDS_ARRAY_ACCESS, f"elements {at} to {at + count} of {len(elements)}")
    return slice(at, at + count)


def _element(frame: Frame) -> Value:
    index = frame.stack.pop()
    elements = _elements(frame.stack.pop())
    _range(elements, index, 1)
    return elements[index]


@executes("array.get", "array.get_u")
def array_get(frame: Frame, typeidx: int) -> None:
    frame.stack.append(_element(frame))


@executes("array.get_s")
def array_get_s(frame: Frame, typeidx: int) -> None:
    frame.stack.append(_extended(_element(frame), _storage(frame, typeidx)))


@executes("array.set")
def array_set(frame: Frame, typeidx: int) -> None:
    value, index = frame.stack.pop(), frame.stack.pop()
    elements = _elements(frame.stack.pop())
    _range(elements, index, 1)
    elements[index] = _packed(value, _storage(frame, typeidx))


@executes("array.len")
def array_len(frame: Frame, _: object) -> None:
    frame.stack.append(len(_elements(frame.stack.pop())))


@executes("array.fill")
def array_fill(frame: Frame, typeidx: int) -> None:
    count, value, at = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    elements = _elements(frame.stack.pop())
    target = _range(elements, at, count)  # before a list of that length is allocated
    elements[target] = [_packed(value, _storage(frame, typeidx))] * count
    frame.charge(count)


@executes("array.copy")
def array_copy(frame: Frame, _: object) -> None:
    count, at = frame.stack.pop(), frame.stack.pop()
    from_, to_at = frame.stack.pop(), frame.stack.pop()
    to = _elements(frame.stack.pop())
    source = _elements(from_)
    target_range, source_range = _range(to, to_at, count), _range(source, at, count)
    to[target_range] = source[source_range]
    frame.charge(count)


@executes("array.init_data")
def array_init_data(frame: Frame, immediates: tuple[int, int]) -> None:
    typeidx, dataidx = immediates
    count, at, to_at = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    elements = _elements(frame.stack.pop())
    target = _range(elements, to_at, count)
    elements[target] = _from_data(frame, _storage(frame, typeidx), dataidx, at, count)
    frame.charge(count)


@executes("array.init_elem")
def array_init_elem(frame: Frame, immediates: tuple[int, int]) -> None:
    _, elemidx = immediates
    count, at, to_at = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    elements = _elements(frame.stack.pop())
    target = _range(elements, to_at, count)
    elements[target] = _from_elements(frame, elemidx, at, count)
    frame.charge(count)
