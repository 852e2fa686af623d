"""Statistics of plugins: a few numbers per plugin, slot and phase, for any number of calls.

Durations are counted in at most 164 buckets, four per power of two nanoseconds, so quantiles are exact to an eighth of
their value.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from math import ceil
from typing import Final

from attrs import define, field, frozen

from zenowasm.interp.errors import TrapCode
from zenowasm.plugin.errors import CallError, SlotFailedError
from zenowasm.plugin.observing.trace import CallTrace, Decision

MOST_ENTRIES: Final = 10_000
"""The number of slots and phases, over all plugins, that are counted separately; all others share one entry."""
OTHERS: Final = "(others)"
_LONGEST = (1 << 42) - 1  # nanoseconds, more than an hour
_NANOSECONDS = 1e-9
_BATCH = 16
"""The number of ended calls that are kept before they are counted: few, because the counting delays one call."""


@frozen
class Times:
    """Durations in seconds; ``p50``, ``p90`` and ``p99`` are exact to an eighth of their value."""

    count: int
    total: float
    p50: float
    p90: float
    p99: float
    longest: float


@frozen
class CallStats:
    """The calls of one slot, or of one phase of loading and closing, which has the name of the guest function.

    ``failures`` counts by the name of the error's type (``SlotFailedError`` for a response without success), ``traps``
    by the words of the trap's code, and ``host_calls`` by function and decision. ``fuel`` is that of the calls in which
    it was counted, ``None`` if there was none. ``waiting`` is the time until an instance was free. ``bytes_in`` and
    ``bytes_out`` are the bytes that host calls passed from and to the plugin.
    """

    name: str
    calls: int
    successes: int
    failures: dict[str, int]
    traps: dict[str, int]
    fuel: int | None
    time: Times
    waiting: Times
    host_calls: dict[str, dict[str, int]]
    bytes_in: int
    bytes_out: int


@frozen
class PluginStats:
    """The statistics of one plugin, all its versions together.

    ``instances_made`` counts all instances. ``instances_recycled`` counts those that were dropped while their version
    was in use: after a trap, after their number of calls, with their memory full, or as superfluous. ``reloads`` and
    ``failed_reloads`` count its reloads.
    """

    plugin: str
    slots: tuple[CallStats, ...]
    phases: tuple[CallStats, ...]
    instances_made: int
    instances_recycled: int
    reloads: int
    failed_reloads: int


@frozen
class HostStats:
    """The statistics of a host's plugins since it was opened; ``attrs.asdict`` converts them to JSON."""

    backend: str
    plugins: tuple[PluginStats, ...]

    def _repr_html_(self) -> str:
        from zenowasm.notebook import html_table  # only notebooks need it

        rows = []
        for it in (slot for plugin in self.plugins for slot in plugin.slots):
            milliseconds = [f"{seconds * 1e3:.3f}" for seconds in (it.time.p50, it.time.p99)]
            rows.append((it.name, f"{it.calls:,}", f"{it.calls - it.successes:,}", *milliseconds))
        return html_table(f"Slots on {self.backend}", rows, ("slot", "calls", "failed", "p50 ms", "p99 ms"))


