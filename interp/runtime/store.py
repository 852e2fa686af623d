"""The store (specification, 4.2.3): all run-time objects, and the resources that they may still use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakSet

from zenowasm.interp.errors import Crash
from zenowasm.interp.events import Probe
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instances import Function, FunctionInstance, ModuleInstance
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.runtime.values import Value

Invoke: TypeAlias = "Callable[[Function, tuple[Value, ...]], tuple[Value, ...]]"

NEVER = 1 << 63
"""An amount of fuel that no execution reaches."""


def no_checkpoint(consumed: int) -> int:
    """Never end an execution."""
    return NEVER


class Store:
    """The state that all instances of an embedder share. Only one thread at a time may use it.

    ``settled_fuel`` plus the cost of the innermost frame's code up to its ``pc`` is the fuel consumed so far (see
    ``execution.code``). ``depth``, ``values`` and ``nesting`` count active calls, live stack slots and calls of the
    host back into guests; they are as of the last call of the host.

    The embedder supplies ``checkpoint``. At the entry of a loop or function, once the fuel consumed reaches
    ``checkpoint_fuel``, the execution calls it with that fuel; it returns the amount for its next call or raises
    ``Trap``. A call of a host function makes the next checkpoint due, since it may have taken any amount of time; so
    does a collection of cycles. Work that costs no fuel subtracts a unit from ``checkpoint_fuel`` for each local, field
    or ``try_table`` that it processes.
    """

    __slots__ = (
        "checkpoint",
        "checkpoint_fuel",
        "depth",
        "heap_quota",
        "instances",
        "invoke",
        "limits",
        "memory_quota",
        "nesting",
        "probe",
        "settled_fuel",
        "table_quota",
        "values",
    )

    def __init__(
        self,
        limits: ExecutionLimits,
        invoke: Callable[[Store], Invoke],
        checkpoint: Callable[[int], int] = no_checkpoint,
    ) -> None:
        """Create an empty store; ``invoke`` receives it and returns the function that calls its functions."""
        self.limits = limits
        self.memory_quota = Quota(limits.memory_bytes, "bytes of memory")
        self.table_quota = Quota(limits.table_elements, "table elements")
        self.heap_quota = Quota(limits.heap_bytes, "bytes of structures and arrays")
        self.settled_fuel = 0
        self.checkpoint = checkpoint
        self.checkpoint_fuel = 0
        self.depth = 0
        self.values = 0
        self.nesting = 0
        self.probe: Probe | None = None
        self.instances: WeakSet[ModuleInstance] = WeakSet()
        self.invoke = invoke(self)

    def forget_code(self) -> None:
        """Let each function ask for its code again at its next call, since the probe may arm it differently."""
        for instance in list(self.instances):
            for function in instance.functions:
                if isinstance(function, FunctionInstance):
                    function.code = None

    def close(self) -> None:
        """Break the reference cycles between the store's instances and their functions."""
        for instance in self.instances:
            instance.clear()
        self.invoke = _closed
        self.checkpoint = no_checkpoint


def _closed(function: Function, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    raise Crash("a function of a closed store was called")
