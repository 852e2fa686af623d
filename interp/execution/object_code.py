"""Compiles a function's body to plain data while it is validated; ``code`` links that data into executable code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from zenowasm.interp.execution.handlers import FUEL, KINDS, plain_immediate
from zenowasm.interp.instructions import Opcode
from zenowasm.interp.progress import Progress
from zenowasm.interp.runtime.values import Value, default_value
from zenowasm.interp.syntax.module import Body, Instruction, MemArg
from zenowasm.interp.types import ValType
from zenowasm.interp.validation import Context, FunctionValidator, Label, validate_function

FUNCTION_ENTRY_FUEL = 1

Branch: TypeAlias = list[int]
"""A branch: [target pc, operand stack height below the carried values, their number, fuel to settle].

A list, since the target of a forward branch is known only at the end of its block.
"""

PlainClause: TypeAlias = tuple[int | None, bool, Branch]
"""A catch clause: for one tag or all tags (``None``), with or without the exception reference, and its branch."""


class ObjectCode(NamedTuple):
    """A function's code as plain data: numbers, strings, lists and tuples, unless it names a type for a cast.

    ``kinds`` has a character for each instruction (see ``handlers``), ``immediates`` an entry. ``locals`` are runs of
    the initial values of the locals that are not parameters, each with its length. ``most_operands`` is the maximum
    number of operands. ``regions`` are its ``try_table`` blocks, inner ones first: the positions of the block's
    beginning and end, and its clauses.
    """

    kinds: str
    immediates: Sequence[Any]
    locals: Sequence[tuple[Value, int]]
    most_operands: int
    regions: Sequence[tuple[int, int, Sequence[PlainClause]]]


def fuel_before(kinds: str) -> list[int]:
    """Return, for each instruction, the cost of all instructions before it in binary order, including the entry."""
    return list(accumulate(map(FUEL.__getitem__, kinds), initial=FUNCTION_ENTRY_FUEL))


def lower(context: Context, index: int, body: Body, progress: Progress | None = None) -> ObjectCode:
    """Compile a body while it is validated, so that an invalid body yields no code."""
    lowering = _Lowering(body.expression.instructions)
    validate_function(context, index, body, lowering, progress)
    locals_ = [(default_value(type_), count) for count, type_ in body.locals]
    return ObjectCode(lowering.kinds, lowering.immediates, locals_, lowering.most_operands, lowering.regions)


class _Lowering:
    """A consumer of validation that collects a function's code."""

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        self.kinds = "".join([KINDS[opcode] for opcode, _ in instructions])
        self.immediates = [plain_immediate(immediates) for _, immediates in instructions]
        self.fuel_before = fuel_before(self.kinds)
        self.most_operands = 0
        self.forward: dict[Label, list[tuple[Branch, int]]] = {}
        self.clauses: dict[Label, list[PlainClause]] = {}
        self.regions: list[tuple[int, int, Sequence[PlainClause]]] = []

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Compile an instruction (see ``validation.Consumer``)."""
        opcode, immediates = instruction
        if height > self.most_operands:
            self.most_operands = height
        prepare = _PREPARED.get(opcode)
        if prepare is not None:
            self.immediates[validator.pc] = prepare(self, validator, immediates)

    def branch(self, validator: FunctionValidator, label: Label) -> Branch:
        """Return a branch to a label from the current instruction."""
        pc = validator.pc
        branch: Branch = [0, label.height, len(label.types), 0]
        if label.branches_to_start:
            self.aim(branch, pc, label.pc)
        else:
            self.forward.setdefault(label, []).append((branch, pc))
        return branch

    def aim(self, branch: Branch, pc: int, target: int) -> None:
        """Set the target of a branch at ``pc``."""
        branch[0] = target
        branch[3] = self.fuel_before[pc + 1] - self.fuel_before[target]


Prepare: TypeAlias = Callable[[_Lowering, FunctionValidator, tuple[Any, ...]], Any]


def _nothing(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> None:
    """Drop immediates that only validation uses."""


def _place(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[MemArg, *tuple[int, ...]]) -> Any:
    memarg, *lane = immediates
    return memarg.memory, memarg.offset, *lane


def _loop(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int:
    return lowering.fuel_before[validator.pc]


def _if(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
    # Its branch is taken if the condition is 0: to after the else, or to after the end.
    branch = lowering.branch(validator, validator.labels[-1])
    branch[1], branch[2] = branch[1] + len(validator.labels[-1].parameters), 0
    return branch


def _else(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
    opened = validator.closed
    assert opened is not None
    branches = lowering.forward.pop(opened)
    lowering.aim(*branches.pop(0), validator.pc + 1)
    inner = validator.labels[-1]
    lowering.forward[inner] = branches
    return lowering.branch(validator, inner)


def _end(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int | None:
    closed = validator.closed
    assert closed is not None
    is_function = closed.opcode is None
    if is_function:
        lowering.most_operands = max(lowering.most_operands, len(validator.operands))
    if closed in lowering.clauses:
        lowering.regions.append((closed.pc, validator.pc, lowering.clauses.pop(closed)))
    target = validator.pc if is_function else validator.pc + 1
    for branch, pc in lowering.forward.pop(closed, ()):
        lowering.aim(branch, pc, target)
    return len(closed.results) if is_function else None


def _branch(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
    return lowering.branch(validator, validator.label(immediates[0]))


def _branch_on_cast(
    lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]
) -> tuple[Branch, ValType]:
    (cast,) = immediates
    return lowering.branch(validator, validator.label(cast.label)), validator.close_type(cast.target)


def _cast(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> ValType:
    return validator.close_type(immediates[0])


def _try_table(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> None:
    # The clauses' label indices count from outside the block, which is already open.
    lowering.clauses[validator.labels[-1]] = [
        (catch.tag, catch.reference, lowering.branch(validator, validator.label(catch.label + 1)))
        for catch in immediates[1]
    ]


def _br_table(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> tuple[Branch, ...]:
    labels, default = immediates
    branches = {index: lowering.branch(validator, validator.label(index)) for index in {*labels, default}}
    return (*(branches[index] for index in labels), branches[default])


def _return(lowering: _Lowering, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int:
    return len(validator.results)


_BY_MNEMONIC: Mapping[str, Prepare] = {
    "block": _nothing,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "end": _end,
    "br": _branch,
    "br_if": _branch,
    "br_table": _br_table,
    "return": _return,
    "br_on_null": _branch,
    "br_on_non_null": _branch,
    "br_on_cast": _branch_on_cast,
    "br_on_cast_fail": _branch_on_cast,
    "try_table": _try_table,
    "select": _nothing,
    "ref.null": _nothing,
    "ref.test": _cast,
    "ref.cast": _cast,
}
_PREPARED: Mapping[Opcode, Prepare] = {
    row: _place if row.access is not None else _BY_MNEMONIC[row.mnemonic]
    for row in KINDS
    if row.access is not None or row.mnemonic in _BY_MNEMONIC
}
"""The function that makes a row's immediate, for rows that do not use ``plain_immediate``."""
