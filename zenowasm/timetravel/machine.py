"""Runs a replay under a debugging session that goes back and forth in it.

To go to a time, the machine restores a snapshot before it and runs from there. To go back to something, it searches the
part after the last snapshot, then the part before that, and so on: each part runs once, at nearly full speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, NoReturn, TypeVar

from attrs import evolve, frozen

from zenowasm.backends.protocol import Store
from zenowasm.debugger import DebuggerError, Reason, Resume, Session, Stop, Watchpoint
from zenowasm.debugger.observer import StoreObserver
from zenowasm.debugger.stepping import Action
from zenowasm.interp.events import Paused
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.handlers import FUEL, ROWS
from zenowasm.recordings.errors import RecordingError, ReplayStopError
from zenowasm.recordings.replaying import Replay, Replayed, ReplayRun, SavedRun
from zenowasm.timetravel.answers import answer
from zenowasm.timetravel.history import MIB, Branch, History, HistoryLimits, Snapshot
from zenowasm.timetravel.observer import TravelObserver
from zenowasm.timetravel.questions import Answer, Question, question
from zenowasm.timetravel.searches import (
    STEPPED,
    Approach,
    Arrived,
    EntryScan,
    Found,
    LineScan,
    Overshot,
    Scan,
    Search,
    SearchOver,
    StopScan,
)
from zenowasm.timetravel.surveys import Survey
from zenowasm.timetravel.times import DEEPEST, Time

Taken = TypeVar("Taken")
_LONGER: Final = 50
"""The factor by which the last part of an approach grows that had no checkpoint close before its target."""


class _Departure(Exception):  # noqa: N818 - it leaves an execution, and nothing is wrong
    """Raised inside a stopped execution to leave it for another time."""

    def __init__(self, resume: Resume, origin: Time) -> None:
        super().__init__(resume, origin)
        self.resume = resume
        self.origin = origin


class _Interrupted(Exception):  # noqa: N818 - the user has asked for it
    """Raised inside a search that the user has interrupted."""


@frozen
class _Landing:
    """A time to go to, and why to stop there; without a reason, breakpoints decide."""

    time: Time
    stop: Stop | None = None
    at_entry: bool = False
    passes_free: bool = False
    """Whether to go on over instructions that consume no fuel, to the one that does."""


class TimeMachine:
    """A replay whose session may go to any time of it; engines' stores must be rewindable."""

    def __init__(self, replay: Replay, session: Session, limits: HistoryLimits | None = None) -> None:
        self.search: Search | None = None
        """What runs instead of the session while the machine travels."""
        self.branches = [Branch(0, History(limits or HistoryLimits()))]
        self._branch = self.branches[0]
        self.answers: list[Answer] = []
        self._replay = replay
        self.session = session
        self._observers: list[TravelObserver] = []
        self._offset = 0
        self._elapsed = 0
        self._end: int | None = None
        self._run: ReplayRun | None = None

    def run(self) -> Replayed:
        """Replay from the beginning, and go wherever the session wants; return when it leaves the replay at its end.

        Raises the errors of ``Replay.run``, after the session has stopped there.
        """
        self.session.timeline = self
        departure: _Departure | None = None
        while True:
            try:
                try:
                    replayed = self._begin() if departure is None else self._go(departure)
                except (RecordingError, ReplayStopError) as error:
                    self._reach_end(str(error))
                    raise
                self._reach_end(None)
                return replayed
            except _Departure as another:
                departure = another

    @property
    def history(self) -> History:
        """The snapshots of the present branch."""
        return self._branch.history

    @property
    def length(self) -> int | None:
        """The fuel that the whole replay consumes, once it has been at its end."""
        return self._end

    # -- what the session asks --

    def time(self, frame: Frame, pc: int, *, during: bool) -> Time:
        """Return the time of a stopped call at an instruction, or in the middle of it."""
        return Time.of(self._offset, frame, pc, during=during)

    def summary(self) -> str:
        """Return how far the replay has run, and what the snapshots hold."""
        known = "not yet known" if self._end is None else str(self._end)
        count, mebibytes = len(self.history), self.history.memory / MIB
        snapshots = "1 snapshot holds" if count == 1 else f"{count} snapshots hold"
        return f"end {known}; {snapshots} {mebibytes:.1f} MiB; branch {self._branch}"

    def question(self, text: str) -> Question:
        """Return a question about the whole replay; raises ``DebuggerError``."""
        return question(text, self.session)

    def check_change(self, observer: StoreObserver, execution: Configuration | None) -> None:
        """Raise ``DebuggerError`` where a change could not be kept in a snapshot."""
        if execution is None or len(observer.executions) > 1:
            raise DebuggerError(
                "a replay can be changed only between two instructions, and not in a call that the host made back"
            )

    def changed(self, execution: Configuration, text: str) -> None:
        """Begin a branch with the change that was made, unless the last change here has begun one."""
        frame = execution.frame
        if frame is None:
            return
        time = Time.of(self._offset, frame, frame.pc)
        root = evolve(self._snapshot(execution, time), is_root=True)
        if self._branch.begins == time:
            self._branch.history.replace_root(root)
        else:
            parent = self._branch
            self._branch = Branch(len(self.branches), parent.history.changed(root), parent, time)
            self.branches.append(self._branch)
        self._branch.changes.append(text)

    def depart(self, resume: Resume, frame: Frame | None, pc: int, *, during: bool) -> NoReturn:
        """Leave a stopped execution, or the end, for another time."""
        origin = Time.end(self._elapsed) if frame is None else Time.of(self._offset, frame, pc, during=during)
        raise _Departure(resume, origin)

    def go_to(self, time: Time) -> NoReturn:
        """Leave the stopped execution for an exact position, as the action ``GO_TO`` leaves it for a time in fuel."""
        raise _Departure(Resume(Action.GO_TO), time)

    def digest(self) -> str:
        """Return a hash of the guests' state, which at equal times is the same on every way to them."""
        running = [it for observer in self._observers for it in observer.executions]
        return " ".join(self._now.digest(it) for it in running)

    # -- what observers ask --

    def attach(self, observer: TravelObserver) -> None:
        """Know the observer of another store."""
        self._observers.append(observer)

    def call_begins(self, observer: TravelObserver, execution: Configuration) -> None:
        """Set the clock at the beginning of an outermost call, or where a restored one goes on."""
        self._offset = self._elapsed - execution.fuel_consumed
        if self.search is not None:
            self.search.offset = self._offset
            if execution.frame is not None:
                self.search.begin(observer, execution.frame)

    def call_ends(self, execution: Configuration) -> None:
        """Set the clock at the end of an outermost call."""
        self._elapsed = self._offset + execution.fuel_consumed
        if self.search is not None:
            self.search.call_ends(self._elapsed)

    def keep_if_due(self, observer: TravelObserver, execution: Configuration) -> None:
        """Take a snapshot before the next instruction of an outermost call, if one is due."""
        frame = execution.frame
        if frame is not None and self._is_outermost(observer):
            time = Time.of(self._offset, frame, frame.pc)
            if self.history.due(time.fuel):
                self.history.add(self._snapshot(execution, time))

    def next_snapshot(self, observer: TravelObserver, consumed: int) -> int | None:
        """Return the fuel of a store at which the next snapshot is due; raises ``Paused`` if that is now."""
        if not self._is_outermost(observer):
            return None
        if self.history.due(consumed + self._offset):
            raise Paused
        return self.history.next - self._offset

    def check_interrupt(self) -> None:
        """Give up the search if the user has interrupted it."""
        if self.session.interrupted:
            self.session.interrupted = False
            raise _Interrupted

    # -- running --

    def search_from(self, snapshot: Snapshot, search: Search) -> None:
        """Run from a snapshot until the search or the replay ends. The session must leave its stop afterwards."""
        self._restore(snapshot, search)
        with suppress(SearchOver, RecordingError, ReplayStopError):
            self._now.to_end()

    def _begin(self) -> Replayed:
        self._run = ReplayRun(self._replay, self._attach, rewindable=True)
        return self._run.to_end()

    def _attach(self, owner: str, store: Store) -> None:
        self.session.attach(owner, store, partial(TravelObserver, self))

    def _reach_end(self, text: str | None) -> None:
        self.search = None
        self._end = self._elapsed
        if len(self.history):  # else no function has run, and there is nothing to go back to
            self.session.reach_end(text)

    def _go(self, departure: _Departure) -> Replayed:
        """Go to another time, and on from there to the end."""
        try:
            landing = self._landing(departure.resume, departure.origin)
            if landing is None:
                landing = _Landing(next(iter(self.history)).time, Stop(Reason.BEGINNING))
            self._branch = self._branch.at(landing.time.before)
        except _Interrupted:
            landing = _Landing(departure.origin, Stop(Reason.PAUSE))
        margin = STEPPED
        while True:
            try:
                snapshot = self.history.latest(landing.time.before)
                self._approach(snapshot, landing.time.before, margin, partial(self._arrive, landing))
                return self._now.to_end()
            except _Interrupted:
                landing, margin = _Landing(departure.origin, Stop(Reason.PAUSE)), STEPPED
            except Overshot:
                margin *= _LONGER

    @property
    def _now(self) -> ReplayRun:
        assert self._run is not None
        return self._run

    def _restore(self, snapshot: Snapshot, search: Search) -> None:
        self.search = search
        for observer in self._observers:
            observer.forget_code()
        self._elapsed = snapshot.time.fuel
        self._now.restore(snapshot.run)

    def _approach(self, snapshot: Snapshot, target: Time, margin: int, arrived: Arrived) -> Approach:
        """Restore a snapshot from which to approach a target; step from there if it is close."""
        approach = Approach(target, margin, arrived, self._keep_near)
        # Otherwise, the next checkpoint may be behind the target with any margin.
        approach.every = snapshot.time.fuel >= target.fuel - margin
        self._restore(snapshot, approach)
        return approach

    def _arrive(self, landing: _Landing, observer: TravelObserver, execution: Configuration, frame: Frame) -> None:
        if landing.passes_free and _costs_nothing(frame, outermost=self._is_outermost(observer)):
            return
        self.search = None
        self.session.arrive(observer, execution, frame, landing.stop, at_entry=landing.at_entry)

    def _is_outermost(self, observer: TravelObserver) -> bool:
        return len(observer.executions) == 1

    def _snapshot(self, execution: Configuration, time: Time) -> Snapshot:
        former = self.history.latest(time).run if len(self.history) else None
        return Snapshot(time, self._now.save(execution, former))

    def _keep_near(self, observer: TravelObserver, execution: Configuration, time: Time) -> None:
        if self._is_outermost(observer) and time.fuel > self.history.latest(time).time.fuel + STEPPED:
            self.history.add_near(self._snapshot(execution, time))

    def outermost(self, frame: Frame) -> Configuration:
        """Return the outermost execution of the store in which a call is active."""
        return next(it.executions[0] for it in self._observers if frame.configuration in it.executions)

    def end_survey(self, survey: Survey) -> None:
        """Know the length of the replay, which a survey has run to its end."""
        self._end = self._elapsed
        survey.finish()

    def state_at(self, time: Time) -> SavedRun | None:
        """Return the state at a time, or ``None`` if the replay has ended before."""
        former = self.history.latest(time).run
        return self.look(time, lambda frame: self._now.save(self.outermost(frame), former))

    # -- where to go --

    def _landing(self, resume: Resume, origin: Time) -> _Landing | None:
        """Return where a journey ends; ``None`` if that would be before the beginning."""
        if resume.action is Action.ASK and isinstance(resume.question, Question):
            self.answers.append(answer(self, resume.question, origin))
            for line in str(self.answers[-1]).splitlines():
                self.session.tell(line)
            return _Landing(origin, None if origin.during else Stop(Reason.TIME))
        if resume.action is Action.SWITCH:
            return self._switch(int(resume.place or "0"))
        if resume.action is Action.GO_TO:
            if resume.place is None:
                return _Landing(origin, Stop(Reason.TIME))
            fuel = int(resume.place)
            return _Landing(Time(fuel, -DEEPEST, 0), Stop(Reason.TIME), passes_free=True)
        if resume.action is Action.CONTINUE_BACK:
            return self._last_stop(origin)
        find, time = _STEPS_BACK[resume.action], origin
        for _ in range(max(resume.count, 1)):
            found = find(self, time)
            if found is None:
                return None
            time = found
        return _Landing(time, Stop(Reason.STEP))

    def _switch(self, number: int) -> _Landing:
        """Go to the beginning of a branch, or to where the present one left it."""
        wanted, left = self.branches[number], self._branch
        while left.parent is not None and left.parent is not wanted:
            left = left.parent
        begins = wanted.begins if left.parent is None else left.begins
        self._branch = wanted
        return _Landing(begins or next(iter(self.history)).time, Stop(Reason.TIME))

    def before(self, time: Time) -> Time | None:
        """Return the position before another one, or before the end."""
        for snapshot in self.history.before(time):
            found = self._step_up_to(snapshot, time, _over).before
            if found is not None:
                return found
        return None

    def _before_call(self, time: Time) -> Time | None:
        """Return the position before another one in the same call or its callers."""
        found = self.before(time)
        if found is None or found.depth <= time.depth:
            return found
        entry = self.last(EntryScan(time, time.depth + 1))
        return None if entry is None else self.before(entry.time)

    def _caller(self, time: Time) -> Time | None:
        """Return the position of the call of the active function, or of its first instruction if the host called it."""
        entry = self.last(EntryScan(time._replace(during=1), time.depth))
        if entry is None:
            return None
        return entry.time if time.depth == 1 else self.before(entry.time)

    def _line(self, time: Time) -> Time | None:
        return self._line_before(time, DEEPEST, self.before)

    def _line_outside(self, time: Time) -> Time | None:
        return self._line_before(time, max(time.depth, 1), self._before_call)

    def _line_before(self, time: Time, most_depth: int, instruction: Callable[[Time], Time | None]) -> Time | None:
        """Return where a line before began; in modules without lines, the instruction before."""
        scan = LineScan(time, self.session, most_depth)
        found = self.last(scan)
        if found is None:
            return None if scan.has_lines else instruction(time)
        return found.time

    def _last_stop(self, time: Time) -> _Landing | None:
        since: dict[Watchpoint, Time] = {}
        for it in self.session.watchpoints.values():
            entry = None if it.call is None else self.last(EntryScan(time, it.call.depth))
            if entry is not None:
                since[it] = entry.time
        found = self.last(StopScan(time, self.session, since))
        if found is None:
            return None
        if any(it.new is not None for it in found.changes):
            before = self.before(found.time)
            return None if before is None else _Landing(before, Stop(Reason.WATCHPOINT, changes=found.changes))
        if found.changes:
            return _Landing(found.time, Stop(Reason.WATCHPOINT, changes=found.changes))
        if found.breakpoints:
            stop = Stop(Reason.BREAKPOINT, breakpoints=found.breakpoints)
            return _Landing(found.time, stop, at_entry=found.at_entry)
        return _Landing(found.time)

    def look(self, time: Time, take: Callable[[Frame], Taken]) -> Taken | None:
        """Return what ``take`` returns for the innermost call at a time, or ``None`` if the replay has ended before."""
        found: list[Taken] = []

        def arrived(observer: TravelObserver, execution: Configuration, frame: Frame) -> NoReturn:
            found.append(take(frame))
            raise SearchOver

        self._step_up_to(self.history.latest(time), time, arrived)
        return found[0] if found else None

    def _step_up_to(self, snapshot: Snapshot, time: Time, arrived: Arrived) -> Approach:
        """Run from a snapshot to a time, where ``arrived`` ends the search; return the approach that got there."""
        margin = STEPPED
        while True:
            approach = self._approach(snapshot, time, margin, arrived)
            try:
                self._now.to_end()
            except Overshot:
                margin *= _LONGER
                continue
            except (SearchOver, RecordingError, ReplayStopError):
                pass
            return approach

    def last(self, scan: Scan) -> Found | None:
        """Return what a scan finds last before its end, after the last snapshot, or the one before, and so on."""
        for snapshot in self.history.before(scan.end):
            self.search_from(snapshot, scan)
            if scan.last is not None:
                return scan.last
            if not scan.doubtful:
                scan.end = snapshot.time
        return None


_STEPS_BACK: Final[Mapping[Action, Callable[[TimeMachine, Time], Time | None]]] = {
    Action.STEP_BACK: TimeMachine.before,
    Action.NEXT_BACK: TimeMachine._before_call,
    Action.STEP_LINE_BACK: TimeMachine._line,
    Action.NEXT_LINE_BACK: TimeMachine._line_outside,
    Action.FINISH_BACK: TimeMachine._caller,
}


def _over(observer: TravelObserver, execution: Configuration, frame: Frame) -> NoReturn:
    raise SearchOver


def _costs_nothing(frame: Frame, *, outermost: bool) -> bool:
    """Return whether an instruction consumes no fuel, and another one follows."""
    kind = frame.code.kinds[frame.pc]
    if FUEL[kind] or ROWS[kind].mnemonic == "unreachable":
        return False
    returns = ROWS[kind].mnemonic == "return" or frame.pc == len(frame.code.kinds) - 1
    return not (returns and outermost and frame.caller is None)
