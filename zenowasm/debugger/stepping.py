"""How a stopped execution resumes, and when it stops again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from zenowasm.debugger.breakpoints import Breakpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Frame
from zenowasm.interp.runtime.values import ExceptionInstance

if TYPE_CHECKING:
    from zenowasm.debugger.watchpoints import Change
    from zenowasm.debuginfo.lines import SourceLine
    from zenowasm.interp.execution.code import Code


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
    UNTIL = "until"
    """Execute until this call reaches a place, or has returned."""
    CONTINUE = "continue"
    """Execute until a breakpoint or a trap."""
    QUIT = "quit"
    """End the run."""
    STEP_BACK = "step back"
    """Go back one instruction; into a call that has just returned."""
    NEXT_BACK = "next back"
    """Go back one instruction, including the whole call that has just returned."""
    STEP_LINE_BACK = "step line back"
    """Go back to where a source line began, also in a call that has returned."""
    NEXT_LINE_BACK = "next line back"
    """Go back to where a source line of this function or its callers began."""
    FINISH_BACK = "finish back"
    """Go back to the instruction that called the current function."""
    CONTINUE_BACK = "continue back"
    """Go back to where execution would have stopped last: at a breakpoint, a watched write, a trap."""
    GO_TO = "go to"
    """Go to the time ``place``."""
    SWITCH = "switch"
    """Go to the branch ``place`` of a changed replay."""

    ASK = "ask"
    """Answer a question about the whole replay, and come back."""

    @property
    def travels(self) -> bool:
        """Whether it goes back or to another time, for which the run must be a replay."""
        return self in _TRAVELS


_TRAVELS = {
    Action.STEP_BACK,
    Action.NEXT_BACK,
    Action.STEP_LINE_BACK,
    Action.NEXT_LINE_BACK,
    Action.FINISH_BACK,
    Action.CONTINUE_BACK,
    Action.GO_TO,
    Action.SWITCH,
    Action.ASK,
}


@frozen
class Resume:
    """An action, and how many instructions to step before stopping again.

    ``place`` is the location of ``UNTIL``; without it, the place is any later line of the function. For ``GO_TO``, it
    is a time, for ``SWITCH`` a branch.
    """

    action: Action
    count: int = 1
    place: str | None = None
    question: object = None
    """What ``ASK`` asks, as ``Timeline.question`` returns it."""


class Reason(Enum):
    """The reason why an execution stopped."""

    STEP = "step"
    BREAKPOINT = "breakpoint"
    RETURN = "return"
    TRAP = "trap"
    THROW = "throw"
    WATCHPOINT = "watchpoint"
    PAUSE = "pause"
    LOAD = "load"
    TIME = "time"
    """It has gone to another time."""
    BEGINNING = "beginning"
    """The replay begins here, so it cannot go back further."""
    END = "end"
    """The replay ends here; no execution is stopped."""


class Event(Enum):
    """An event at which a session stops if asked to."""

    TRAP = "trap"
    """A guest's trap, before it unwinds."""
    THROW = "throw"
    """An exception that a guest or a host function throws, before it unwinds."""
    LOAD = "load"
    """A module of which no function was called before, before its first instruction."""


@frozen
class Stop:
    """A stop: at breakpoints, after changes, before a trap or an exception unwinds, or after a function has returned.

    ``results`` is the number of results on the caller's operand stack; ``None`` if the caller is the host.
    ``host_function`` is the two-level name of the host function about to be called, if the breakpoint is on that.
    """

    reason: Reason
    breakpoints: tuple[Breakpoint, ...] = ()
    error: WasmError | None = None
    results: int | None = None
    changes: tuple[Change, ...] = ()
    host_function: str | None = None
    exception: ExceptionInstance | None = None
    text: str | None = None
    """Why the replay ends before the recording, for ``Reason.END``."""


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
    places: Collection[int] = ()
    """The instructions of the frame's function at which ``UNTIL`` stops."""
    pausing: dict[Code, Sequence[Any]] = field(factory=dict)
    """Code that also pauses where the plan may stop in an active call, made once for each function."""

    @classmethod
    def of(
        cls,
        resume: Resume,
        frame: Frame,
        line: SourceLine | None = None,
        begins: Callable[[Frame], SourceLine | None] | None = None,
        places: Collection[int] = (),
    ) -> Plan:
        """Make the plan for the innermost frame; it keeps a reference to the frame only if necessary."""
        if resume.action is Action.CONTINUE:
            return cls(resume.action)
        return cls(resume.action, resume.count, frame, line, begins, places)

    @property
    def goes_into_calls(self) -> bool:
        """Whether it may stop in a function that is called from here on."""
        return self.action in (Action.STEP, Action.STEP_LINE)

    def covers(self, frame: Frame) -> bool:
        """Return whether an active call is the one in which the plan was made, or outside it."""
        return self.frame is not None and self._is_here_or_outside(frame, self.frame)

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
                return self._is_outside(frame, origin)
            case Action.UNTIL if origin is not None:
                return frame.pc in self.places if frame is origin else self._is_outside(frame, origin)
            case _:
                return False

    def _at_another_line(self, frame: Frame, origin: Frame) -> bool:
        if self.action is Action.NEXT_LINE and not self._is_here_or_outside(frame, origin):
            return False
        line = None if self.begins is None else self.begins(frame)
        if line is None or (frame is origin and self.line is not None and same_line(line, self.line)):
            return False
        self.frame, self.line = frame, line
        return True

    @staticmethod
    def _is_here_or_outside(frame: Frame, origin: Frame) -> bool:
        if frame.store is origin.store:
            return frame.depth <= origin.depth
        return origin.store.nesting == 0  # that call has ended, this is a later one

    @staticmethod
    def _is_outside(frame: Frame, origin: Frame) -> bool:
        return frame.store is origin.store and frame.depth < origin.depth


def same_line(line: SourceLine, other: SourceLine) -> bool:
    """Return whether two statements are on the same line of the same file."""
    return (line.file, line.line) == (other.file, other.line)