class TimeHistogram:
    """A histogram of durations."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._count = self._total = self._longest = 0

    def add(self, nanoseconds: int) -> None:
        """Count a duration."""
        if not 0 <= nanoseconds <= _LONGEST:
            nanoseconds = 0 if nanoseconds < 0 else _LONGEST
        self._count += 1
        self._total += nanoseconds
        if nanoseconds > self._longest:
            self._longest = nanoseconds
        exponent = nanoseconds.bit_length() - 3
        bucket = 4 * exponent + (nanoseconds >> exponent) if exponent > 0 else nanoseconds
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def times(self, count: int | None = None) -> Times:
        """Return the statistics of the durations, padded with zero durations up to ``count``."""
        if count is not None:
            self._buckets[0] = self._buckets.get(0, 0) + count - self._count
            self._count = count
        buckets = sorted(self._buckets.items())
        p50, p90, p99 = (self._quantile(buckets, quantile) * _NANOSECONDS for quantile in (0.5, 0.9, 0.99))
        return Times(self._count, self._total * _NANOSECONDS, p50, p90, p99, self._longest * _NANOSECONDS)

    def _quantile(self, buckets: list[tuple[int, int]], quantile: float) -> float:
        wanted = ceil(self._count * quantile)
        for bucket, count in buckets:
            wanted -= count
            if wanted <= 0:
                exponent = max(bucket // 4 - 1, 0)
                least = (bucket - 4 * exponent) << exponent
                # The middle of the bucket, but not more than the longest duration.
                return min(least + ((1 << exponent) - 1) / 2, self._longest)
        return 0.0


@define(eq=False)
class _Calls:
    calls: int = 0
    successes: int = 0
    failures: Counter[str] = field(factory=Counter)
    traps: Counter[str] = field(factory=Counter)
    fuel: int | None = None
    time: TimeHistogram = field(factory=TimeHistogram)
    waiting: TimeHistogram = field(factory=TimeHistogram)
    host_calls: Counter[tuple[str, Decision]] = field(factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0

    def add(self, trace: CallTrace, duration: int, failure: str | None, trap: TrapCode | None) -> None:
        self.calls += 1
        self.time.add(duration)
        if trace.waited:
            self.waiting.add(trace.waited)
        if trace.fuel is not None:
            self.fuel = trace.fuel + (self.fuel or 0)
        for function, decision, bytes_in, bytes_out in trace.answers:
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out
            self.host_calls[function, decision] += 1
        if trace.host_calls:  # more answers than a trace keeps
            self.bytes_in += trace.bytes_in
            self.bytes_out += trace.bytes_out
            for key, count in trace.host_calls.items():
                self.host_calls[key] += count
        if failure is None:
            self.successes += 1
        else:
            self.failures[failure] += 1
        if trap is not None:
            self.traps[trap.value] += 1

    def stats(self, name: str) -> CallStats:
        host_calls: dict[str, dict[str, int]] = {}
        for (function, decision), count in sorted(self.host_calls.items()):
            host_calls.setdefault(function, {})[decision.value] = count
        return CallStats(
            name,
            self.calls,
            self.successes,
            dict(sorted(self.failures.items())),
            dict(sorted(self.traps.items())),
            self.fuel,
            self.time.times(),
            self.waiting.times(self.calls),
            host_calls,
            self.bytes_in,
            self.bytes_out,
        )


@define(eq=False)
class _Plugin:
    slots: dict[str, _Calls] = field(factory=dict)
    phases: dict[str, _Calls] = field(factory=dict)
    made: int = 0
    recycled: int = 0
    reloads: int = 0
    failed_reloads: int = 0


class Metrics:
    """The thread-safe counters of one host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plugins: dict[str, _Plugin] = {}
        self._found: dict[tuple[str, str, str], _Calls] = {}  # a flat index into the plugins' entries
        self._entries = 0
        self._ended: deque[tuple[CallTrace, int, str | None, TrapCode | None]] = deque()

    def call_ended(self, trace: CallTrace, duration: int, error: BaseException | None) -> None:
        """Record a call of ``duration`` nanoseconds, to be counted in a batch, which costs a third as much."""
        failure = trap = None
        if error is not None or not trace.succeeded:
            failure = failure_name(trace, error)
            trap = error.trap_code if isinstance(error, CallError) else None
        self._ended.append((trace, duration, failure, trap))
        if len(self._ended) >= _BATCH:
            with self._lock:
                self._count()

    def _count(self) -> None:
        """Count the recorded calls. Requires the lock."""
        while self._ended:
            trace, duration, failure, trap = self._ended.popleft()
            self._calls(trace).add(trace, duration, failure, trap)

    def instance_made(self, plugin: str) -> int:
        """Count an instance and return its number among those of its plugin, from 1."""
        with self._lock:
            counted = self._plugin(plugin)
            counted.made += 1
            return counted.made

    def instance_recycled(self, plugin: str) -> None:
        """Count an instance that was discarded while its version was in use."""
        with self._lock:
            self._plugin(plugin).recycled += 1

    def reloaded(self, plugin: str, *, failed: bool) -> None:
        """Count a reload, successful or failed."""
        with self._lock:
            counted = self._plugin(plugin)
            if failed:
                counted.failed_reloads += 1
            else:
                counted.reloads += 1

    def snapshot(self, backend: str = "") -> HostStats:
        """Return the current statistics."""
        with self._lock:
            self._count()
            return HostStats(backend, tuple(_stats(name, it) for name, it in sorted(self._plugins.items())))

    def _plugin(self, name: str) -> _Plugin:
        found = self._plugins.get(name)
        if found is None:
            if len(self._plugins) >= MOST_ENTRIES:
                name = OTHERS
            found = self._plugins.setdefault(name, _Plugin())
        return found

    def _calls(self, trace: CallTrace) -> _Calls:
        phase = "" if trace.slot else trace.phase
        found = self._found.get((trace.plugin, trace.slot, phase))
        if found is None:
            plugin = self._plugin(trace.plugin)
            entries, name = (plugin.slots, trace.slot) if trace.slot else (plugin.phases, phase)
            found = entries.get(name)
            if found is None:
                self._entries += 1
                if self._entries > MOST_ENTRIES:
                    name = OTHERS
                found = entries.setdefault(name, _Calls())
            if name != OTHERS and len(self._found) < MOST_ENTRIES:
                self._found[trace.plugin, trace.slot, phase] = found
        return found


def failure_name(trace: CallTrace, error: BaseException | None) -> str | None:
    """Return the name under which a failed call is counted, ``None`` for a successful one."""
    if error is not None:
        return type(error).__name__
    return None if trace.succeeded else SlotFailedError.__name__


def _stats(name: str, plugin: _Plugin) -> PluginStats:
    return PluginStats(
        name,
        tuple(calls.stats(slot) for slot, calls in sorted(plugin.slots.items())),
        tuple(calls.stats(phase) for phase, calls in sorted(plugin.phases.items())),
        plugin.made,
        plugin.recycled,
        plugin.reloads,
        plugin.failed_reloads,
    )
