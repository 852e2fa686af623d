"""Recorded programs, the trace of all their positions, and a session that is led through their replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen

from zenowasm.backends import registry
from zenowasm.backends.protocol import FuncType, HostBody
from zenowasm.debugger import Reason, Resume, Session, Stop
from zenowasm.debugger.stepping import Action
from zenowasm.interp.errors import Trap
from zenowasm.interp.execution import Frame
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import Replay
from zenowasm.timetravel import HistoryLimits, Time, TimeMachine

_LIMITS = HistoryLimits(distance=500)


@frozen(eq=False)
class At:
    """A position of the trace."""

    time: Time
    frame: Frame
    function: str
    pc: int
    begins: Any
    line: Any
    looked: Any
    digest: str | None


@define
class Recorded:
    """A recording of a program, which is replayed under a session whose stops a function answers."""

    path: Path
    limits: HistoryLimits = _LIMITS

    def travel(
        self,
        lead: Callable[[Session, Stop, Time | None, TimeMachine], Resume],
        expected: type[Exception] | None = None,
    ) -> TimeMachine:
        """Replay; ``lead`` answers each stop. It gets the time of the stop, unless that is the end.

        ``expected`` is the exception that ends the replay.
        """
        machine: TimeMachine
        said: list[str] = []

        class Front:
            def stopped(self, session: Session, stop: Stop) -> Resume:
                return lead(session, stop, session.time, machine)

            def logged(self, session: Session, text: str) -> None:
                said.append(text)

        with Recording(self.path) as recording:
            session = Session(Front(), stop_at_start=True)
            machine = TimeMachine(Replay(recording, registry.engine("reference")), session, self.limits)
            with nullcontext() if expected is None else pytest.raises(expected):
                machine.run()
        return machine

    def trace(self, look: Callable[[Session], Any] = lambda session: None) -> list[At]:
        """Return all positions from the beginning to the end, by single steps; ``look`` is asked at each.

        The state is hashed at one of many positions, since that takes a hundredth of a second for 16 MiB.
        """
        found: list[At] = []

        def lead(session: Session, stop: Stop, time: Time | None, machine: TimeMachine) -> Resume:
            if time is not None and stop.reason is Reason.STEP:
                view = session.frame()
                begins = session.statements(view.frame.function)[view.pc]
                digest = machine.digest() if len(found) % 41 == 0 else None
                found.append(
                    At(time, view.frame, view.function, view.pc, begins, view.source_line, look(session), digest)
                )
            return Resume(Action.STEP)

        self.travel(lead)
        return found


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recorded]:
    """Return a function that records the calls of a module's exports."""

    def make(
        binary: bytes,
        calls: list[tuple[str, tuple[Any, ...]]],
        functions: Mapping[str, tuple[FuncType, HostBody]] | None = None,
        engine: str = "reference",
    ) -> Recorded:
        path = tmp_path / "run.zr"
        with Recorder(path) as recorder:
            recorded = recorder.engine(registry.engine(engine))
            store = recorded.new_store()
            imports = {("env", name): store.host_function(*it) for name, it in (functions or {}).items()}
            exports: Any = store.instantiate(recorded.compile(binary), imports).exports
            for name, arguments in calls:
                with suppress(Trap):
                    exports[name].call(*arguments)
        return Recorded(path)

    return make


@pytest.fixture
def recorded_in() -> Callable[[Path, HistoryLimits], Recorded]:
    return Recorded
