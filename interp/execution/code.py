"""Code in the form that the interpreter runs: one (handler, immediate) pair for each instruction of a body.

Nothing is removed or fused, so a position in the code is a position in the body. Fuel is counted without work at each
instruction: ``fuel_before[pc]`` is what the instructions before ``pc`` cost in the order of their bytes, a branch
adds the constant by which its jump departs from that order, and the fuel consumed is the store's settled fuel plus
``fuel_before`` at the innermost frame's ``pc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from attrs import frozen

from zenowasm.interp.execution import handlers
from zenowasm.interp.execution.fusion import fuse
from zenowasm.interp.progress import Progress
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.values import TagReference, Value, default_value
from zenowasm.interp.syntax.module import Body, Expression, Instruction, spread
from zenowasm.interp.types import DefType, ValType
from zenowasm.interp.validation import Context, FunctionValidator, Label, validate_function

FUNCTION_ENTRY_FUEL = 1

Branch: TypeAlias = list[int]
"""Where a branch goes: [target pc, operand stack height below the values it carries, their number, fuel to settle].

A list, since the target of a forward branch is known only when its block ends.
"""


class Clause(NamedTuple):
    """A catch clause ready to run; see ``syntax.module.Catch``."""

    tag: int | None
    reference: bool
    branch: Branch


class Region(NamedTuple):
    """The instructions of a ``try_table``: from behind ``start`` to before ``end``."""

    start: int
    end: int
    clauses: Sequence[Clause]


@frozen(eq=False)
class Code:
    """A function ready to run: ``instructions`` one by one, ``fused`` for executions that nobody watches.

    ``locals`` are the initial values of the locals that are not parameters; ``size`` is the number of locals and of
    operands at the most; ``regions`` are its ``try_table`` blocks, inner ones first; ``body`` is what it was made of.
    """

    instructions: Sequence[tuple[Any, Any]]
    fused: Sequence[tuple[Any, Any]]
    fuel_before: Sequence[int]
    locals: Sequence[Value]
    size: int
    regions: Sequence[Region]
    body: Body

    def catching(self, pc: int, tag: TagReference, tags: Sequence[TagReference]) -> Clause | None:
        """Return the clause that takes an exception of that tag thrown at ``pc``, if there is one."""
        for region in self.regions:
            if region.start < pc < region.end:
                for clause in region.clauses:
                    if clause.tag is None or tags[clause.tag] is tag:
                        return clause
        return None


def code_of(function: FunctionInstance) -> Code:
    """Return the function's code, made at its first call and kept with the module for all of its instances."""
    codes: dict[int, Code] = function.module.valid.codes
    code = codes.get(function.index)
    if code is None:
        code = codes[function.index] = _lower(function)
    function.code = code
    return code


def _look(store: Store) -> None:
    """Check the budget while nothing runs; when it is due again does not change."""
    store.checkpoint(store.settled_fuel)


def _lower(function: FunctionInstance) -> Code:
    valid, store = function.module.valid, function.module.store
    context, codes = valid.context, valid.module.codes

    def checkpoint(held: int) -> None:
        valid.checkpoint(held)
        # A large function takes long, and its first caller may have little time.
        _look(store)

    progress = Progress(checkpoint)
    imported = len(context.functions) - len(codes)
    return lower(context, function, codes[function.index - imported].body(progress), progress)


def lower(context: Context, function: FunctionInstance, body: Body, progress: Progress | None = None) -> Code:
    """Make code of a body while it is validated: code of an invalid body cannot come into being."""
    lowering = _Lowering()
    validate_function(context, function.index, body, lowering, progress)
    locals_ = spread((default_value(type_), count) for count, type_ in body.locals)
    size = len(function.type.parameters) + len(locals_) + lowering.most_operands
    return Code(
        lowering.instructions, fuse(lowering.instructions), lowering.fuel_before, locals_, size, lowering.regions, body
    )


