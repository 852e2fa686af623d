"""A protocol to observe every call between host and guest.

The comparison of engines, the audit log and the debugger use it. Without an observer, calls are not wrapped and cost
nothing extra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from attrs import frozen

from zenowasm.backends.protocol import Value


class Direction(Enum):
    """The direction of a call between host and guest."""

    TO_GUEST = "to guest"
    TO_HOST = "to host"


@frozen
class BorderCall:
    """A call between host and guest.

    ``owner`` is the name of the instance that calls or is called. ``module`` and ``name`` are the import's two names;
    for a call to the guest, they are the owner's name and the export's. ``arguments`` are unsigned integers.
    """

    owner: str
    direction: Direction
    module: str
    name: str
    arguments: tuple[Value, ...]


class Observer(Protocol):
    """An object notified before and after every call. It must not change anything; its exceptions end the call."""

    def before(self, call: BorderCall) -> None:
        """Observe a call that is about to be made."""
        ...

    def after(self, call: BorderCall, results: tuple[Value, ...] | None, error: BaseException | None) -> None:
        """Observe a call that has ended, with its ``results`` or with the ``error`` that it raised."""
        ...


def observed(observer: Observer, call: BorderCall, action: Callable[[], Sequence[Value]]) -> tuple[Value, ...]:
    """Make a call, notify the observer, and return its results; raises the errors of ``action`` and of the observer."""
    observer.before(call)
    try:
        results = tuple(action())
    except BaseException as error:
        observer.after(call, None, error)
        raise
    observer.after(call, results, None)
    return results
