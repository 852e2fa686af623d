"""A consumer of the validator that keeps the types on the operand stack, for listings and debuggers."""

from __future__ import annotations

from attrs import frozen

from zenowasm.interp.syntax.module import Body, Instruction
from zenowasm.interp.validation.context import Context
from zenowasm.interp.validation.function import FunctionValidator, OperandType, validate_function


@frozen
class Operands:
    """The operand types at a point of a function, the topmost last, and whether execution can get there."""

    types: tuple[OperandType, ...] = ()
    reachable: bool = True

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.types))}]" + ("" if self.reachable else " unreachable")


class _Collector:
    def __init__(self) -> None:
        self.found = [Operands()]

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Note what an instruction leaves (see ``Consumer``)."""
        reachable = validator.reachable or not validator.labels
        self.found.append(Operands(tuple(validator.operands), reachable))


def operands_of(context: Context, function: int, body: Body) -> list[Operands]:
    """Return the operands before each instruction of a function's body, and after the last one.

    Raises ``ValidationError`` when the body is invalid.
    """
    collector = _Collector()
    validate_function(context, function, body, collector)
    return collector.found
