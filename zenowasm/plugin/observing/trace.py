"""The trace of one outermost call of a plugin, for statistics, audit log and telemetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from time import perf_counter_ns
from types import MappingProxyType
from typing import Any, Final

from zenowasm.plugin.guest.abi import EXECUTE


class Decision(StrEnum):
    """The result of one host call."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """The plugin's permissions or the host's policy denied the call."""
    UNAVAILABLE = "unavailable"
    """The function is not available on this host or in this phase of the plugin's lifecycle."""
    FAILED = "failed"
    LIMIT = "limit"
    """The plugin's call reached one of its limits; the host call may still have taken effect."""


MOST_ANSWERS: Final = 256
"""The number of host calls' answers that are kept before they are counted."""


class CallTrace:
    """The trace of a slot call, or of one phase of a plugin's loading or cleanup, named by its guest function.

    ``number`` numbers the host's calls, ``version`` is the plugin's version as text, and ``instance`` is the worker's
    number, 0 before a worker is assigned. ``fuel`` is ``None`` if it was not counted. Times are in nanoseconds:
    ``started`` is of ``time.perf_counter_ns``, ``waited`` is the wait for a worker. ``answers`` lists the answers of
    host functions: name, decision, bytes in and bytes out. ``fold`` moves them to ``host_calls``, which counts them by
    function and decision. ``span`` belongs to the telemetry.
    """

    number = 0
    waited = 0
    fuel: int | None = None
    succeeded = True
    bytes_in = 0
    bytes_out = 0
    span: Any = None
    host_calls: Mapping[tuple[str, Decision], int] = MappingProxyType({})

    def __init__(
        self, plugin: str = "", version: str = "", slot: str = "", phase: str = EXECUTE, instance: int = 0
    ) -> None:
        """Start the trace now."""
        self.plugin = plugin
        self.version = version
        self.slot = slot
        self.phase = phase
        self.instance = instance
        self.answers: list[tuple[str, Decision, int, int]] = []
        self.started = perf_counter_ns()

    def fold(self) -> None:
        """Count the answers, and drop them."""
        counts = Counter(self.host_calls)
        for function, decision, bytes_in, bytes_out in self.answers:
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out
            counts[function, decision] += 1
        self.host_calls = counts
        self.answers.clear()
