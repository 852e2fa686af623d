"""The state of a stopped execution: frames, variables and operands, with their types and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from zenowasm.coredumps.format import MISSING
from zenowasm.debugger.cells import Cell, Cells, LocalCell, MemoryCell, OperandCell, group
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import Expression, Result, number, single
from zenowasm.debugger.machine import FrameMachine
from zenowasm.debugger.program import Program
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.interp.execution import Frame
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.runtime.values import I31, Aggregate, ExceptionInstance, ExternRef, Value
from zenowasm.interp.syntax.module import locals_of
from zenowasm.interp.text.printer import InstructionLine
from zenowasm.interp.text.values import readable_text
from zenowasm.interp.types import I32, I64, NumType, ValType
from zenowasm.interp.validation.function import Bottom, OperandType

_OBVIOUS = 10
"""The magnitude from which integers are also shown in hexadecimal."""

if TYPE_CHECKING:
    from zenowasm.debuginfo.info import SourceVariable
    from zenowasm.debuginfo.lines import SourceLine
    from zenowasm.debuginfo.values import SourceValue


@frozen
class Variable:
    """A local, global or operand: its index, its name if it has one, its type and its value."""

    index: int
    name: str | None
    type: OperandType
    value: Value
    program: Program

    @property
    def label(self) -> str:
        """The variable's displayed name: ``$name``, or ``$`` and its index."""
        return f"${self.name or self.index}"

    @property
    def text(self) -> str:
        """The displayed value: integers signed, and also in hexadecimal; floats in decimal; references by name."""
        return value_text(self.type, self.value, self.program)


@frozen
class Named:
    """A source variable for display: its name, its type, and its value or, in angle brackets, why it has none."""

    name: str
    type: str
    text: str


