"""Consumers of the validator, for listings and debuggers: the operand stack, and each instruction's arity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import SupportsIndex, TypeAlias

from attrs import frozen

from zenowasm.interp.instructions import TABLE, Opcode
from zenowasm.interp.syntax.module import Body, Instruction
from zenowasm.interp.validation.context import Context
from zenowasm.interp.validation.function import FunctionValidator, OperandType, validate_function


@frozen
class Operands:
    """The operand types at a point of a function, the topmost last, and whether the point is reachable."""

    types: tuple[OperandType, ...] = ()
    reachable: bool = True

    def __str__(self) -> str:
        return f"[{' '.join(map(str, self.types))}]" + ("" if self.reachable else " unreachable")


class _Collector:
    def __init__(self) -> None:
        self.found = [Operands()]

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Record the operands after an instruction (see ``Consumer``)."""
        reachable = validator.reachable or not validator.labels
        self.found.append(Operands(tuple(validator.operands), reachable))


def operands_of(context: Context, function: int, body: Body) -> list[Operands]:
    """Return the operands before each instruction of a function's body, and after the last one.

    Raises ``ValidationError`` if the body is invalid.
    """
    collector = _Collector()
    validate_function(context, function, body, collector)
    return collector.found


Arity: TypeAlias = tuple[int, int]
"""The number of operands that an instruction pops, and the number that it pushes."""


class _Stack(list[OperandType]):
    """An operand stack that records its lowest height."""

    __slots__ = ("lowest",)

    def __init__(self) -> None:
        super().__init__()
        self.lowest = 0

    def pop(self, index: SupportsIndex = -1) -> OperandType:
        """Remove and return an operand."""
        found = list.pop(self, index)
        if len(self) < self.lowest:
            self.lowest = len(self)
        return found

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        list.__delitem__(self, index)
        if len(self) < self.lowest:
            self.lowest = len(self)


@frozen
class _Consumer:
    instruction: Callable[[FunctionValidator, Instruction, int], None]


def arities_of(context: Context, function: int, body: Body) -> list[Arity]:
    """Return the arity of each instruction of a function's body; an ``end`` pushes the results of its block.

    In unreachable code, an instruction without a fixed signature may seem to pop fewer operands than it does. Raises
    ``ValidationError`` if the body is invalid.
    """
    stack, found = _Stack(), list[Arity]()
    add, fixed = found.append, _fixed()

    def note(validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        now = len(stack)
        arity = fixed.get(instruction[0])
        add((height - stack.lowest, now - stack.lowest) if arity is None else arity)
        stack.lowest = now

    validate_function(context, function, body, _Consumer(note), operands=stack)
    return found


@cache
def _fixed() -> Mapping[Opcode, Arity]:
    """Return the arity of each row that has a signature."""
    return {
        row: (len(row.parameters), len(row.results))
        for row in TABLE.rows
        if row.parameters is not None and row.results is not None
    }
