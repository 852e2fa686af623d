"""Memory instructions (specification, 4.6.5).

The immediate of a load or store is (memory index, offset, struct, cut). ``cut`` is the mask that wraps a number, or a
function that converts between a vector and its bytes in memory. A ``Struct`` checks the bounds: it raises an exception
for an access that is not entirely inside the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct, error
from typing import TYPE_CHECKING, Any, TypeAlias

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.execution.registry import executes
from zenowasm.interp.instructions import Access, VectorForm
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits
from zenowasm.interp.numerics.vectors import extender, extractor, replacer, splatter
from zenowasm.interp.runtime.values import ADDRESS_MASKS
from zenowasm.interp.types import F32, F64, I32, V128

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame

Form: TypeAlias = tuple[Struct, Any]
Immediate: TypeAlias = tuple[int, int, Struct, Any]

_OUTSIDE = (error, IndexError, OverflowError)
"""The exceptions of a ``Struct`` for an address outside the memory; the last two for one outside Python's range."""

_UNSIGNED = {8: "<B", 16: "<H", 32: "<I", 64: "<Q"}


@cache
def form(access: Access, stores: bool, lane: int = 0) -> Form:
    """Return the struct and the cut of an access (see above); ``lane`` is the lane immediate of accesses with one."""
    if access.type is V128:
        return _vector_form(access, stores, lane)
    if access.type is F64:
        return Struct("<d"), 0
    code = _UNSIGNED[access.width]
    if access.signed:
        return Struct(code.lower()), (1 << (32 if access.type is I32 else 64)) - 1
    return Struct(code), (1 << access.width) - 1


def _vector_form(access: Access, stores: bool, lane: int) -> Form:
    if access.width == 128:
        return Struct("16s"), _to_bytes if stores else _from_bytes
    struct = Struct(_UNSIGNED[access.width])
    match access.vector:
        case VectorForm.LANE:
            return struct, (extractor if stores else replacer)(access.width, lane)
        case VectorForm.SPLAT:
            return struct, splatter(access.width)
        case VectorForm.EXTEND:
            return struct, extender(access.width // access.lanes, is_signed=access.signed)
        case None:
            return struct, int


def _to_bytes(vector: int) -> bytes:
    return vector.to_bytes(16, "little")


def _from_bytes(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _out_of_bounds(frame: Frame, memory: int, address: int, count: int) -> Trap:
    size = len(frame.module.memories[memory].data)
    return Trap(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, f"bytes 0x{address:x} to 0x{address + count:x} of 0x{size:x}")


def load(access: Access) -> Callable[[Frame, Any], None]:
    """Return the handler of a load."""
    if access.type is V128:
        return _load_lane if access.vector is VectorForm.LANE else _load_vector
    if access.type is F32:
        return _load_f32
    return _load_signed if access.signed else _load


def store(access: Access) -> Callable[[Frame, Any], None]:
    """Return the handler of a store."""
    if access.type is V128:
        return _store_vector
    if access.type is F32:
        return _store_f32
    return _store_uncut if access.type is F64 else _store


def _load(frame: Frame, immediate: Immediate) -> None:
    memory, offset, struct, _ = immediate
    stack = frame.stack
    try:
        (stack[-1],) = struct.unpack_from(frame.module.memories[memory].data, stack[-1] + offset)
    except _OUTSIDE:
        raise _out_of_bounds(frame, memory, stack[-1] + offset, struct.size) from None


def _load_signed(frame: Frame, immediate: Immediate) -> None:
    _load(frame, immediate)
    frame.stack[-1] &= immediate[3]


def _load_f32(frame: Frame, immediate: Immediate) -> None:
    # By bits: converting a float to a double would quiet a signalling NaN.
    _load(frame, immediate)
    frame.stack[-1] = f32_from_bits(frame.stack[-1])


def _load_vector(frame: Frame, immediate: Immediate) -> None:
    _load(frame, immediate)
    frame.stack[-1] = immediate[3](frame.stack[-1])


def _load_lane(frame: Frame, immediate: Immediate) -> None:
    vector = frame.stack.pop()
    _load(frame, immediate)
    frame.stack[-1] = immediate[3](vector, frame.stack[-1])


def _store(frame: Frame, immediate: Immediate) -> None:
    memory, offset, struct, mask = immediate
    value = frame.stack.pop() & mask
    address = frame.stack.pop() + offset
    try:
        struct.pack_into(frame.module.memories[memory].data, address, value)
    except _OUTSIDE:
        raise _out_of_bounds(frame, memory, address, struct.size) from None


def _store_f32(frame: Frame, immediate: Immediate) -> None:
    frame.stack[-1] = f32_to_bits(frame.stack[-1])
    _store(frame, immediate)


def _store_uncut(frame: Frame, immediate: Immediate) -> None:
    memory, offset, struct, _ = immediate
    value = frame.stack.pop()
    address = frame.stack.pop() + offset
    try:
        struct.pack_into(frame.module.memories[memory].data, address, value)
    except _OUTSIDE:
        raise _out_of_bounds(frame, memory, address, struct.size) from None


def _store_vector(frame: Frame, immediate: Immediate) -> None:
    frame.stack[-1] = immediate[3](frame.stack[-1])
    _store_uncut(frame, immediate)


@executes("memory.size")
def memory_size(frame: Frame, memory: int) -> None:
    frame.stack.append(frame.module.memories[memory].pages)


@executes("memory.grow")
def memory_grow(frame: Frame, memory: int) -> None:
    instance = frame.module.memories[memory]
    pages = frame.stack[-1]
    former = instance.grow(pages)
    frame.stack[-1] = former & ADDRESS_MASKS[instance.address]
    frame.charge(pages, done=former >= 0)


@executes("memory.fill")
def memory_fill(frame: Frame, memory: int) -> None:
    count, value, address = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    data = frame.module.memories[memory].data
    if address + count > len(data):
        raise _out_of_bounds(frame, memory, address, count)
    data[address : address + count] = bytes((value & 0xFF,)) * count
    frame.charge(count)


@executes("memory.copy")
def memory_copy(frame: Frame, immediates: tuple[int, int]) -> None:
    to, from_ = immediates
    count, source, destination = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    data, origin = frame.module.memories[to].data, frame.module.memories[from_].data
    if source + count > len(origin):
        raise _out_of_bounds(frame, from_, source, count)
    if destination + count > len(data):
        raise _out_of_bounds(frame, to, destination, count)
    data[destination : destination + count] = origin[source : source + count]
    frame.charge(count)


@executes("memory.init")
def memory_init(frame: Frame, immediates: tuple[int, int]) -> None:
    dataidx, memory = immediates
    count, source, destination = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    data, segment = frame.module.memories[memory].data, frame.module.data[dataidx]
    if source + count > len(segment):
        raise Trap(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, f"bytes {source} to {source + count} of {len(segment)}")
    if destination + count > len(data):
        raise _out_of_bounds(frame, memory, destination, count)
    data[destination : destination + count] = segment[source : source + count]
    frame.charge(count)


@executes("data.drop")
def data_drop(frame: Frame, dataidx: int) -> None:
    frame.module.data[dataidx] = b""
