"""How a stopped execution resumes, and when it stops again."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from attrs import define, frozen

from zenowasm.debugger.breakpoints import Breakpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Frame

if TYPE_CHECKING:
    from zenowasm.debuginfo.lines import SourceLine


class Action(Enum):
    """A way to resume after a stop."""

    STEP = "step"
    """Execute one instruction; enter the function that it calls."""
    NEXT = "next"
    """Execute one instruction, including the whole function that it calls."""
    STEP_LINE = "step line"
    """Execute until another source line begins, also in a called function that has line information."""
    NEXT_LINE = "next line"
    """Execute until another source line begins in this function or its callers."""
    FINISH = "finish"
    """Execute until the current function has returned to its caller."""
    CONTINUE = "continue"
    """Execute until a breakpoint or a trap."""
    QUIT = "quit"
    """End the run."""


@frozen
class Resume:
    """An action, and how many instructions to step before stopping again."""

    action: Action
    count: int = 1


class Reason(Enum):
    """The reason why an execution stopped."""

    STEP = "step"
    BREAKPOINT = "breakpoint"
    RETURN = "return"
    TRAP = "trap"


@frozen
class Stop:
    """A stop: at breakpoints, with the error before a trap unwinds, or with the results of a finished function.

    ``results`` are the values on the caller's operand stack; ``None`` if the caller is the host.
    """

    reason: Reason
    breakpoints: tuple[Breakpoint, ...] = ()
    error: WasmError | None = None
    results: int | None = None


@define(eq=False)
class Plan:
    """The condition on which a resumed execution stops again, breakpoints aside.

    A frame's depth is the number of active calls in its store, including calls that the host makes back into the
    guest.
    """

    action: Action
    left: int = 1
    frame: Frame | None = None
    line: SourceLine | None = None
    begins: Callable[[Frame], SourceLine | None] | None = None
    """Return the source line that begins at a frame's next instruction; set for line stepping only."""

    @classmethod
    def of(
        cls,
        resume: Resume,
        frame: Frame,
        line: SourceLine | None = None,
        begins: Callable[[Frame], SourceLine | None] | None = None,
    ) -> Plan:
        """Make the plan for the innermost frame; it keeps a reference to the frame only if necessary."""
        if resume.action is Action.CONTINUE:
            return cls(resume.action)
        return cls(resume.action, resume.count, frame, line, begins)

    def due(self, frame: Frame) -> bool:
        """Return whether to stop before the next instruction of a frame, and count that instruction."""
        if not self._reached(frame):
            return False
        self.left -= 1
        return self.left <= 0

    def _reached(self, frame: Frame) -> bool:
        origin = self.frame
        match self.action:
            case Action.STEP:
                return True
            case Action.NEXT if origin is not None:
                return self._is_here_or_outside(frame, origin)
            case Action.STEP_LINE | Action.NEXT_LINE if origin is not None and self.begins is not None:
                return self._at_another_line(frame, origin)
            case Action.FINISH if origin is not None:
                return frame.store is origin.store and frame.depth < origin.depth
            case _:
                return False

    def _at_another_line(self, frame: Frame, origin: Frame) -> bool:
        if self.action is Action.NEXT_LINE and not self._is_here_or_outside(frame, origin):
            return False
        line = None if self.begins is None else self.begins(frame)
        if line is None or (frame is origin and self.line is not None and _same(line, self.line)):
            return False
        self.frame, self.line = frame, line
        return True

    @staticmethod
    def _is_here_or_outside(frame: Frame, origin: Frame) -> bool:
        if frame.store is origin.store:
            return frame.depth <= origin.depth
        return origin.store.nesting == 0  # that call has ended, this is a later one


def _same(line: SourceLine, other: SourceLine) -> bool:
    return (line.file, line.line) == (other.file, other.line)
