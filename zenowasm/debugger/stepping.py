"""How a stopped execution goes on, and when it stops again."""

from __future__ import annotations

from enum import Enum

from attrs import define, frozen

from zenowasm.debugger.breakpoints import Breakpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Frame


class Action(Enum):
    """What to do at a stop."""

    STEP = "step"
    """Execute one instruction, into a called function if it is a call."""
    NEXT = "next"
    """Execute one instruction, and all of a function that it calls."""
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
    """Why an execution stopped."""

    STEP = "step"
    BREAKPOINT = "breakpoint"
    RETURN = "return"
    TRAP = "trap"


@frozen
class Stop:
    """A stop: at breakpoints, with the error before a trap unwinds, or with the results of a finished function.

    ``results`` are as they stand on the caller's operand stack; ``None`` when the caller is the host.
    """

    reason: Reason
    breakpoints: tuple[Breakpoint, ...] = ()
    error: WasmError | None = None
    results: int | None = None


@define(eq=False)
class Plan:
    """When an execution that was resumed in a frame stops again, breakpoints aside.

    A frame's depth is the number of active calls in its store; calls that the host makes back into the guest are among
    them.
    """

    action: Action
    left: int = 1
    frame: Frame | None = None

    @classmethod
    def of(cls, resume: Resume, frame: Frame) -> Plan:
        """Make the plan for a frame that is innermost now; it holds on to the frame only where it must."""
        if resume.action is Action.CONTINUE:
            return cls(resume.action)
        return cls(resume.action, resume.count, frame)

    def due(self, frame: Frame) -> bool:
        """Return whether to stop before the next instruction of a frame, and count it."""
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
                if frame.store is origin.store:
                    return frame.depth <= origin.depth
                return origin.store.nesting == 0  # that call is over, this is a later one
            case Action.FINISH if origin is not None:
                return frame.store is origin.store and frame.depth < origin.depth
            case _:
                return False
