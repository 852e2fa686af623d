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
    """The plugin's permissions, or the host's, do not allow it."""
    UNAVAILABLE = "unavailable"
    """Neither this host nor this phase of the plugin's life offers it."""
    FAILED = "failed"
    LIMIT = "limit"
    """The plugin's call ended at one of its limits; what was asked for may have been done."""


MOST_ANSWERS: Final = 256
"""Answers of host functions that are kept before they are counted."""


class CallTrace:
    """A slot call, or one phase of a plugin's loading and ending, named by the function of the guest that it calls.

    ``number`` is the call's among those of its host, ``version`` the plugin's version as it is shown, ``instance`` the
    number of the worker, 0 before there is one. ``fuel`` is ``None`` where it was not counted. Times are in
    nanoseconds: ``started`` of ``time.perf_counter_ns``, ``waited`` until a worker was free. ``answers`` are those of
    host functions: name, decision, bytes in and out. ``host_calls`` counts by function and decision what was folded of
    them. ``span`` is the telemetry's.
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
        """Begin a call now."""
        self.plugin = plugin
        self.version = version
        self.slot = slot
        self.phase = phase
        self.instance = instance
        self.answers: list[tuple[str, Decision, int, int]] = []
        self.started = perf_counter_ns()

    def fold(self) -> None:
        """Count the answers, and forget them."""
        counts = Counter(self.host_calls)
        for function, decision, bytes_in, bytes_out in self.answers:
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out
            counts[function, decision] += 1
        self.host_calls = counts
        self.answers.clear()
