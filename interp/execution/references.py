"""Reference instructions (specification, 4.6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.execution.registry import executes
from zenowasm.interp.numerics.integers import signed
from zenowasm.interp.runtime.values import I31, matches_reference
from zenowasm.interp.types import RefType

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


@executes("ref.null")
def ref_null(frame: Frame, _: object) -> None:
    frame.stack.append(None)


@executes("ref.is_null")
def ref_is_null(frame: Frame, _: object) -> None:
    frame.stack[-1] = 1 if frame.stack[-1] is None else 0


@executes("ref.func")
def ref_func(frame: Frame, index: int) -> None:
    frame.stack.append(frame.module.functions[index])


@executes("ref.eq")
def ref_eq(frame: Frame, _: object) -> None:
    second = frame.stack.pop()
    first = frame.stack[-1]
    frame.stack[-1] = 1 if first is second or (isinstance(first, I31) and first == second) else 0


@executes("ref.as_non_null")
def ref_as_non_null(frame: Frame, _: object) -> None:
    if frame.stack[-1] is None:
        raise Trap(TrapCode.NULL_REFERENCE)


@executes("ref.test")
def ref_test(frame: Frame, type_: RefType) -> None:
    frame.stack[-1] = 1 if matches_reference(frame.stack[-1], type_) else 0


@executes("ref.cast")
def ref_cast(frame: Frame, type_: RefType) -> None:
    if not matches_reference(frame.stack[-1], type_):
        raise Trap(TrapCode.CAST_FAILURE)


@executes("any.convert_extern")
def any_convert_extern(frame: Frame, _: object) -> None:
    """Do nothing: only the type changes (see ``runtime.values``)."""


@executes("extern.convert_any")
def extern_convert_any(frame: Frame, _: object) -> None:
    """Do nothing: only the type changes (see ``runtime.values``)."""


@executes("ref.i31")
def ref_i31(frame: Frame, _: object) -> None:
    frame.stack[-1] = I31(frame.stack[-1] & 0x7FFFFFFF)


@executes("i31.get_u")
def i31_get_u(frame: Frame, _: object) -> None:
    value = frame.stack[-1]
    if value is None:
        raise Trap(TrapCode.NULL_I31_REFERENCE)
    frame.stack[-1] = value.value


@executes("i31.get_s")
def i31_get_s(frame: Frame, _: object) -> None:
    i31_get_u(frame, _)
    frame.stack[-1] = signed(frame.stack[-1], 31) & 0xFFFFFFFF
