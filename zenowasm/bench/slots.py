"""Warm slot calls from several concurrent threads: calls per second, and the latencies of single calls."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter

from attrs import frozen

from zenowasm.bench.errors import DisagreementError
from zenowasm.bench.hosts.protocol import Greet, PluginHost
from zenowasm.bench.measure import Measurement
from zenowasm.bench.results import Comparison, Curve, Latencies
from zenowasm.bench.statistics import quantile

_SIZES = (16, 128, 1_024, 8_192)
"""The lengths of the greeted name, in letters."""


@frozen
class Load:
    """One round of one host: calls per second while all threads call, and the seconds of single calls, sorted."""

    rate: float
    seconds: tuple[float, ...]


def load(greets: Sequence[Greet], seconds: float) -> Load:
    """Call from one thread per function, for that many seconds."""
    calls: list[list[tuple[float, float]]] = [[] for _ in greets]  # the beginning and end of each
    ready = threading.Barrier(len(greets) + 1)

    def work(greet: Greet, mine: list[tuple[float, float]]) -> None:
        ready.wait()
        end = perf_counter() + seconds
        while (started := perf_counter()) < end:
            greet("World")
            mine.append((started, perf_counter()))

    workers = [threading.Thread(target=work, args=pair) for pair in zip(greets, calls, strict=True)]
    for worker in workers:
        worker.start()
    ready.wait()
    # Calls after this end do not count: threads leave one by one, so the host is no longer under full load.
    end = perf_counter() + seconds
    for worker in workers:
        worker.join()
    every = [call for mine in calls for call in mine]
    answered = sum(ended <= end for _, ended in every)
    return Load(answered / seconds, tuple(sorted(ended - started for started, ended in every)))


def open_hosts(hosts: Sequence[PluginHost], stack: ExitStack) -> dict[str, Callable[[], Greet]]:
    """Load the plugin on every host; raises ``DisagreementError`` if their replies differ."""
    opened = {host.label: host.open(stack) for host in hosts}
    answers = {label: maker()("World") for label, maker in opened.items()}
    if set(answers.values()) - {"Hello, World!"}:
        raise DisagreementError("greet", answers)
    return opened


def compare(
    opened: Mapping[str, Callable[[], Greet]], threads: int, rounds: int, seconds: float, cores: int
) -> tuple[Comparison, list[Latencies]]:
    """Measure hosts in turn, after one warm-up round."""
    name = f"slot-{threads}"
    greets = {label: [maker() for _ in range(threads)] for label, maker in opened.items()}
    for functions in greets.values():
        load(functions, seconds / 2)
    found: dict[str, list[Load]] = {label: [] for label in greets}
    for _ in range(rounds):
        for label, functions in greets.items():
            gc.collect()
            found[label].append(load(functions, seconds))
    measurements = tuple(
        Measurement(label, 1.0, max(1, len(loads[0].seconds)), tuple(1 / it.rate for it in loads))
        for label, loads in found.items()
    )
    bases = tuple(label for label in greets if label.startswith("extism")) or tuple(greets)[:1]
    title = f"warm slot call, {threads} thread{'s' if threads > 1 else ''}"
    comparison = Comparison(name, title, "calls/s", bases, measurements, {}, cores)
    return comparison, [_latencies(name, label, threads, loads) for label, loads in found.items()]


def _latencies(name: str, label: str, threads: int, loads: Sequence[Load]) -> Latencies:
    every = sorted(time for it in loads for time in it.seconds)
    return Latencies(
        name,
        label,
        threads,
        tuple(quantile(it.seconds, 0.5) for it in loads),
        tuple(quantile(it.seconds, 0.99) for it in loads),
        tuple(quantile(every, share / 100) for share in range(101)),
    )


def growth(opened: Mapping[str, Callable[[], Greet]], rounds: int, calls: int = 20) -> list[Curve]:
    """Measure calls by the length of the name, which is passed in and returned."""
    curves = []
    for label, maker in opened.items():
        greet = maker()
        seconds = [quantile(sorted(_times(greet, size, rounds * calls)), 0.5) for size in _SIZES]
        curves.append(Curve("slot-1", label, "letters", tuple(map(float, _SIZES)), tuple(seconds)))
    return curves


def _times(greet: Greet, size: int, calls: int) -> list[float]:
    name, taken = "n" * size, []
    for _ in range(calls):
        started = perf_counter()
        greet(name)
        taken.append(perf_counter() - started)
    return taken
