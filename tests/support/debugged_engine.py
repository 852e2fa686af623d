"""The reference engine with a debugging session on every store: it steps, or has a breakpoint at every function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zenowasm.backends import registry
from zenowasm.debugger import Action, Resume, Session, Stop


class Passing:
    """A front that goes on in the same way at each stop, and counts the stops."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.stops = 0

    def stopped(self, session: Session, stop: Stop) -> Resume:
        self.stops += 1
        return Resume(self.action)

    def logged(self, session: Session, text: str) -> None:
        raise AssertionError(text)


class DebuggedEngine:
    """An engine whose stores are stepped through, or stop at the entry of each function."""

    def __init__(self, *, steps: bool, functions: int = 0) -> None:
        self._engine = registry.engine("reference")
        self._functions = functions
        self._steps = steps
        self.front = Passing(Action.STEP if steps else Action.CONTINUE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def new_store(self, limits: Any = None) -> Any:
        """Create a store with a session of its own."""
        store = self._engine.new_store(limits)
        session = Session(self.front, stop_at_start=self._steps)
        for index in range(self._functions):
            session.add_breakpoint(str(index))
        session.attach("suite", store)
        return store


class ObservedEngine:
    """An engine with an observer of its own for each store; ``make`` makes one, whose ``attach`` watches the store."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._engine = registry.engine("reference")
        self._make = make
        self.observers: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def new_store(self, limits: Any = None) -> Any:
        """Create a store that is watched."""
        store = self._engine.new_store(limits)
        self.observers.append(self._make())
        self.observers[-1].attach("suite", store)
        return store
