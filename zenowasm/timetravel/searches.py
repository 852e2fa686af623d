"""Runs of a part of a replay that look for a time: how they observe the stores, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import define, field, frozen

from zenowasm.debugger.breakpoints import ENTRY, Breakpoint
from zenowasm.debugger.observer import trip
from zenowasm.debugger.stepping import Event, same_line
from zenowasm.debugger.watchpoints import Change, Watchpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.events import Paused
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.code import Code
from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction
from zenowasm.timetravel.times import Time

if TYPE_CHECKING:
    from zenowasm.debugger.session import Session
    from zenowasm.debuginfo.lines import SourceLine
    from zenowasm.timetravel.observer import TravelObserver


class SearchOver(Exception):  # noqa: N818 - it ends a search, and nothing is wrong
    """Raised inside a replay to end a search."""


class Overshot(Exception):  # noqa: N818 - the machine begins again, further back
    """Raised inside a replay that has run past the time at which it was to stop."""


class Search:
    """Observes a part of a replay, whose ``offset`` the machine sets: the time at which the store's fuel was 0."""

    every = False
    """Whether to pause before every instruction."""
    offset = 0

    def begin(self, observer: TravelObserver, frame: Frame) -> None:
        """Run after a snapshot was restored, with the innermost active call."""

    def armed(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Return a function's code as the search wants to run it."""
        return code

    def at_checkpoint(self, consumed: int) -> int | None:
        """Run now and then; see ``Probe.at_checkpoint``. The fuel consumed is the store's own."""
        return None

    def paused(self, observer: TravelObserver, execution: Configuration, frame: Frame) -> None:
        """Run at each pause."""

    def host_called(self, observer: TravelObserver, frame: Frame, function: HostFunction, arguments: Any) -> None:
        """Run before each call of a host function."""

    def host_returned(self, observer: TravelObserver, frame: Frame) -> None:
        """Run after each call of a host function."""

    def failed(self, observer: TravelObserver, frame: Frame, event: Event, error: WasmError | None) -> None:
        """Run at each trap and each throw."""

    def step(self, observer: TravelObserver) -> None:
        """Begin to pause before every instruction, also when calls return into executions that run freely."""
        self.every = True
        for execution in observer.executions:
            trip(execution.frame)

    def call_ends(self, fuel: int) -> None:
        """Run at the end of each outermost call, at a time in fuel."""

    def time(self, frame: Frame, pc: int, *, during: bool = False) -> Time:
        """Return the time of a call that is at ``pc``."""
        return Time.of(self.offset, frame, pc, during=during)


Arrived: TypeAlias = Callable[["TravelObserver", Configuration, Frame], None]

STEPPED: Final = 2_000
"""The fuel before a target from which an execution is stepped through by instruction."""


@define(eq=False)
class Approach(Search):
    """Runs to the first position at or after a target, which it steps up to.

    ``before`` is the last position before the target that was stepped through. ``near`` is called where stepping
    begins. Ends by calling ``arrived``; raises ``Overshot`` if no checkpoint was close enough before the target.
    """

    target: Time
    margin: int
    arrived: Arrived
    near: Callable[[TravelObserver, Configuration, Time], None]
    before: Time | None = None

    def at_checkpoint(self, consumed: int) -> int | None:
        """Pause where the last part before the target begins."""
        close = self.target.fuel - self.margin - self.offset
        if not self.every and consumed >= close:
            raise Paused
        return close

    def paused(self, observer: TravelObserver, execution: Configuration, frame: Frame) -> None:
        """Step up to the target."""
        time = self.time(frame, frame.pc)
        if time >= self.target:
            if not self.every and time > self.target:
                raise Overshot
            self.arrived(observer, execution, frame)
        elif self.every or time.fuel >= self.target.fuel - self.margin:
            if not self.every:
                self.near(observer, execution, time)
                self.step(observer)
            self.before = time

    def call_ends(self, fuel: int) -> None:
        """Notice that no checkpoint came before the target."""
        if not self.every and fuel >= self.target.fuel:
            raise Overshot


@frozen
class Found:
    """What a search has found: its time, and why one would stop there."""

    time: Time
    breakpoints: tuple[Breakpoint, ...] = ()
    changes: tuple[Change, ...] = ()
    at_entry: bool = False


@define(eq=False)
class ArmedSearch(Search):
    """Runs at full speed up to ``end``, or to the end of the replay without one; subclasses arm the code."""

    end: Time | None
    _armed: dict[FunctionInstance, Code] = field(factory=dict, init=False)

    def at_checkpoint(self, consumed: int) -> int | None:
        """End the search behind its end."""
        if self.end is None:
            return None
        if consumed + self.offset > self.end.fuel:
            raise SearchOver
        return self.end.fuel - self.offset + 1

    def armed(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Return a function's armed code, which is made once."""
        found = self._armed.get(function)
        if found is None:
            found = self._armed[function] = self.arm(observer, function, code)
        return found

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm a function's code."""
        return code


@define(eq=False)
class Scan(ArmedSearch):
    """Keeps the last thing that it looks for before its end."""

    end: Time
    last: Found | None = field(default=None, init=False)
    doubtful: bool = field(default=False, init=False)
    """Whether an earlier beginning might find something else."""

    def keep(self, found: Found) -> None:
        """Keep what was found before the end; a change there was made before it."""
        if found.time < self.end or (found.changes and found.time == self.end):
            self.last = found


@define(eq=False)
class EntryScan(Scan):
    """Looks for the last call at a depth that began before the end."""

    depth: int

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the function's entry."""
        return arm(code, (), {}, entry_hook=self._entered)

    def _entered(self, frame: Frame) -> None:
        if frame.depth == self.depth:
            self.keep(Found(self.time(frame, 0)))


@define(eq=False)
class LineScan(Scan):
    """Looks for the last position before the end at which a step by line would stop, in calls that are not deeper."""

    session: Session
    most_depth: int
    has_lines: bool = field(default=False, init=False)
    """Whether a function that has run has source lines."""
    _line: tuple[Frame, SourceLine | None] | None = field(default=None, init=False)
    _is_first: bool = field(default=True, init=False)

    def begin(self, observer: TravelObserver, frame: Frame) -> None:
        """Know the line in which the search begins."""
        active, pc = frame, frame.pc
        while active.depth > self.most_depth and active.caller is not None:
            active = active.caller
            pc = active.pc - 1
        self._line = (active, self.session.line_of(active, pc))
        self._is_first, self.doubtful = True, False

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the instructions that begin a source line."""
        statements = self.session.statements(function)
        hooks = {pc: self._hook(line) for pc, line in enumerate(statements) if line is not None}
        self.has_lines = self.has_lines or bool(hooks)
        return arm(code, (), {}, hooks) if hooks else code

    def _hook(self, line: SourceLine) -> Hook:
        def begins(frame: Frame) -> None:
            if frame.depth > self.most_depth:
                return
            before, self._line = self._line, (frame, line)
            is_first, self._is_first = self._is_first, False
            time = self.time(frame, frame.pc - 1)
            if before is None or before[0] is not frame or before[1] is None or not same_line(before[1], line):
                self.keep(Found(time))
            elif is_first and time < self.end:
                self.doubtful = True  # this may be where the line begins, if the search began at its very beginning

        return begins


@define(eq=False)
class StopScan(Scan):
    """Looks for the last position before the end at which a session would stop that continues.

    ``since`` has the times at which the calls of watched variables began: there, their watchpoints end.
    """

    session: Session
    since: Mapping[Watchpoint, Time]

    def begin(self, observer: TravelObserver, frame: Frame) -> None:
        """Know the watched values where the search begins."""
        for it in self.session.watchpoints.values():
            if it.call is not None:
                self.session.rebind(observer, it, frame)
            it.look()

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm breakpoints, and instructions that may write a watched value."""
        places, checks = self.session.armed_places(function, code)
        hooks = {pc: self._hook(observer, found) for pc, found in places.items() if pc != ENTRY}
        entry = self._hook(observer, places.get(ENTRY, ()), at_entry=True) if ENTRY in places or self.since else None
        return arm(code, (), checks, hooks, entry_hook=entry) if hooks or checks or entry else code

    def _hook(self, observer: TravelObserver, breakpoints: Sequence[Breakpoint], *, at_entry: bool = False) -> Hook:
        def reached(frame: Frame) -> None:
            pc = frame.pc - 1
            time = self.time(frame, pc)
            if at_entry:
                for it, since in self.since.items():
                    if time == since:
                        self.session.rebind(observer, it, frame)
                        it.look()
                        self.keep(Found(time, changes=(Change(it, it.shown, None),)))
            hit = tuple(it for it in breakpoints if self.session.would_stop(observer, it, frame, pc))
            if hit:
                self.keep(Found(time, hit, at_entry=at_entry))

        return reached

    def paused(self, observer: TravelObserver, execution: Configuration, frame: Frame) -> None:
        """Look at the watched values after one has changed."""
        time = self.time(frame, frame.pc)
        changes = []
        for it in self.session.watchpoints.values():
            if it.differs:
                new = it.shown
                it.look()
                if time >= self.since.get(it, time):
                    changes.append(Change(it, it.shown, new))  # backwards, the value before is the new one
        if changes:
            self.keep(Found(time, changes=tuple(changes)))

    def host_called(self, observer: TravelObserver, frame: Frame, function: HostFunction, arguments: Any) -> None:
        """Look at the breakpoints of a host function."""
        if self.session.would_stop_at_call(observer, frame, function, arguments):
            self.keep(Found(self.time(frame, max(frame.pc - 1, 0), during=True)))

    def host_returned(self, observer: TravelObserver, frame: Frame) -> None:
        """Pause before the next instruction if the host has changed a watched value."""
        if any(it.differs for it in self.session.watchpoints.values()):
            trip(frame)

    def failed(self, observer: TravelObserver, frame: Frame, event: Event, error: WasmError | None) -> None:
        """Keep a trap or a throw at which the session stops."""
        if event in self.session.events:
            self.keep(Found(self.time(frame, max(frame.pc - 1, 0), during=True)))
