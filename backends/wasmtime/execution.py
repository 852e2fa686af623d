"""The current execution in a store: its depth, its budget, and the reason why it stopped.

All calls into guests go through an ``Execution``. It does not handle values: ``numeric`` and ``store`` pass them.
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
"""The maximum time in seconds until a guest is interrupted briefly, so that Python can run signal handlers."""
_OUTERMOST_STACK = HOST_STACK + GUEST_STACK
_SHARED_STACK = _OUTERMOST_STACK + (32 << 10)
"""Bytes of stack for calls under a shared budget, including a reserve for frames added since the budget began."""


class Execution:
    """The running calls of one store.

    ``nesting`` is the number of nested guest calls; ``shared`` means that the outermost ones share a budget.
    ``deadline`` and ``cpu_end`` are those of the current budget. ``stopped_by`` is the exception of a host function,
    ``time_over`` means that the budget's time is over, and ``uncaught`` are the exceptions of callbacks.

    ``fuel`` is ``None`` if the engine's guests count no fuel, and the ticker is ``None`` if they check no epoch.
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
        """Whether calls can have a time limit."""
        return self._ticker is not None

    def set_budget(self, budget: Budget) -> None:
        """Set the budget of each outermost call that does not share one; raises ``BudgetError``."""
        if budget.fuel is not None and self.fuel is None:
            raise BudgetError(Capability.FUEL)
        if (budget.seconds is not None or budget.cpu_seconds is not None) and self._ticker is None:
            raise BudgetError(Capability.INTERRUPTS)
        self._budget = budget
        self._timeless = budget.timeless()

    def begin(self, budget: CallBudget, stack: int = _SHARED_STACK, shared: bool = True) -> None:
        """Let the following outermost calls share a budget; raises ``HostExhaustion`` and ``BudgetError``.

        It skips fuel or epochs that guests do not check, since every slot call runs this method.
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
            # An early check is harmless, so most calls leave the epoch deadline unchanged.
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
        """End the budget of ``begin``."""
        self.shared = False

    def admit(self, nesting: int) -> None:
        """Prepare a call inside ``nesting`` others; raises ``HostExhaustion``.

        An outermost call gets a whole budget unless it shares one; a nested call uses the budget of the enclosing call.
        The same holds for the stack: wasmtime lets all nested calls use the stack of the outermost call, below which
        the host's own stack stays free.
        """
        if nesting > self.most_nested:
            raise nested_too_deep(self.most_nested)
        if not (nesting or self.shared):
            self.begin(self._timeless or CallBudget.begin(self._budget), _OUTERMOST_STACK, shared=False)

    def run(self, action: Callable[[], _T]) -> _T:
        """Run guest code, and raise any exception that no callback could catch.

        A signal handler may raise an exception anywhere in this function. The store is nevertheless consistent for the
        next call: every state is set before it is used, and no Python code runs between the guest's end and resetting
        ``nesting``.
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
        """Return the first exception that no callback caught, and clear all of them."""
        error = next(iter(self.uncaught.values()))
        self.uncaught.clear()
        return host_stack_used_up() if isinstance(error, RecursionError) else error

    def forget_failures(self) -> None:
        """Clear the reason why a guest was stopped."""
        self.stopped_by = None
        self.time_over = False

    def more_epochs(self) -> int | None:
        """Return the number of epochs until the next check, or ``None`` to stop the guest."""
        if self.uncaught:
            return None
        if self._running.expired():
            self.time_over = True
            return None
        assert self._ticker is not None  # without one, nothing calls this method
        self._asked_again = _next_look(self._running, monotonic())
        return max(1, self._ticker.epochs_until(self._asked_again))

    def expired(self) -> bool:
        """Return whether the time of the running call is over."""
        return self._running.expired()


def _next_look(budget: CallBudget, now: float) -> float:
    """Return the time of the next check of a guest that runs under a budget.

    CPU time cannot pass faster than wall-clock time, and Python notices a signal only when it runs again.
    """
    cpu_left = inf if budget.cpu_end == inf else budget.cpu_end - thread_time()
    return min(budget.deadline, now + cpu_left, now + _SIGNAL_PERIOD)


def host_stack_used_up() -> HostExhaustion:
    """Return the error for a host function whose thread has no stack left."""
    return HostExhaustion("the host's own stack is used up")
