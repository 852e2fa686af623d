"""Measuring by interleaved rounds, so that a machine that changes its speed changes it for everyone.

A case is calibrated until one sample takes long enough for the clock. Then every round takes one sample of each case
in turn. Medians stand for the cases, and ratios are taken within each round before their median is.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

from attrs import frozen


@frozen
class Case:
    """Something that is run again and again; one run does ``work`` units."""

    label: str
    run: Callable[[], object]
    work: float


@frozen
class Spread:
    """A median with the extremes."""

    median: float
    low: float
    high: float


@frozen
class Measurement:
    """A case's rate in units per second, and its ratio to the group's first case."""

    label: str
    rate: Spread
    ratio: Spread
    samples: tuple[float, ...]


def measure(cases: Sequence[Case], rounds: int, sample_seconds: float) -> list[Measurement]:
    """Measure the cases of a group in turn, ``rounds`` times."""
    loops = [_calibrate(case, sample_seconds) for case in cases]
    rates: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, count, samples in zip(cases, loops, rates, strict=True):
            gc.collect()
            samples.append(case.work * count / _time(case.run, count))
    return [
        Measurement(
            case.label,
            _spread(samples),
            _spread([own / first for own, first in zip(samples, rates[0], strict=True)]),
            tuple(samples),
        )
        for case, samples in zip(cases, rates, strict=True)
    ]


def _calibrate(case: Case, sample_seconds: float) -> int:
    case.run()  # warms caches, and lets the interpreter specialize its code
    count = 1
    while (seconds := _time(case.run, count)) < sample_seconds:
        count = max(count + 1, min(count * 10, int(1.2 * count * sample_seconds / max(seconds, 1e-9))))
    return count


def _time(run: Callable[[], object], count: int) -> float:
    started = perf_counter()
    for _ in range(count):
        run()
    return perf_counter() - started


def _spread(samples: Sequence[float]) -> Spread:
    return Spread(median(samples), min(samples), max(samples))
