"""Workers, which run the calls of one plugin in an instance of its module or in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Protocol

from attrs import define, field

from zenowasm.backends.protocol import Budget
from zenowasm.plugin.guest.abi import Metadata, Response, SlotDefinition
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.zenolang.scope import Scope


@define(eq=False)
class SlotRequest:
    """One slot call, passed from the caller to a worker.

    The host's scope functions access ``scope``, if the plugin may. ``budget`` contains the caller's limits; the
    stricter of these and the plugin's apply. ``started`` is the time, in seconds of ``time.monotonic``, from which the
    call's time limit counts, so it includes the wait for a worker. ``trace`` belongs to the host's observers; workers
    pass it to their ``RunningCall``.
    """

    slot: str
    parameters: Mapping[str, object] = field(factory=dict, repr=False)
    scope: Scope | None = field(default=None, repr=False)
    budget: Budget | None = None
    started: float = field(factory=monotonic)
    trace: CallTrace = field(factory=CallTrace, repr=False)


class Worker(Protocol):
    """An object that runs the calls of one plugin. Its owner makes only one call at a time."""

    @property
    def usable(self) -> bool:
        """Whether the worker can take another call. Once false, this stays false."""
        ...

    @property
    def metadata(self) -> Metadata:
        """The plugin's description of itself."""
        ...

    @property
    def slots(self) -> tuple[SlotDefinition, ...]:
        """The plugin's slots."""
        ...

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel that all calls have consumed so far, ``None`` if fuel is not counted."""
        ...

    def execute(self, request: SlotRequest) -> Response:
        """Run a call, and record its fuel in the trace if fuel is counted.

        Raises a ``PluginError`` if the plugin gives no response.
        """
        ...

    def cleanup(self) -> None:
        """Let the plugin clean up, and make the worker unusable. Does nothing if it already is.

        Raises a ``PluginError`` if the plugin's cleanup fails.
        """
        ...


WorkerMaker = Callable[[], Worker]
"""A thread-safe function that creates a worker of one plugin version; raises ``LoadError`` if it cannot start."""


def total_fuel(consumed: Iterable[int | None]) -> int | None:
    """Return the sum of the counts, ``None`` if nothing was counted."""
    counted = [fuel for fuel in consumed if fuel is not None]
    return sum(counted) if counted else None
