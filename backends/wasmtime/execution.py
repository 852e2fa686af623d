"""The current execution in a store: its depth, its budget, and the reason it stopped.

This module is the only way into guests. It knows no values: ``numeric`` and ``store`` pass them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic, thread_time
from typing import TypeVar

import wasmtime

from zenowasm.backends.protocol import Budget, BudgetError, CallBudget, Capability
from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.callbacks import Uncaught
from zenowasm.backends.wasmtime.fuel import FuelMeter
from zenowasm.backends.wasmtime.stack import GUEST_STACK, HOST_STACK, ThreadStacks
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.interp.errors import HostExhaustion, nested_too_deep
from zenowasm.interp.limits import ExecutionLimits

_T = TypeVar("_T")
_SIGNAL_PERIOD = 0.05
"""Seconds after which a guest is stopped for a moment at the latest, so that Python can run signal handlers."""
_OUTERMOST_STACK = HOST_STACK + GUEST_STACK
_SHARED_STACK = _OUTERMOST_STACK + (32 << 10)
"""Bytes of stack for calls under a shared budget, some of them for what they use beyond what was there at its begin."""


class Execution:
    """The running calls of one store.

    ``nesting`` counts the guest calls that are inside one another, ``shared`` tells that the outermost ones share a
    budget. ``deadline`` and ``cpu_end`` are those of the budget under which guests run. ``stopped_by`` is what a host
    function raised, ``time_over`` tells that the budget's time is over. ``uncaught`` are exceptions of callbacks.

    ``fuel`` and the ticker are ``None`` where the engine's guests count no fuel and look at no epoch.
    """

    __slots__ = (
        "_asked_again",
        "_budget",
        "_context",
        "_running",
        "_stacks",
        "_ticker",
        "_timeless",
        "cpu_end",
        "deadline",
        "fuel",
        "most_nested",
        "nesting",
        "raw",
        "shared",
        "stopped_by",
        "time_over",
        "uncaught",
    )

    def __init__(
        self,
        raw: wasmtime.Store,
        ticker: Ticker | None,
        stacks: ThreadStacks,
        limits: ExecutionLimits,
        uncaught: Uncaught,
        *,
        counts_fuel: bool,
    ) -> None:
        self.raw = raw
        self._context = capi.context_address(raw)
        self.fuel = FuelMeter(self._context) if counts_fuel else None
        self.uncaught = uncaught
        self._ticker = ticker
        self.set_budget(Budget())
        self.nesting = 0
        self.shared = False
        self.stopped_by: BaseException | None = None
        self.time_over = False
        self._stacks = stacks
        self.most_nested = limits.nested_calls
        self._running = CallBudget()
        self.deadline = self.cpu_end = inf
        self._asked_again = -inf

    @property
    def has_clock(self) -> bool:
        """Whether the time of calls can have an end."""
        return self._ticker is not None

    def set_budget(self, budget: Budget) -> None:
        """Give each outermost call that shares none this budget; raises ``BudgetError``."""
        if budget.fuel is not None and self.fuel is None:
            raise BudgetError(Capability.FUEL)
        if (budget.seconds is not None or budget.cpu_seconds is not None) and self._ticker is None:
            raise BudgetError(Capability.INTERRUPTS)
        self._budget = budget
        self._timeless = budget.timeless()

    def begin(self, budget: CallBudget, stack: int = _SHARED_STACK, shared: bool = True) -> None:
        """Let the following outermost calls share a budget; raises ``HostExhaustion`` and ``BudgetError``.

        What guests do not count or look at is not touched: a slot call passes here.
        """
        self._stacks.require(stack)
        deadline, cpu_end = budget.deadline, budget.cpu_end
        fuel, ticker = self.fuel, self._ticker
        if fuel is not None:
            fuel.grant(budget.fuel)
        elif budget.fuel is not None:
            raise BudgetError(Capability.FUEL)
        if ticker is not None:
            now = monotonic()
            # A look that comes too early does no harm, so that most calls leave the epoch as it is.
            if self._asked_again <= now or self._asked_again > deadline or cpu_end != inf:
                self._asked_again = _next_look(budget, now)
                capi.set_epoch_deadline(self._context, ticker.epochs_until(self._asked_again))
        elif deadline != inf or cpu_end != inf:
            raise BudgetError(Capability.INTERRUPTS)
        self._running = budget
        self.deadline = deadline
        self.cpu_end = cpu_end
        if self.uncaught:
            self.uncaught.clear()
        self.stopped_by = None
        self.time_over = False
        self.shared = shared

    def end(self) -> None:
        """End what ``begin`` began."""
        self.shared = False

    def admit(self, nesting: int) -> None:
        """Prepare a call inside ``nesting`` others; raises ``HostExhaustion``.

        An outermost call gets a whole budget, unless it shares one; a nested one has that of the call around it. So has
        it its stack: wasmtime lets all calls inside one another use what it gave the outermost one, below which the
        host's own stack is free.
        """
        if nesting > self.most_nested:
            raise nested_too_deep(self.most_nested)
        if not (nesting or self.shared):
            self.begin(self._timeless or CallBudget.begin(self._budget), _OUTERMOST_STACK, shared=False)

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
        assert self._ticker is not None  # without one nobody asks
        self._asked_again = _next_look(self._running, monotonic())
        return max(1, self._ticker.epochs_until(self._asked_again))

    def expired(self) -> bool:
        """Return whether the time of the running call is over."""
        return self._running.expired()


def _next_look(budget: CallBudget, now: float) -> float:
    """Return when a guest that runs under a budget must be looked at again.

    CPU time cannot pass faster than the clock does, and a signal is noticed when Python runs again.
    """
    cpu_left = inf if budget.cpu_end == inf else budget.cpu_end - thread_time()
    return min(budget.deadline, now + cpu_left, now + _SIGNAL_PERIOD)


def host_stack_used_up() -> HostExhaustion:
    """Return the error for a host function whose thread has no stack left."""
    return HostExhaustion("the host's own stack is used up")
