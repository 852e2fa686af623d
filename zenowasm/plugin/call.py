"""The state of one outermost call of a plugin: script scope, deadline, transactions and the actions at its end."""

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
"""A function that runs at the end of a call; its argument is whether the call succeeded."""


@define(eq=False)
class RunningCall:
    """A slot call, or one phase of a plugin's loading or cleanup.

    ``scope`` is the calling script's, ``None`` outside a slot call. ``deadline`` is the time, in seconds of
    ``time.monotonic``, by which the call must end; host functions must not wait beyond it. ``host_calls`` is the number
    of host calls so far. ``succeeded`` is false after an error or a slot's failure, and is passed to the ``endings``,
    which ``finish`` calls. ``transactions`` holds the call's transactions by connection name. ``trace`` is the call's
    record for observers.
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
        """The seconds until the deadline, never negative; infinite without a limit."""
        return max(self.deadline - monotonic(), 0.0)

    def at_end(self, ending: Ending) -> None:
        """Register a function to be called once when the call ends. They run in order of registration."""
        self.endings.append(ending)

    def finish(self) -> None:
        """Call every ending once.

        If an ending fails, the later ones are called with false, and the first error is raised after all of them.
        """
        failure: BaseException | None = None
        while self.endings:
            ending = self.endings.pop(0)
            try:
                ending(self.succeeded)
            except BaseException as error:  # noqa: BLE001 - raised after all endings
                failure = failure or error
                self.succeeded = False
        if failure is not None:
            raise failure
