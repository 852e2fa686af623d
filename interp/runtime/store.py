"""The store (specification, 4.2.3): everything that lives at run time, and what it may still use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.events import Probe
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instances import Function
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.runtime.values import Value

Invoke: TypeAlias = "Callable[[Function, tuple[Value, ...]], tuple[Value, ...]]"

NO_FUEL_LIMIT = 1 << 63


class Store:
    """The state that all instances of an embedder share. Used by one thread at a time, ``interrupt`` excepted.

    ``settled_fuel`` plus what the innermost frame's code has cost up to its ``pc`` is the fuel consumed so far (see
    ``execution.code``). ``depth``, ``values`` and ``nesting`` count active calls, live stack slots and calls of the
    host back into guests.
    """

    __slots__ = (
        "depth",
        "fuel_limit",
        "interrupted",
        "invoke",
        "limits",
        "memory_quota",
        "nesting",
        "probe",
        "settled_fuel",
        "table_quota",
        "values",
    )

    def __init__(self, limits: ExecutionLimits, invoke: Callable[[Store], Invoke]) -> None:
        """Create an empty store whose functions are called by what ``invoke`` makes of it."""
        self.limits = limits
        self.memory_quota = Quota(limits.memory_bytes, "bytes of memory")
        self.table_quota = Quota(limits.table_elements, "table elements")
        self.settled_fuel = 0
        self.fuel_limit = NO_FUEL_LIMIT
        self.interrupted = False
        self.depth = 0
        self.values = 0
        self.nesting = 0
        self.probe: Probe | None = None
        self.invoke = invoke(self)

    def out_of_budget(self) -> Trap:
        """Make the trap of a call whose fuel or time is used up."""
        return Trap(TrapCode.INTERRUPTED if self.interrupted else TrapCode.OUT_OF_FUEL)

    def interrupt(self) -> None:
        """Make the running call trap at its next loop or function entry. May be called from any thread."""
        self.interrupted = True
        self.fuel_limit = -1  # fails the check that guests make anyway, so that they need no other
