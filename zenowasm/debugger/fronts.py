"""What a session works with: the front that shows its stops, the observers of stores, the times of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from zenowasm.debugger.stepping import Resume, Stop

if TYPE_CHECKING:
    from zenowasm.backends.protocol import SteppingStore
    from zenowasm.debugger.observer import StoreObserver
    from zenowasm.debugger.session import Session
    from zenowasm.interp.execution import Configuration, Frame


class Observe(Protocol):
    """How the observer of a store is made."""

    def __call__(self, session: Session, owner: str, store: SteppingStore, *, every: bool) -> StoreObserver:
        """Return an observer that is not yet the store's."""
        ...


class Timeline(Protocol):
    """The times of a replay, between which a session may go."""

    def time(self, frame: Frame, pc: int, *, during: bool) -> object:
        """Return the time of a stopped call at an instruction, or in the middle of it; ``str`` shows it."""
        ...

    @property
    def branches(self) -> Sequence[object]:
        """The courses of events: the recorded one, and those that changes began; ``str`` shows each."""
        ...

    @property
    def answers(self) -> Sequence[Any]:
        """The answers to all questions so far (``timetravel.questions.Answer``)."""
        ...

    def question(self, text: str) -> object:
        """Return a question about the whole replay for the action ``ASK``; raises ``DebuggerError``."""
        ...

    def check_change(self, observer: StoreObserver, execution: Configuration | None) -> None:
        """Raise ``DebuggerError`` where the guest's state cannot be changed."""
        ...

    def changed(self, execution: Configuration, text: str) -> None:
        """Begin another course of events with a change that was made, which ``text`` describes."""
        ...

    def summary(self) -> str:
        """Return how much of the run is known, in one line."""
        ...

    def depart(self, resume: Resume, frame: Frame | None, pc: int, *, during: bool) -> NoReturn:
        """Leave a stopped execution, or the end, for another time."""
        ...


class Front(Protocol):
    """The frontend: it shows stops to a user and returns the user's next action."""

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Inspect the stopped execution through ``session`` and return how to resume it."""
        ...

    def logged(self, session: Session, text: str) -> None:
        """Show the message of a logpoint that the execution has passed."""
        ...
