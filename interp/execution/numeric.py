"""Numeric instructions (specification, 4.6.1): the immediate is the operator, from ``interp.numerics``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


def const(frame: Frame, value: Any) -> None:
    """Push a constant."""
    frame.stack.append(value)


def unary(frame: Frame, operator: Callable[[Any], Any]) -> None:
    """Replace an operand by the operator's result."""
    stack = frame.stack
    stack[-1] = operator(stack[-1])


def binary(frame: Frame, operator: Callable[[Any, Any], Any]) -> None:
    """Replace two operands by the operator's result."""
    stack = frame.stack
    second = stack.pop()
    stack[-1] = operator(stack[-1], second)


def ternary(frame: Frame, operator: Callable[[Any, Any, Any], Any]) -> None:
    """Replace three operands by the operator's result."""
    stack = frame.stack
    third, second = stack.pop(), stack.pop()
    stack[-1] = operator(stack[-1], second, third)


BY_ARITY: Mapping[int, Callable[[Any, Any], None]] = {1: unary, 2: binary, 3: ternary}
"""The handler that applies an operator, by the operator's number of operands."""
