"""What can go wrong in a script: one type per cause, each with the place it happened."""

from __future__ import annotations

import attrs


@attrs.frozen
class Position:
    """A place in a script: the file's name, and a line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ZenoError(Exception):
    """The base of every error a script can cause.

    Parameters: `message` says what is wrong, `hint` what was expected or what to do, `position` where.
    An error raised deep inside an operation has no position yet; the evaluator gives it one.
    """

    def __init__(self, message: str, position: Position | None = None, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.position = position

    def locate(self, position: Position) -> None:
        """Give the error a position unless it already has a more precise one."""
        if self.position is None:
            self.position = position

    @property
    def file(self) -> str:
        """The script's name, empty while the place is unknown."""
        return self.position.file if self.position else ""

    @property
    def line(self) -> int:
        """The line, from 1; 0 while the place is unknown."""
        return self.position.line if self.position else 0

    @property
    def column(self) -> int:
        """The column, from 1; 0 while the place is unknown."""
        return self.position.column if self.position else 0

    def __str__(self) -> str:
        place = f"{self.position}: " if self.position else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"


class LexError(ZenoError):
    """The text holds a character or a string that no token begins with or that never ends."""


class ParseError(ZenoError):
    """The tokens are fine, but not in an order the grammar knows."""


class UnknownSlotError(ZenoError):
    """A statement names a slot nobody registered."""


class UnknownFunctionError(ZenoError):
    """`call` names a function that no `fn` defined."""


class OperationError(ZenoError):
    """An operator or a built-in met a value it has no meaning for."""


class SlotError(ZenoError):
    """A slot's own failure: what a slot function raises to report an error to the script."""


class IncludeError(ZenoError):
    """`include` names a file that is forbidden, missing, not text, or already being included."""


class ControlFlowError(ZenoError):
    """`break` or `continue` stands outside of a loop."""


class SlotRegistrationError(ZenoError):
    """A slot's name is malformed, already taken, or reserved by the language."""


class LimitError(ZenoError):
    """A limit of ScriptLimits is reached; `try` does not catch this, so that a limit is always final."""


class SourceLimitError(LimitError):
    """The script's text is longer than allowed."""


class NestingError(LimitError):
    """Blocks, brackets, calls or values are nested deeper than allowed."""


class StepLimitError(LimitError):
    """The script did more steps than allowed."""


class SizeLimitError(LimitError):
    """A value or the output is larger than allowed."""


class TimeLimitError(LimitError):
    """The script ran or slept longer than allowed."""
