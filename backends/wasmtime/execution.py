"""What runs in a store at the moment: how deep, under which budget, and what has stopped it.

This module is the only way into guests. It knows no values: ``numeric`` and ``store`` pass them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic, thread_time
from typing import TypeVar

import wasmtime

from zenowasm.backends.protocol import Budget, CallBudget
from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.callbacks import Uncaught
from zenowasm.backends.wasmtime.stack import GUEST_STACK, HOST_STACK, ThreadStacks
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.interp.errors import HostExhaustion, nested_too_deep
from zenowasm.interp.limits import ExecutionLimits

_T = TypeVar("_T")
_UNLIMITED_FUEL = (1 << 63) - 1
_SIGNAL_PERIOD = 0.05
"""Seconds after which a guest is stopped for a moment at the latest, so that Python can run signal handlers."""
_SHARED_STACK = 32 << 10
"""Bytes of stack that calls under a shared budget may use beyond what was there when it began."""


class Execution:
    """The running calls of one store.

    ``nesting`` counts the guest calls that are inside one another, ``shared`` tells that the outermost ones share a
    budget. ``deadline`` and ``cpu_end`` are those of the budget under which guests run. ``stopped_by`` is what a host
    function raised, ``time_over`` tells that the budget's time is over. ``uncaught`` are exceptions of callbacks.
    """

    __slots__ = (
        "_asked_again",
        "_context",
        "_fuel_left",
        "_granted",
        "_limits",
        "_running",
        "_settled",
        "_stacks",
        "_ticker",
        "budget",
        "cpu_end",
        "deadline",
        "nesting",
        "raw",
        "shared",
        "stopped_by",
        "time_over",
        "uncaught",
    )

    def __init__(
        self, raw: wasmtime.Store, ticker: Ticker, stacks: ThreadStacks, limits: ExecutionLimits, uncaught: Uncaught
    ) -> None:
        self.raw = raw
        self._context = capi.context_address(raw)
        self._fuel_left = capi.FuelLeft(self._context)
        self.uncaught = uncaught
        self.budget = Budget()
        self.nesting = 0
        self.shared = False
        self.stopped_by: BaseException | None = None
        self.time_over = False
        self._ticker = ticker
        self._stacks = stacks
        self._limits = limits
        self._running = CallBudget()
        self.deadline = self.cpu_end = inf
        self._asked_again = -inf
        self._granted = self._settled = 0

    def fuel_consumed(self) -> int:
        """Return the fuel consumed by all calls so far, the one under way included."""
        return self._settled + self._granted - self._fuel_left()

    def begin(self, budget: CallBudget) -> None:
        """Let the following outermost calls share a budget; raises ``HostExhaustion``."""
        self._stacks.require(HOST_STACK + GUEST_STACK + _SHARED_STACK)
        self._apply(budget)
        self.shared = True

    def end(self) -> None:
        """End what ``begin`` began."""
        self.shared = False

    def admit(self, nesting: int) -> None:
        """Prepare a call inside ``nesting`` others; raises ``HostExhaustion``.

        An outermost call gets a whole budget, unless it shares one; a nested one has that of the call around it.
        """
        if nesting > self._limits.nested_calls:
            raise nested_too_deep(self._limits.nested_calls)
        if nesting:
            self._stacks.require(HOST_STACK)
        elif not self.shared:
            self._stacks.require(HOST_STACK + GUEST_STACK)
            self._apply(CallBudget.begin(self.budget))

    def run(self, action: Callable[[], _T]) -> _T:
        """Run guest code, and raise what no callback of it could catch.

        A signal handler may raise at any point of this function. The next call finds the store in order nevertheless:
        what counts is set before it is used, and no Python code runs between the guest's end and ``nesting``.
        """
        nesting = self.nesting
        self.admit(nesting)
        try:
            self.nesting = nesting + 1
            outcome = action()
        finally:
            self.nesting = nesting
        if self.uncaught:
            raise self.take_uncaught()
        return outcome

    def take_uncaught(self) -> BaseException:
        """Return the exception that no callback caught, and forget it."""
        error = next(iter(self.uncaught.values()))
        self.uncaught.clear()
        return host_stack_used_up() if isinstance(error, RecursionError) else error

    def forget_failures(self) -> None:
        """Forget why a guest was stopped."""
        self.stopped_by = None
        self.time_over = False

    def more_epochs(self) -> int | None:
        """Return after how many epochs to ask again, or ``None`` to stop the guest."""
        if self.uncaught:
            return None
        if self._running.expired():
            self.time_over = True
            return None
        self._asked_again = self._next_look(monotonic())
        return max(1, self._ticker.epochs_until(self._asked_again))

    def expired(self) -> bool:
        """Return whether the time of the running call is over."""
        return self._running.expired()

    def _apply(self, budget: CallBudget) -> None:
        if self.uncaught:
            self.uncaught.clear()
        self.stopped_by = None
        self.time_over = False
        self._running = budget
        self.deadline = budget.deadline
        self.cpu_end = budget.cpu_end
        if budget.fuel is not None or self._granted != _UNLIMITED_FUEL:
            # Without a limit what is left from earlier calls is enough for some hundred years.
            self._settled += self._granted - self._fuel_left()
            self._granted = _UNLIMITED_FUEL if budget.fuel is None else min(budget.fuel, _UNLIMITED_FUEL)
            capi.set_fuel(self._context, self._granted)
        now = monotonic()
        # A look that comes too early does no harm, so that most calls leave the epoch as it is.
        if self._asked_again <= now or self._asked_again > budget.deadline or budget.cpu_end != inf:
            self._asked_again = self._next_look(now)
            capi.set_epoch_deadline(self._context, self._ticker.epochs_until(self._asked_again))

    def _next_look(self, now: float) -> float:
        """Return when the guest must be looked at again.

        CPU time cannot pass faster than the clock does, and a signal is noticed when Python runs again.
        """
        running = self._running
        cpu_left = inf if running.cpu_end == inf else running.cpu_end - thread_time()
        return min(running.deadline, now + cpu_left, now + _SIGNAL_PERIOD)


def host_stack_used_up() -> HostExhaustion:
    """Return the error for a host function whose thread has no stack left."""
    return HostExhaustion("the host's own stack is used up")
