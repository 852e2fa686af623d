"""The thread that runs the guest, and answers requests about it while it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from zenowasm.debugger import Action, Resume, Session, Stop

Question: TypeAlias = Callable[[bool], Resume | None]
"""A request to answer in the guest's thread: ``True`` says that the guest is stopped, ``False`` that it went on."""
_PATIENCE = 2.0


class Listener(Protocol):
    """The receiver of what happens in the guest's thread; it is called there."""

    def stopped(self, session: Session, stop: Stop) -> None:
        """Tell that the guest stopped."""
        ...

    def resumed(self) -> None:
        """Tell that the guest goes on."""
        ...

    def logged(self, session: Session, text: str) -> None:
        """Tell that a logpoint was reached."""
        ...


class GuestThread:
    """A run of the guest in a thread of its own: the frontend of its session."""

    def __init__(self, listener: Listener, run: Callable[[], None]) -> None:
        """Prepare to run ``run``, which must end when a stop's action is ``QUIT``."""
        self._listener = listener
        self._questions: SimpleQueue[Question] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_stopped = False
        self.outcome: Action | None = None
        """The action at every stop from now on, without asking anybody."""
        # A host call that does not return must not keep the process alive.
        self._thread = threading.Thread(target=run, name="guest", daemon=True)

    def start(self) -> None:
        """Start the run."""
        self._thread.start()

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Answer questions until one of them resumes the guest."""
        with self._lock:
            if self.outcome is not None:
                return Resume(self.outcome)
            self._is_stopped = True
        self._listener.stopped(session, stop)
        resume = None
        while resume is None:
            resume = self._questions.get()(True)
        with self._lock:
            self._is_stopped = False
        self._listener.resumed()
        self._answer_late_questions()
        return resume

    def logged(self, session: Session, text: str) -> None:
        """Pass on a logpoint's text."""
        self._listener.logged(session, text)

    def _answer_late_questions(self) -> None:
        while True:
            try:
                question = self._questions.get_nowait()
            except Empty:
                return
            question(False)

    def ask(self, question: Question) -> bool:
        """Let the stopped guest's thread answer a question; return whether the guest is stopped."""
        with self._lock:
            if self._is_stopped:
                self._questions.put(question)
            return self._is_stopped

    def in_turn(self, task: Callable[[bool], None]) -> None:
        """Run a task after all questions before it; it is told whether the guest is stopped then."""
        if not self.ask(task):
            task(False)

    def pause(self, session: Session) -> None:
        """Stop the guest as soon as possible; one that is stopped would stop again when it goes on."""
        self.in_turn(lambda is_stopped: None if is_stopped else session.interrupt())

    def quit(self) -> None:
        """End the run at its stop, or else at the next one; the caller interrupts the session."""
        self._decide(Action.QUIT)

    def release(self) -> None:
        """Let the guest go on, and stop no more."""
        self._decide(Action.CONTINUE)

    def _decide(self, outcome: Action) -> None:
        with self._lock:
            self.outcome = outcome
            if self._is_stopped:
                self._questions.put(lambda _: Resume(outcome))

    def join(self) -> bool:
        """Wait a moment for the end of the run, and return whether it has ended."""
        self.wait(_PATIENCE)
        return not self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the end of the run if it has begun, at most for that time."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
