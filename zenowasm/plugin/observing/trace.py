"""What those who watch a host see of one outermost call of a plugin."""

from __future__ import annotations

from enum import StrEnum
from time import perf_counter_ns
from typing import Any

from attrs import define, field

from zenowasm.plugin.guest.abi import EXECUTE


class Decision(StrEnum):
    """What became of one call of a host function."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """The plugin's permissions, or the host's, do not allow it."""
    UNAVAILABLE = "unavailable"
    """Neither this host nor this phase of the plugin's life offers it."""
    FAILED = "failed"
    LIMIT = "limit"
    """The plugin's call ended at one of its limits; what was asked for may have been done."""


@define(eq=False)
class CallTrace:
    """A slot call, or one phase of a plugin's loading and ending, named by the function of the guest that it calls.

    ``number`` is the call's among those of its host, ``version`` the plugin's version as it is shown, ``instance`` the
    number of the worker, 0 before there is one. Times are in nanoseconds: ``started`` of ``time.perf_counter_ns``,
    ``waited`` until a worker was free. ``host_calls`` counts by function and decision. ``span`` is the telemetry's.
    """

    plugin: str = ""
    version: str = ""
    slot: str = ""
    phase: str = EXECUTE
    number: int = 0
    instance: int = 0
    started: int = field(factory=perf_counter_ns)
    waited: int = 0
    fuel: int = 0
    succeeded: bool = True
    bytes_in: int = 0
    bytes_out: int = 0
    host_calls: dict[tuple[str, Decision], int] = field(factory=dict)
    span: Any = None

    def count(self, function: str, decision: Decision, bytes_in: int, bytes_out: int) -> None:
        """Count a call of a host function."""
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        key = function, decision
        self.host_calls[key] = self.host_calls.get(key, 0) + 1