@frozen
class FrameView:
    """An active call of a guest function; ``level`` 0 is the innermost.

    ``owner`` names the owner of the store. ``pc`` and ``line`` refer to the instruction that comes next, that is
    calling, or that trapped. The last ``results`` operands were just returned by a function that finished;
    ``arguments`` are those of a host function about to be called.
    """

    level: int
    owner: str
    program: Program
    frame: Frame
    pc: int
    results: int = 0
    arguments: tuple[Cell, ...] = ()

    @property
    def function(self) -> str:
        """The function's name."""
        return self.program.function_name(self.frame.function.index)

    @property
    def line(self) -> InstructionLine:
        """The instruction as text."""
        return self.program.function(self.frame.function.index).lines[self.pc]

    @property
    def source_line(self) -> SourceLine | None:
        """The source line of the instruction."""
        return self.program.line_at(self.frame.function.index, self.pc)

    @property
    def machine(self) -> FrameMachine:
        """What the debugging information reads of the frame."""
        return FrameMachine(self.frame, lambda: self._operand_types)

    @property
    def _operand_types(self) -> Sequence[OperandType]:
        # The popped operands were on top, so the remaining ones still have the types from before the instruction.
        return self.program.function(self.frame.function.index).operands[self.pc]

    def variables(self) -> list[Named]:
        """Return the visible source variables, those of inner blocks first."""
        found = self.program.source.variables(self.line.offset)
        return [Named(it.name, it.type.name, self._text_of(it)) for it in found]

    def source_values(self) -> Iterator[SourceValue]:
        """Yield the values of the visible source variables that have one here."""
        source = self.program.source
        for variable in source.variables(self.line.offset):
            with suppress(DebugInfoError, UnavailableError):
                yield source.value(variable, self.machine, self.line.offset)

    def value(self, name: str) -> Result:
        """Return a source variable, or one of WebAssembly's own by ``$name``; raises ``DebuggerError``."""
        variable = None if name.startswith("$") else self.program.source.variable(name, self.line.offset)
        if variable is not None:
            try:
                return self.program.source.value(variable, self.machine, self.line.offset)
            except UnavailableError as error:
                raise DebuggerError(f"{name} has no value here: {error}") from None
        own = name.removeprefix("$")
        if own != name and not any(own == it.name for it in self.locals()):
            operands = self.operand_cells() if own in ("stack", "results") else ()
            found = group(own, self.frame, operands, self.results, self.arguments)
            if found is not None:
                return found
        local = self.local(name)
        return LocalCell(self.frame, local.index, self.local_types[local.index])

    @property
    def local_types(self) -> Sequence[ValType]:
        """The types of the frame's locals, parameters first."""
        return locals_of(self.frame.function.type, self.frame.code.body)

    def operand_cells(self) -> list[Cell]:
        """Return the frame's operand stack as cells, bottom first."""
        return [OperandCell(self.frame, it.index, it.type) for it in self.operands() if not isinstance(it.type, Bottom)]

    @property
    def names(self) -> list[str]:
        """The names of the visible source variables, then of the locals."""
        return [it.name for it in self.program.source.variables(self.line.offset)] + [it.label for it in self.locals()]

    def local(self, name: str) -> Variable:
        """Return a local by name or index, with or without ``$``; raises ``DebuggerError``."""
        wanted = name.removeprefix("$")
        variables = self.locals()
        for variable in variables:
            if variable.name == wanted:
                return variable
        for variable in variables:
            if str(variable.index) == wanted:
                return variable
        kind = "local" if name.startswith("$") else "variable"
        known = ", ".join(self.names) or "none"
        raise DebuggerError(f"there is no {kind} {name}: {self.function} has {known}")

    def _text_of(self, variable: SourceVariable) -> str:
        try:
            return self.program.source.value(variable, self.machine, self.line.offset).text()
        except (DebugInfoError, UnavailableError) as error:
            return f"<{error}>"

    def locals(self) -> list[Variable]:
        """Return the frame's locals, parameters first."""
        frame = self.frame
        names = self.program.local_names(frame.function.index)
        return [
            Variable(index, names.get(index), type_, frame.locals[index], self.program)
            for index, type_ in enumerate(self.local_types)
        ]

    def operands(self) -> list[Variable]:
        """Return the frame's operand stack, bottom first, without the operands that a call or a trap has popped."""
        return [
            Variable(index, None, type_, value, self.program)
            for index, (type_, value) in enumerate(zip(self._operand_types, self.frame.stack, strict=False))
        ]

    def globals(self) -> list[Variable]:
        """Return the globals of the frame's module, imported ones first."""
        return [
            Variable(index, None, entry.type.value, entry.value, self.program)
            for index, entry in enumerate(self.frame.module.globals)
        ]


def shown(result: Result, program: Program | None = None) -> str:
    """Return a result as text; ``program`` has the names of its functions."""
    result = single(result)
    if isinstance(result, int | float):
        return str(result)
    if isinstance(result, MemoryCell):
        return str(result.number())
    if isinstance(result, Cell):
        return value_text(result.type, result.get(), program)
    if isinstance(result, Cells):
        return str(number(result))  # which raises the error that says what to take
    return result.text()


def computed(expression: Expression, view: FrameView) -> Result:
    """Return the value of an expression in a frame; raises ``DebuggerError``."""
    try:
        return expression(view)
    except (DebugInfoError, UnavailableError) as error:
        raise DebuggerError(str(error)) from None


def shown_or_why_not(expression: Expression, view: FrameView) -> str:
    """Return the value of an expression as text, or in angle brackets why it has none."""
    try:
        return shown(computed(expression, view), view.program)
    except DebuggerError as error:
        return f"<{error}>"


@frozen
class HostView:
    """The host between two guest frames: the imported function that called back, ``None`` if it is unknown."""

    function: str | None


def value_text(type_: OperandType, value: Value, program: Program | None) -> str:
    """Return the displayed text of a value, as ``Variable.text`` does."""
    if value is MISSING:
        return f"<{value}>"
    if isinstance(type_, NumType):
        text = readable_text(type_, value)
        return f"{text} (0x{value:x})" if type_ in (I32, I64) and not -_OBVIOUS < int(text) < _OBVIOUS else text
    if value is None:
        return "null"
    if isinstance(value, FunctionInstance):
        if program is not None and value.module.valid is program.valid:
            return program.function_name(value.index)
        return f"function {value.index} of another module"
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
