"""Table instructions (specification, 4.6.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.execution.registry import executes
from zenowasm.interp.runtime.values import ADDRESS_MASKS, Value

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


def _out_of_bounds(index: int, count: int, size: int) -> Trap:
    return Trap(TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS, f"elements {index} to {index + count} of {size}")


@executes("table.get")
def table_get(frame: Frame, tableidx: int) -> None:
    elements = frame.module.tables[tableidx].elements
    index = frame.stack[-1]
    if index >= len(elements):
        raise _out_of_bounds(index, 1, len(elements))
    frame.stack[-1] = elements[index]


@executes("table.set")
def table_set(frame: Frame, tableidx: int) -> None:
    elements = frame.module.tables[tableidx].elements
    value = frame.stack.pop()
    index = frame.stack.pop()
    if index >= len(elements):
        raise _out_of_bounds(index, 1, len(elements))
    elements[index] = value


@executes("table.size")
def table_size(frame: Frame, tableidx: int) -> None:
    frame.stack.append(frame.module.tables[tableidx].size)


@executes("table.grow")
def table_grow(frame: Frame, tableidx: int) -> None:
    count = frame.stack.pop()
    value = frame.stack.pop()
    table = frame.module.tables[tableidx]
    former = table.grow(count, value)
    frame.stack.append(former & ADDRESS_MASKS[table.address])
    frame.charge(count, done=former >= 0)


@executes("table.fill")
def table_fill(frame: Frame, tableidx: int) -> None:
    elements = frame.module.tables[tableidx].elements
    count, value, index = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    if index + count > len(elements):
        raise _out_of_bounds(index, count, len(elements))
    elements[index : index + count] = [value] * count
    frame.charge(count)


@executes("table.copy")
def table_copy(frame: Frame, immediates: tuple[int, int]) -> None:
    to, from_ = (frame.module.tables[tableidx].elements for tableidx in immediates)
    _copy(frame, to, from_)


@executes("table.init")
def table_init(frame: Frame, immediates: tuple[int, int]) -> None:
    elemidx, tableidx = immediates
    _copy(frame, frame.module.tables[tableidx].elements, frame.module.elements[elemidx])


def _copy(frame: Frame, to: list[Value], from_: list[Value]) -> None:
    count, source, destination = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    if source + count > len(from_):
        raise _out_of_bounds(source, count, len(from_))
    if destination + count > len(to):
        raise _out_of_bounds(destination, count, len(to))
    to[destination : destination + count] = from_[source : source + count]
    frame.charge(count)


@executes("elem.drop")
def elem_drop(frame: Frame, elemidx: int) -> None:
    frame.module.elements[elemidx] = []
