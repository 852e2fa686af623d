"""The guest of a server: it runs in a thread of its own, with or without a client."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeAlias

from zenowasm.debugger import Action, DebuggerQuit, Event, Reason, Resume, Session, Stop
from zenowasm.frontends.gdb.stopped import Stopped
from zenowasm.frontends.running import GuestThread

Run: TypeAlias = Callable[[Session], int]
"""Run a program to its end under a session, and return the exit code; errors of the user are printed."""


class Target:
    """A guest under a session, and the client's view of it: at a stop, or ended.

    ``tell`` is called in the guest's thread with the reply to each stop, and to the end, that a client waits for.
    """

    def __init__(self, run: Run, *, post_mortem: bool = False) -> None:
        self._run = run
        self.guest = GuestThread(self, self._run_guest)
        self.session = Session(self.guest, stop_at_start=True, post_mortem=post_mortem)
        self.session.stop_on(Event.LOAD, enabled=True)
        self.stopped_at = Stopped(self.session)
        self._exit_code = 0
        self.is_over = False
        self.ready = threading.Event()
        """Set as soon as the guest has stopped or ended."""
        self._lock = threading.Lock()
        self._reply: str | None = None
        self._is_at_end = False
        self._tell: Callable[[str], None] | None = None

    # -- in the guest's thread --

    def stopped(self, session: Session, stop: Stop) -> None:
        """Tell the client about a stop.

        At the end of a replay, no function runs. The client sees the last instruction, from which it can go back; going
        forwards from there ends the run.
        """
        if stop.reason is not Reason.END:
            self._now(self.stopped_at.begin(Stop(Reason.END) if self._is_at_end else stop))
        else:
            leave = Resume(Action.CONTINUE if self._is_at_end else Action.STEP_BACK)
            self._is_at_end = True
            self.guest.ask(lambda _: leave)

    def resumed(self) -> None:
        """Forget the stop."""
        with self._lock:
            self._reply = None

    def logged(self, session: Session, text: str) -> None:
        """Do nothing: a client of this protocol sets no logpoints."""

    def _run_guest(self) -> None:
        try:
            self._exit_code = self._run(self.session)
        except DebuggerQuit:
            pass
        finally:
            sys.stdout.flush()
            self.is_over = True
            self._now(f"W{self._exit_code & 0xFF:02x}")

    def _now(self, reply: str) -> None:
        with self._lock:
            self._reply = reply
            tell, self._tell = self._tell, None
        self.ready.set()
        if tell is not None:
            tell(reply)

    # -- in any thread --

    def tell_stop(self, tell: Callable[[str], None]) -> None:
        """Tell a client the present stop or the end, or stop a guest that runs and tell that."""
        self.guest.in_turn(lambda is_stopped: self._tell_stop(tell, is_stopped=is_stopped))

    def _tell_stop(self, tell: Callable[[str], None], *, is_stopped: bool) -> None:
        with self._lock:
            reply = self._reply if is_stopped or self.is_over else None
            if reply is None:
                self._tell = tell
        if reply is None:
            self.session.interrupt()
        else:
            tell(reply)

    def resumes(self, resume: Resume, tell: Callable[[str], None]) -> None:
        """Tell a client the next stop after this one, which it leaves in that way."""
        self._is_at_end &= not resume.action.travels
        with self._lock:
            self._tell = tell

    def forget_client(self) -> None:
        """Delete what a client has set, and tell it nothing more."""
        self.guest.in_turn(self._forget_client)

    def _forget_client(self, is_stopped: bool) -> None:
        with self._lock:
            self._tell = None
        self.stopped_at.forget_breakpoints()

    def release(self) -> None:
        """Let the guest run to its end without stopping again."""
        self.forget_client()
        self.guest.release()

    def quit(self) -> None:
        """End the run, and wait a moment for that."""
        self.guest.quit()
        self.session.interrupt()
        self.guest.join()

    def wait(self) -> int:
        """Wait for the end of the run, and return its exit code."""
        self.guest.wait()
        return self._exit_code

    @property
    def is_debugged(self) -> bool:
        """Whether a client can still debug the guest: it has not ended, and no client has ended or released it."""
        return not self.is_over and self.guest.outcome is None

    @property
    def is_ended_by_client(self) -> bool:
        """Whether a client has ended the run."""
        return self.guest.outcome is Action.QUIT
