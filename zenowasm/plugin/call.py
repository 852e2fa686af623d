"""One outermost call of a plugin: what it may reach, until when, and what has to be settled when it is over."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from attrs import define, field

from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.zenolang.scope import Scope

if TYPE_CHECKING:
    from zenowasm.resources.databases.connections import Transaction

Ending = Callable[[bool], None]
"""Settles something that a call has begun; it is told whether the call succeeded."""


@define(eq=False)
class RunningCall:
    """A slot call, or one phase of a plugin's loading and ending.

    ``scope`` is the calling script's, ``None`` outside a slot call. ``deadline`` is the moment, in seconds of
    ``time.monotonic``, at which the call must be over; host functions must not wait beyond it. ``host_calls`` counts
    their calls. ``succeeded`` is what the endings are told: a slot that answers without success has not.
    ``transactions`` are those that it has begun, by the names of their connections; ``endings`` are what ``finish``
    calls. ``trace`` is what observers of the host see of it.
    """

    scope: Scope | None = None
    deadline: float = inf
    succeeded: bool = True
    host_calls: int = 0
    trace: CallTrace = field(factory=CallTrace)
    transactions: dict[str, Transaction] = field(factory=dict, init=False)
    endings: list[Ending] = field(factory=list, init=False)

    @property
    def seconds_left(self) -> float:
        """The time that is left, never negative, in seconds; infinite without a limit."""
        return max(self.deadline - monotonic(), 0.0)

    def at_end(self, ending: Ending) -> None:
        """Have ``ending`` called when the call is over, once, in the order in which they were added."""
        self.endings.append(ending)

    def finish(self) -> None:
        """Settle what has been begun: call every ending once.

        When one of them fails, the call has not succeeded, so those after it are told that, and the first failure is
        raised when everything is settled.
        """
        failure: BaseException | None = None
        while self.endings:
            ending = self.endings.pop(0)
            try:
                ending(self.succeeded)
            except BaseException as error:  # noqa: BLE001 - kept, and raised when everything is settled
                failure = failure or error
                self.succeeded = False
        if failure is not None:
            raise failure
