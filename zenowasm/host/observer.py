"""One small protocol through which every call over the border between host and guest can be observed.

Comparing engines, the audit log and the debugger all use it. Without an observer nothing is wrapped and nothing is
paid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from attrs import frozen

from zenowasm.backends.protocol import Value


class Direction(Enum):
    """Which way a call crosses the border."""

    TO_GUEST = "to guest"
    TO_HOST = "to host"


@frozen
class BorderCall:
    """A call as it crosses the border.

    ``owner`` is the name of the instance that calls or is called, ``module`` and ``name`` are the import's two names
    (the owner's name and the export's for a call to the guest), ``arguments`` are unsigned integers.
    """

    owner: str
    direction: Direction
    module: str
    name: str
    arguments: tuple[Value, ...]


class Observer(Protocol):
    """Sees every call before and after it; it must not change anything, and what it raises ends the call."""

    def before(self, call: BorderCall) -> None:
        """The call is about to be made."""
        ...

    def after(self, call: BorderCall, results: tuple[Value, ...] | None, error: BaseException | None) -> None:
        """The call is over: with ``results``, or with the ``error`` that it raised."""
        ...


def observed(observer: Observer, call: BorderCall, action: Callable[[], Sequence[Value]]) -> tuple[Value, ...]:
    """Make a call, let the observer see it, and return its results; raises what ``action`` and the observer raise."""
    observer.before(call)
    try:
        results = tuple(action())
    except BaseException as error:
        observer.after(call, None, error)
        raise
    observer.after(call, results, None)
    return results