def constant_code(expression: Expression) -> list[tuple[Any, Any]]:
    """Return the pairs of a constant expression, which has no blocks and no branches, without its ``end``."""
    return [
        (handlers.handler(opcode), handlers.immediate(opcode, immediates))
        for opcode, immediates in expression.instructions[:-1]
    ]


class _Lowering:
    """Collects a function's code from its validation."""

    def __init__(self) -> None:
        self.instructions: list[tuple[Any, Any]] = []
        self.fuel_before: list[int] = [FUNCTION_ENTRY_FUEL]
        self.most_operands = 0
        self.forward: dict[Label, list[tuple[Branch, int]]] = {}
        self.clauses: dict[Label, list[Clause]] = {}
        self.regions: list[Region] = []

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Add an instruction (see ``validation.Consumer``)."""
        opcode, immediates = instruction
        self.fuel_before.append(self.fuel_before[-1] + opcode.fuel)
        self.most_operands = max(self.most_operands, height, len(validator.operands))
        prepare = getattr(self, f"_{opcode.identifier}", None)
        if prepare is None:
            prepared = handlers.immediate(opcode, immediates)
        else:
            prepared = prepare(validator, immediates)
        self.instructions.append((handlers.handler(opcode), prepared))

    def _branch(self, validator: FunctionValidator, label: Label) -> Branch:
        pc = validator.pc
        branch: Branch = [0, label.height, len(label.types), 0]
        if label.branches_to_start:
            self._aim(branch, pc, label.pc)
        else:
            self.forward.setdefault(label, []).append((branch, pc))
        return branch

    def _aim(self, branch: Branch, pc: int, target: int) -> None:
        branch[0] = target
        branch[3] = self.fuel_before[pc + 1] - self.fuel_before[target]

    def _loop(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int:
        return self.fuel_before[validator.pc]

    def _if_(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
        # Its branch is taken when the condition is 0: to behind the else, or to behind the end.
        branch = self._branch(validator, validator.labels[-1])
        branch[1], branch[2] = branch[1] + len(validator.labels[-1].parameters), 0
        return branch

    def _else_(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
        opened = validator.closed
        assert opened is not None
        branches = self.forward.pop(opened)
        self._aim(*branches.pop(0), validator.pc + 1)
        inner = validator.labels[-1]
        self.forward[inner] = branches
        return self._branch(validator, inner)

    def _end(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int | None:
        closed = validator.closed
        assert closed is not None
        is_function = closed.opcode is None
        if closed in self.clauses:
            self.regions.append(Region(closed.pc, validator.pc, self.clauses.pop(closed)))
        target = validator.pc if is_function else validator.pc + 1
        for branch, pc in self.forward.pop(closed, ()):
            self._aim(branch, pc, target)
        return len(closed.results) if is_function else None

    def _br(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> Branch:
        return self._branch(validator, validator.label(immediates[0]))

    _br_if = _br
    _br_on_null = _br
    _br_on_non_null = _br

    def _br_on_cast(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> tuple[Branch, ValType]:
        (cast,) = immediates
        return self._branch(validator, validator.label(cast.label)), validator.close_type(cast.target)

    _br_on_cast_fail = _br_on_cast

    def _ref_test(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> ValType:
        return validator.close_type(immediates[0])

    _ref_cast = _ref_test

    def _try_table(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> None:
        # The clauses' labels are counted from outside of the block, which is open already.
        self.clauses[validator.labels[-1]] = [
            Clause(catch.tag, catch.reference, self._branch(validator, validator.label(catch.label + 1)))
            for catch in immediates[1]
        ]

    def _br_table(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> tuple[Branch, ...]:
        labels, default = immediates
        branches = {index: self._branch(validator, validator.label(index)) for index in {*labels, default}}
        return (*(branches[index] for index in labels), branches[default])

    def _return_(self, validator: FunctionValidator, immediates: tuple[Any, ...]) -> int:
        return len(validator.results)

    def _call_indirect(self, validator: FunctionValidator, immediates: tuple[int, int]) -> tuple[DefType, int]:
        typeidx, tableidx = immediates
        return validator.context.types[typeidx], tableidx

    _return_call_indirect = _call_indirect
