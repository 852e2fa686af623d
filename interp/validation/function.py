"""The validation algorithm for instruction sequences (specification, appendix "Validation Algorithm").

An operand stack holds types, a control stack holds the open blocks. A row of the instruction table that has a
signature is checked against it; every other row has a rule in ``rules``. The validator passes its state at each
instruction to a consumer, so a consumer such as a compiler or a listing needs no second pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NoReturn, Protocol, TypeAlias

from zenowasm.interp.errors import ValidationError
from zenowasm.interp.instructions import TABLE, Opcode, Structure
from zenowasm.interp.matching import matches_valtype
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import Body, Expression, Instruction, locals_of
from zenowasm.interp.types import I32, DefType, FuncType, RefType, ResultType, ValType
from zenowasm.interp.validation import rules
from zenowasm.interp.validation.context import Context, function_type


class Bottom(Enum):
    """The types of operands that come from the empty stack of unreachable code (specification, 3.1.2).

    ``BOTTOM`` matches every type; ``BOTTOM_REFERENCE``, known to be a non-null reference, matches every reference
    type.
    """

    BOTTOM = "any type"
    BOTTOM_REFERENCE = "any reference"

    def __str__(self) -> str:
        return self.value


BOTTOM: Final = Bottom.BOTTOM
BOTTOM_REFERENCE: Final = Bottom.BOTTOM_REFERENCE
OperandType: TypeAlias = ValType | Bottom
_I32_CONST: Final = TABLE.by_mnemonic["i32.const"]
_CHUNK: Final = 128
"""The number of instructions between two progress checks."""
_OPERAND_BYTES: Final = 20
"""The memory of an operand, in bytes, in a list that grows and is copied while it grows."""


class Label:
    """An open block: one entry of the control stack.

    ``pc`` is the index of the instruction that opened it (-1 for the function). ``height`` is the height of the operand
    stack at its entry, without its parameters. ``parameters`` and ``results`` are its type, ``types`` the operand types
    of a branch to it. ``initialized`` are the locals without a default value that were set inside it.
    """

    __slots__ = (
        "branches_to_start",
        "height",
        "initialized",
        "opcode",
        "parameters",
        "pc",
        "results",
        "types",
        "unreachable",
    )

    def __init__(
        self, opcode: Opcode | None, pc: int, type_: FuncType, height: int, *, branches_to_start: bool = False
    ) -> None:
        """Open a block."""
        self.opcode = opcode
        self.pc = pc
        self.parameters = type_.parameters
        self.results = type_.results
        self.branches_to_start = branches_to_start
        self.types: ResultType = type_.parameters if branches_to_start else type_.results
        self.height = height
        self.unreachable = False
        self.initialized: list[int] = []


class Consumer(Protocol):
    """A receiver of instructions, each after it was found valid."""

    def instruction(self, validator: FunctionValidator, instruction: Instruction, height: int) -> None:
        """Process the instruction at ``validator.pc``.

        ``height`` is the height of the operand stack before the instruction. ``validator`` has the state after it:
        operands, open blocks (``labels``), the block just closed (``closed``), and whether the next instruction is
        reachable.
        """
        ...


class FunctionValidator:
    """A validator for one instruction sequence."""

    __slots__ = (
        "closed",
        "constant",
        "context",
        "function",
        "initialized",
        "labels",
        "locals",
        "offsets",
        "operands",
        "parameters",
        "pc",
        "results",
        "tracks_locals",
        "visible_globals",
    )

    def __init__(
        self,
        context: Context,
        locals_: Sequence[ValType],
        results: ResultType,
        *,
        function: int | None,
        constant: bool = False,
    ) -> None:
        """Prepare to validate a body with these locals and results, or a constant expression."""
        self.context = context
        self.function = function
        self.locals = locals_
        self.parameters = 0
        self.tracks_locals = False
        self.initialized: set[int] = set()
        self.visible_globals = 0
        self.results = results
        self.constant = constant
        self.operands: list[OperandType] = []
        self.labels: list[Label] = []
        self.closed: Label | None = None
        self.pc = 0
        self.offsets: Sequence[int] = ()

    @property
    def reachable(self) -> bool:
        """Whether the code after the current instruction is reachable."""
        return bool(self.labels) and not self.labels[-1].unreachable

    def error(self, message: str) -> ValidationError:
        """Return an error at the current instruction."""
        offset = self.offsets[self.pc] if self.pc < len(self.offsets) else None
        return ValidationError(message, function=self.function, offset=offset)

    def fail(self, message: str) -> NoReturn:
        """Raise an error at the current instruction."""
        raise self.error(message)

    # -- the operand stack --

    def push(self, type_: OperandType) -> None:
        """Push an operand."""
        self.operands.append(type_)

    def pop(self) -> OperandType:
        """Pop an operand of any type."""
        label = self.labels[-1]
        operands = self.operands
        if len(operands) > label.height:
            return operands.pop()
        if label.unreachable:
            return BOTTOM
        self.fail("type mismatch: an operand is expected, the block's stack is empty")

    def pop_expect(self, expected: ValType) -> OperandType:
        """Pop an operand of the expected type or of a subtype of it."""
        label = self.labels[-1]
        operands = self.operands
        if len(operands) > label.height:
            found = operands.pop()
            if found is expected or found is BOTTOM:
                return found
            if isinstance(expected, RefType) if found is BOTTOM_REFERENCE else matches_valtype(found, expected):
                return found
            self.fail(f"type mismatch: {self.shown(expected)} is expected, {self.shown(found)} is on the stack")
        if label.unreachable:
            return BOTTOM
        self.fail(f"type mismatch: {self.shown(expected)} is expected, the block's stack is empty")

    def pop_all(self, expected: ResultType) -> None:
        """Pop operands of these types, the last one first."""
        label = self.labels[-1]
        operands = self.operands
        at = len(operands) - len(expected)
        # A type may list a thousand values, which an instruction of two bytes pops.
        if at >= label.height and tuple(operands[at:]) == expected:
            del operands[at:]
            return
        for type_ in reversed(expected):
            if label.unreachable and len(operands) == label.height:
                return
            self.pop_expect(type_)

    def push_all(self, types: ResultType) -> None:
        """Push operands of these types."""
        self.operands.extend(types)

    def pop_reference(self) -> RefType | None:
        """Pop a reference of any type; return ``None`` if the operand comes from unreachable code's empty stack."""
        found = self.pop()
        if isinstance(found, Bottom):
            return None
        if isinstance(found, RefType):
            return found
        self.fail(f"type mismatch: a reference is expected, {found} is on the stack")

    def push_reference(self, type_: RefType | None, *, nullable: bool) -> None:
        """Push a reference with the heap type of ``type_``, which is ``None`` as in ``pop_reference``."""
        self.operands.append(BOTTOM_REFERENCE if type_ is None else RefType(nullable, type_.heap))

    @staticmethod
    def is_reference(operand: OperandType) -> bool:
        """Return whether an operand is known to be a reference."""
        return operand is BOTTOM_REFERENCE or isinstance(operand, RefType)

    def close_type(self, type_: ValType) -> ValType:
        """Return the closed form of a type in an immediate."""
        if isinstance(type_, RefType) and isinstance(type_.heap, int):
            return self.defined(type_.heap).reference(type_.nullable)
        return type_

    def defined(self, index: int) -> DefType:
        """Return the type that a type index names."""
        if index >= len(self.context.types):
            self.fail(f"unknown type {index}: the module defines {len(self.context.types)}")
        return self.context.types[index]

    def shown(self, type_: OperandType) -> str:
        """Return a type in the module's terms: a closed type has no name, only an index."""
        if isinstance(type_, RefType) and isinstance(type_.heap, DefType) and type_.heap in self.context.types:
            return str(RefType(type_.nullable, self.context.types.index(type_.heap)))
        return str(type_)

    def has_value(self, index: int) -> bool:
        """Return whether a local is initialized: it is a parameter, was set, or has a default value."""
        return index < self.parameters or index in self.initialized or _has_default(self.locals[index])

    def initialize(self, index: int) -> None:
        """Mark a local as set from here to the end of the innermost block."""
        if self.tracks_locals and not self.has_value(index):
            self.initialized.add(index)
            self.labels[-1].initialized.append(index)

    # -- the control stack --

    def open(self, opcode: Opcode | None, type_: FuncType, *, branches_to_start: bool = False) -> None:
        """Open a block whose parameters were popped, and push them again inside it."""
        pc = -1 if opcode is None else self.pc
        label = Label(opcode, pc, type_, len(self.operands), branches_to_start=branches_to_start)
        self.labels.append(label)
        self.operands.extend(type_.parameters)

    def close(self) -> Label:
        """Close the innermost block and pop its results, which must be the only operands left in it."""
        label = self.labels[-1]
        self.pop_all(label.results)
        if len(self.operands) != label.height:
            extra = len(self.operands) - label.height
            self.fail(f"type mismatch: {extra} values too many on the stack at the end of a block")
        self.labels.pop()
        self.closed = label
        # A local without a default value counts as set only up to the end of the block that sets it.
        self.initialized.difference_update(label.initialized)
        return label

    def label(self, index: int) -> Label:
        """Return the open block that a label index names; 0 is the innermost."""
        if index >= len(self.labels):
            self.fail(f"unknown label {index}: {len(self.labels)} are open")
        return self.labels[-1 - index]

    def set_unreachable(self) -> None:
        """Mark the rest of the innermost block as unreachable."""
        label = self.labels[-1]
        del self.operands[label.height :]
        label.unreachable = True

    # -- the pass --

    def run(self, expression: Expression, consumer: Consumer | None = None, progress: Progress | None = None) -> None:
        """Validate the expression from its first instruction to its last.

        Raises ``ValidationError``, and any error of ``progress``.
        """
        progress = progress or Progress()
        self.offsets = expression.offsets
        self.open(None, FuncType((), self.results))
        operands, constant = self.operands, self.constant
        for pc, instruction in enumerate(expression.instructions):
            self.pc = pc
            height = len(operands)
            if not pc % _CHUNK:
                progress.check(height * _OPERAND_BYTES)
            opcode, immediates = instruction
            if constant and not opcode.constant and opcode.structure is not Structure.END:
                self.fail(f"constant expression required: {opcode} is not constant")
            parameters = opcode.parameters
            if parameters is None:
                rules.RULES[opcode](self, opcode, immediates)
            else:
                if parameters:
                    self.pop_all(parameters)
                operands += opcode.results or ()
                if immediates and opcode.lanes:
                    rules.lanes(self, opcode, immediates)
            if consumer is not None:
                consumer.instruction(self, instruction, height)


