"""Consumers of the validator, for listings and debuggers: what is on the operand stack, and what instructions take."""

from __future__ import annotations

from typing import NamedTuple, SupportsIndex

from attrs import frozen

from zenowasm.interp.instructions import Opcode
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


class Arity(NamedTuple):
    """How many operands an instruction takes from the stack, and how many it leaves there instead of them."""

    taken: int
    left: int


class _Stack(list[OperandType]):
    """An operand stack that knows how low it was."""

    def __init__(self) -> None:
        super().__init__()
        self.lowest = 0

    def pop(self, index: SupportsIndex = -1) -> OperandType:
        """Remove and return an operand."""
        found = super().pop(index)
        if len(self) < self.lowest:
            self.lowest = len(self)
        return found

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        super().__delitem__(index)
        if len(self) < self.lowest:
            self.lowest = len(self)


class _Arities:
    def __init__(self, stack: _Stack) -> None:
        self.stack = stack
        self.found: list[Arity] = []
        self.fixed: dict[Opcode, Arity] = {}

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Note what an instruction took and left (see ``Consumer``)."""
        stack = self.stack
        arity = self.fixed.get(instruction.opcode)
        if arity is None:
            arity = self._arity(instruction.opcode, height)
        self.found.append(arity)
        stack.lowest = len(stack)

    def _arity(self, opcode: Opcode, height: int) -> Arity:
        """Return what the signature of a row says, else what the stack tells."""
        if opcode.parameters is None or opcode.results is None:
            lowest = self.stack.lowest
            return Arity(height - lowest, len(self.stack) - lowest)
        found = self.fixed[opcode] = Arity(len(opcode.parameters), len(opcode.results))
        return found


def arities_of(context: Context, function: int, body: Body) -> list[Arity]:
    """Return what each instruction of a function's body takes and leaves; an ``end`` has the results of its block.

    Of code that cannot be reached, what has no fixed signature may seem to take less than it does. Raises
    ``ValidationError`` when the body is invalid.
    """
    stack = _Stack()
    consumer = _Arities(stack)
    validate_function(context, function, body, consumer, operands=stack)
    return consumer.found
