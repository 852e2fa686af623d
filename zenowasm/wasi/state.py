"""The state of the preview 1 functions: one guest's context and its open descriptors."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import field, frozen

from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.descriptors import Descriptors

MAX_WAIT: Final = 24 * 3600.0
"""The longest wait of one call, in seconds; a guest that requests more wakes early, as POSIX permits."""


@frozen(eq=False)
class State:
    """The WASI state of one guest."""

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
        """Return ``wanted`` seconds, bounded by the time that the running call has left and by ``MAX_WAIT``."""
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
"""A preview 1 function: ``(state, memory, *arguments)``. It writes its results to memory. It raises ``WasiError``,
``OSError`` or ``MemoryFaultError`` if it fails."""
