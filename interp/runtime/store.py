"""The store (specification, 4.2.3): everything that lives at run time, and what it may still use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakSet

from zenowasm.interp.errors import Crash
from zenowasm.interp.events import Probe
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instances import Function, ModuleInstance
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.runtime.values import Value

Invoke: TypeAlias = "Callable[[Function, tuple[Value, ...]], tuple[Value, ...]]"

NEVER = 1 << 63
"""An amount of fuel that no execution reaches."""


def no_checkpoint(consumed: int) -> int:
    """Let an execution go on without end."""
    return NEVER


class Store:
    """The state that all instances of an embedder share. Used by one thread at a time.

    ``settled_fuel`` plus what the innermost frame's code has cost up to its ``pc`` is the fuel consumed so far (see
    ``execution.code``). ``depth``, ``values`` and ``nesting`` count active calls, live stack slots and calls of the
    host back into guests, as they were when the host was called last.

    ``checkpoint`` is the embedder's: at the entry of a loop or function where ``checkpoint_fuel`` or more has been
    consumed it is given the fuel consumed, and returns the fuel at which it wants to be asked again or raises
    ``Trap``. A call of a host function makes the next checkpoint due, since it may have taken any time, and so does a
    collection of cycles. Work that costs no fuel takes a unit off ``checkpoint_fuel`` for each local, field or
    ``try_table`` that it goes through.
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
        """Create an empty store whose functions are called by what ``invoke`` makes of it."""
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

    def close(self) -> None:
        """Take apart what lives in the store: instances and their functions refer to one another."""
        for instance in self.instances:
            instance.clear()
        self.invoke = _closed
        self.checkpoint = no_checkpoint


def _closed(function: Function, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    raise Crash("a function of a closed store was called")
