"""The guest's thread and the questions that it answers while it is stopped."""

from __future__ import annotations

from threading import Event
from typing import Any

from attrs import define, field

from zenowasm.debugger import Action, Resume
from zenowasm.frontends.running import GuestThread


@define
class Asking:
    """Asks its questions as soon as the guest stops, so that the second one comes after the guest goes on."""

    guest: GuestThread = field(init=False)
    told: list[Any] = field(factory=list)

    def stopped(self, session: Any, stop: Any) -> None:
        assert self.guest.ask(lambda is_stopped: self.answer(is_stopped, Resume(Action.STEP)))
        assert self.guest.ask(lambda is_stopped: self.answer(is_stopped, Resume(Action.CONTINUE)))

    def resumed(self) -> None:
        self.told.append("resumed")

    def logged(self, session: Any, text: str) -> None:
        self.told.append(text)

    def answer(self, is_stopped: bool, resume: Resume) -> Resume:
        self.told.append(is_stopped)
        return resume


def test_a_question_that_is_too_late_for_a_stop_is_answered_at_once() -> None:
    asking = Asking()
    asking.guest = GuestThread(asking, lambda: None)
    assert asking.guest.stopped(None, None) == Resume(Action.STEP)
    assert asking.told == [True, "resumed", False]
    assert not asking.guest.ask(lambda is_stopped: None)


def test_a_pause_right_after_a_resume_is_not_lost_and_one_at_a_stop_has_no_effect() -> None:
    class Interrupted:
        def interrupt(self) -> None:
            paused.append("running")

    class Pausing(Asking):
        def stopped(self, session: Any, stop: Any) -> None:
            self.guest.pause(Interrupted())
            assert self.guest.ask(lambda is_stopped: paused.append("stopped") or Resume(Action.CONTINUE))
            self.guest.pause(Interrupted())  # the guest has not taken the answer yet

    paused: list[str] = []
    asking = Pausing()
    asking.guest = GuestThread(asking, lambda: None)
    asking.guest.stopped(None, None)
    assert paused == ["stopped", "running"]


def test_a_run_that_was_ended_does_not_stop_again() -> None:
    asking = Asking()
    guest = asking.guest = GuestThread(asking, lambda: None)
    guest.quit()
    assert guest.stopped(None, None) == Resume(Action.QUIT)
    assert asking.told == []


def test_a_run_that_was_released_does_not_stop_again() -> None:
    asking = Asking()
    guest = asking.guest = GuestThread(asking, lambda: None)
    guest.release()
    assert guest.stopped(None, None) == Resume(Action.CONTINUE)
    assert asking.told == []


def test_a_run_that_does_not_end_is_not_waited_for_forever(monkeypatch) -> None:
    monkeypatch.setattr("zenowasm.frontends.running._PATIENCE", 0.01)
    end = Event()
    guest = GuestThread(Asking(), lambda: end.wait(60) and None)
    assert guest.join()  # it has not begun
    guest.start()
    assert not guest.join()
    end.set()
    monkeypatch.undo()
    assert guest.join()
