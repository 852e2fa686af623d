"""What can be seen of a stopped execution: frames, variables, operands, all with their types and as text."""

from __future__ import annotations

from attrs import frozen

from zenowasm.debugger.program import Program
from zenowasm.interp.execution import Frame
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.runtime.values import I31, Aggregate, ExceptionInstance, ExternRef, Value
from zenowasm.interp.syntax.module import locals_of
from zenowasm.interp.text.printer import InstructionLine
from zenowasm.interp.text.values import readable_text
from zenowasm.interp.types import I32, I64, NumType
from zenowasm.interp.validation.function import OperandType

_OBVIOUS = 10
"""Integers of smaller magnitude are not shown in hexadecimal too."""


@frozen
class Variable:
    """A local, global or operand: its index, its name where it has one, its type and its value."""

    index: int
    name: str | None
    type: OperandType
    value: Value
    program: Program

    @property
    def label(self) -> str:
        """What the variable is called: ``$name``, or ``$`` and its index."""
        return f"${self.name or self.index}"

    @property
    def text(self) -> str:
        """The value for people: integers signed, and in hexadecimal; floats in decimal; references by name."""
        return value_text(self.type, self.value, self.program)


@frozen
class FrameView:
    """An active call of a guest's function, 0 being the innermost.

    ``owner`` names whose store it is; ``pc`` and ``line`` are of the instruction that comes next, that is calling, or
    that trapped.
    """

    level: int
    owner: str
    program: Program
    frame: Frame
    pc: int

    @property
    def function(self) -> str:
        """The function's name."""
        return self.program.function_name(self.frame.function.index)

    @property
    def line(self) -> InstructionLine:
        """The instruction as text."""
        return self.program.function(self.frame.function.index).lines[self.pc]

    def locals(self) -> list[Variable]:
        """Return the frame's locals, parameters first."""
        frame = self.frame
        names = self.program.local_names(frame.function.index)
        types = locals_of(frame.function.type, frame.code.body)
        return [
            Variable(index, names.get(index), type_, frame.locals[index], self.program)
            for index, type_ in enumerate(types)
        ]

    def operands(self) -> list[Variable]:
        """Return the frame's operand stack, bottom first, without what a calling or trapped instruction has popped."""
        # What has been popped lay above, so the types of what is left are still those from before the instruction.
        types = self.program.function(self.frame.function.index).operands[self.pc]
        return [
            Variable(index, None, type_, value, self.program)
            for index, (type_, value) in enumerate(zip(types, self.frame.stack, strict=False))
        ]

    def globals(self) -> list[Variable]:
        """Return the globals of the frame's module, imported ones first."""
        return [
            Variable(index, None, entry.type.value, entry.value, self.program)
            for index, entry in enumerate(self.frame.module.globals)
        ]


@frozen
class HostView:
    """The host between two guest frames: the imported function that called back, ``None`` where that is unknown."""

    function: str | None


def value_text(type_: OperandType, value: Value, program: Program) -> str:
    """Return a value for people, as ``Variable.text`` does."""
    if isinstance(type_, NumType):
        text = readable_text(type_, value)
        return f"{text} (0x{value:x})" if type_ in (I32, I64) and not -_OBVIOUS < int(text) < _OBVIOUS else text
    if value is None:
        return "null"
    if isinstance(value, FunctionInstance):
        same = value.module.valid is program.valid
        return program.function_name(value.index) if same else f"function {value.index} of another module"
    match value:
        case int():
            return f"0x{value:032x}"
        case I31():
            return f"i31 {value.value}"
        case Aggregate():
            return f"{type(value.deftype.composite).__name__.removesuffix('Type').lower()} of {len(value.fields)}"
        case ExceptionInstance():
            return f"an exception with {len(value.fields)} values"
        case ExternRef():
            return f"an object of the host ({type(value.value).__name__})"
        case _:
            return "a function of the host"