def validate_function(
    context: Context,
    index: int,
    body: Body,
    consumer: Consumer | None = None,
    progress: Progress | None = None,
    operands: list[OperandType] | None = None,
) -> None:
    """Validate the body of the function with that index (specification, 3.4.1).

    ``operands`` is an empty list to use as the operand stack. Raises ``ValidationError``, and any error of
    ``progress``; by then, the consumer has received all earlier instructions.
    """
    type_ = function_type(context.functions[index])
    validator = FunctionValidator(context, (), type_.results, function=index)
    if operands is not None:
        validator.operands = operands
    validator.offsets = body.expression.offsets
    runs = tuple((count, validator.close_type(local)) for count, local in body.locals)
    validator.locals = locals_of(type_, Body(runs, body.expression))
    validator.parameters = len(type_.parameters)
    validator.tracks_locals = not all(_has_default(local) for _, local in runs)
    validator.run(body.expression, consumer, progress)


def _has_default(type_: ValType) -> bool:
    return not isinstance(type_, RefType) or type_.nullable


def validate_constant(
    context: Context,
    expression: Expression,
    expected: ValType,
    visible_globals: int,
    progress: Progress | None = None,
) -> None:
    """Validate a constant expression of the expected type (specification, 3.4.9).

    The expression may read immutable globals among the first ``visible_globals`` of the module.
    """
    instructions = expression.instructions
    if expected is I32 and len(instructions) == 2 and instructions[0].opcode is _I32_CONST:
        return  # the most frequent form by far
    validator = FunctionValidator(context, (), (expected,), function=None, constant=True)
    validator.visible_globals = visible_globals
    validator.run(expression, progress=progress)
