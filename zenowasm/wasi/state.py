"""What the functions of preview 1 work on: one guest's context and its open descriptors."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import field, frozen

from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.descriptors import Descriptors

MAX_WAIT: Final = 24 * 3600.0
"""The longest wait of one call, in seconds; a guest that asked for more wakes early, as POSIX permits."""


@frozen(eq=False)
class State:
    """One guest as WASI sees it."""

    context: WasiContext
    descriptors: Descriptors = field(init=False)
    cpu_origin: int = field(init=False)

    @descriptors.default
    def _descriptors(self) -> Descriptors:
        return Descriptors(self.context)

    @cpu_origin.default
    def _cpu_origin(self) -> int:
        return self.context.cpu()

    def longest_wait(self, wanted: float | None) -> float:
        """Return how many seconds may be waited: what is ``wanted``, within the time that the running call has left."""
        bounds = (wanted, self.context.remaining(), MAX_WAIT)
        return max(0.0, min(bound for bound in bounds if bound is not None))

    def wait_for(
        self, readable: set[int], writable: set[int], wanted: float | None
    ) -> tuple[frozenset[int], frozenset[int]]:
        """Wait until one of the host's descriptors is ready, or for ``wanted`` seconds; return those that are ready.

        Raises ``OSError``.
        """
        reading, writing, _ = select.select(list(readable), list(writable), [], self.longest_wait(wanted))
        return frozenset(reading), frozenset(writing)


Implementation: TypeAlias = Callable[..., None]
"""A function of preview 1: ``(state, memory, *arguments)``. What it returns it writes to memory; for a failure it
raises ``WasiError``, ``OSError`` or ``MemoryFaultError``."""
