"""Changes of a stopped execution: new values of variables, and early returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zenowasm.debugger.cells import Cell, Cells, GlobalCell, LocalCell
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import number, parse, single
from zenowasm.debugger.inspection import FrameView, computed
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.interp.execution import Configuration
from zenowasm.interp.execution.control import return_
from zenowasm.interp.runtime.values import Value, check_values
from zenowasm.interp.types import RefType

if TYPE_CHECKING:
    from zenowasm.debuginfo.values import SourceValue

_NULL = "null"


def assign(view: FrameView, target: str, value: str) -> None:
    """Give the place that ``target`` names the value of another expression, or ``null``; raises ``DebuggerError``."""
    found = single(computed(parse(target), view))
    try:
        if isinstance(found, Cell):
            found.put(_new_value(found, value, view))
        elif isinstance(found, int | float | Cells):
            raise DebuggerError(f"{target} is a value and not a place, so it cannot be changed")
        else:
            _assign_source(found, number(computed(parse(value), view)), view)
    except (TypeError, ValueError, DebugInfoError, UnavailableError) as error:
        raise DebuggerError(f"{target} stays as it is: {error}") from None


def _new_value(cell: Cell, text: str, view: FrameView) -> Value:
    if isinstance(cell.type, RefType):
        if text.strip() != _NULL:
            raise DebuggerError(f"a value of type {cell.type} can only become {_NULL}")
        return None
    return number(computed(parse(text), view))


def _assign_source(found: SourceValue, new: int | float, view: FrameView) -> None:
    data = found.encoded(new)
    if found.address is not None:
        view.frame.module.memories[0].write(found.address, data)
        return
    cell = cell_of(found, view)
    changed = found.with_data(data).number()
    cell.put(new if changed is None else changed)


def cell_of(found: SourceValue, view: FrameView) -> Cell:
    """Return the local, global or operand that holds a source variable; raises ``DebuggerError`` if none does."""
    register = found.register
    if register is None:
        raise DebuggerError("it is computed from other values here, so it has no place of its own")
    if register.is_local:
        return LocalCell(view.frame, register.index, view.local_types[register.index])
    if register.is_global:
        return GlobalCell(view.frame.module.globals[register.index])
    operands = view.operand_cells()
    if register.index >= len(operands):
        raise DebuggerError(f"its location names the operand {register.index} of {len(operands)}")
    return operands[register.index]


def results_of(view: FrameView, values: Sequence[str]) -> list[Value]:
    """Return the results of an early return, computed in the frame that returns; raises ``DebuggerError``."""
    types = view.frame.function.type.results
    if len(values) != len(types):
        expected = ", ".join(map(str, types)) or "none"
        raise DebuggerError(f"{view.function} has {len(types)} results ({expected}), not {len(values)}")
    found: list[Value] = [None if it.strip() == _NULL else number(computed(parse(it), view)) for it in values]
    try:
        return check_values(types, found)
    except (TypeError, ValueError) as error:
        raise DebuggerError(f"the result does not fit: {error}") from None


def return_early(execution: Configuration, view: FrameView, results: list[Value]) -> None:
    """Return from an active call of an execution, and from all calls inside it."""
    frame = view.frame
    if not any(frame is it for it in execution.frames()):
        raise DebuggerError("the host called the functions inside this call: return from those first")
    execution.unwind_to(frame)
    frame.stack[:] = results
    return_(frame, len(results))
