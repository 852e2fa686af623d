"""The errors of scripts: one type per cause, each with its place."""

from __future__ import annotations

import attrs


@attrs.frozen
class Position:
    """A place in a script: the file name, and a line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ZenoError(Exception):
    """The base of all errors that a script can cause.

    Parameters: `message` describes the error, `hint` the expectation or the fix, `position` the place. An error raised
    deep inside an operation has no position yet; the evaluator adds it.
    """

    def __init__(self, message: str, position: Position | None = None, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.position = position

    def locate(self, position: Position) -> None:
        """Set the error's position unless it already has a more precise one."""
        if self.position is None:
            self.position = position

    @property
    def file(self) -> str:
        """The script's name, empty if the place is unknown."""
        return self.position.file if self.position else ""

    @property
    def line(self) -> int:
        """The line, from 1; 0 if the place is unknown."""
        return self.position.line if self.position else 0

    @property
    def column(self) -> int:
        """The column, from 1; 0 if the place is unknown."""
        return self.position.column if self.position else 0

    def __str__(self) -> str:
        place = f"{self.position}: " if self.position else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"


class LexError(ZenoError):
    """The text has a character that begins no token, or a string without an end."""


class ParseError(ZenoError):
    """The order of the tokens violates the grammar."""


class UnknownSlotError(ZenoError):
    """A statement names a slot that is not registered."""


class UnknownFunctionError(ZenoError):
    """`call` names a function that no `fn` defined."""


class OperationError(ZenoError):
    """An operator or a built-in does not support a value."""


class SlotError(ZenoError):
    """A slot's own failure, which a slot function raises to report an error to the script."""


class IncludeError(ZenoError):
    """`include` names a file that is forbidden, missing, not text, or already being included."""


class ControlFlowError(ZenoError):
    """`break` or `continue` is outside a loop."""


class SlotRegistrationError(ZenoError):
    """A slot's name is malformed, already taken, or reserved by the language."""


class LimitError(ZenoError):
    """The script reached a limit of ScriptLimits. `try` does not catch this, so a limit is always final."""


class SourceLimitError(LimitError):
    """The script's text is longer than allowed."""


class NestingError(LimitError):
    """Blocks, brackets, calls or values are nested deeper than allowed."""


class StepLimitError(LimitError):
    """The script ran for more steps than allowed."""


class SizeLimitError(LimitError):
    """A value or the output is larger than allowed."""


class TimeLimitError(LimitError):
    """The script ran or slept longer than allowed."""
