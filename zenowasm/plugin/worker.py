"""Workers, which answer the calls of one plugin: an instance of its module, or a process."""

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
    """One call of a slot, on its way from the caller to the worker that answers it.

    ``scope`` is what the host's scope functions reach, as far as the plugin may. ``budget`` is what the caller allows:
    of it and of what holds for the plugin, the stricter wins. ``started`` is the moment, in seconds of
    ``time.monotonic``, from which the call's time counts: waiting for a worker is part of it. ``trace`` belongs to
    the host's observers; workers give it to their ``RunningCall``.
    """

    slot: str
    parameters: Mapping[str, object] = field(factory=dict, repr=False)
    scope: Scope | None = field(default=None, repr=False)
    budget: Budget | None = None
    started: float = field(factory=monotonic)
    trace: CallTrace = field(factory=CallTrace, repr=False)


class Worker(Protocol):
    """Answers the calls of one plugin, one at a time; its holder ensures that."""

    @property
    def usable(self) -> bool:
        """Whether it can take another call; once it cannot, it never can again."""
        ...

    @property
    def metadata(self) -> Metadata:
        """The plugin's own description."""
        ...

    @property
    def slots(self) -> tuple[SlotDefinition, ...]:
        """The slots that it answers."""
        ...

    @property
    def fuel_consumed(self) -> int | None:
        """Fuel that all of its calls have consumed so far, ``None`` where none is counted."""
        ...

    def execute(self, request: SlotRequest) -> Response:
        """Answer a call, and note its fuel in the trace, if it is counted.

        Raises a ``PluginError`` when there is no answer.
        """
        ...

    def cleanup(self) -> None:
        """Let the plugin end, once, and make the worker unusable; does nothing when it is so already.

        Raises a ``PluginError`` when the plugin fails at it.
        """
        ...


WorkerMaker = Callable[[], Worker]
"""Makes one more worker of one version of a plugin, on any thread; raises ``LoadError`` when it cannot be started."""


def total_fuel(consumed: Iterable[int | None]) -> int | None:
    """Return the sum of what was counted, ``None`` where nothing was."""
    counted = [fuel for fuel in consumed if fuel is not None]
    return sum(counted) if counted else None
