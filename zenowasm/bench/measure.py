"""Measurement in interleaved rounds, so that a change in the machine's speed affects all cases alike.

A case is calibrated until one sample takes long enough for the clock. Then every round takes one sample of each case
in turn. Ratios are computed within each round, and their median is taken afterwards.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from attrs import frozen

from zenowasm.bench.statistics import Spread, spread


@frozen
class Case:
    """A repeated run: ``sample`` runs it a given number of times and returns the seconds that this took.

    One run does ``work`` units of the group's work.
    """

    label: str
    sample: Callable[[int], float]
    work: float


@frozen
class Measurement:
    """A case's samples: the seconds of one run by round, each the mean of ``loops`` runs."""

    label: str
    work: float
    loops: int
    seconds: tuple[float, ...]

    @property
    def rates(self) -> list[float]:
        """The units of work per second, by round."""
        return [self.work / each for each in self.seconds]

    @property
    def rate(self) -> Spread:
        """The spread of the rates."""
        return spread(self.rates)


def repeated(run: Callable[[], object]) -> Callable[[int], float]:
    """Return a sampler of a function of this process; its time includes the loop itself."""

    def sample(count: int) -> float:
        started = perf_counter()
        for _ in range(count):
            run()
        return perf_counter() - started

    return sample


def measure(cases: Sequence[Case], rounds: int, sample_seconds: float) -> tuple[Measurement, ...]:
    """Measure the cases of a group in turn, for ``rounds`` rounds."""
    loops = [_calibrate(case, sample_seconds) for case in cases]
    taken: list[list[float]] = [[] for _ in cases]
    with _little_to_collect():
        for _ in range(rounds):
            for case, count, seconds in zip(cases, loops, taken, strict=True):
                gc.collect()
                seconds.append(case.sample(count) / count)
    return tuple(
        Measurement(case.label, case.work, count, tuple(seconds))
        for case, count, seconds in zip(cases, loops, taken, strict=True)
    )


@contextmanager
def _little_to_collect() -> Iterator[None]:
    """Exclude existing objects from garbage collection: compilers in Python leave a million objects."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _calibrate(case: Case, sample_seconds: float) -> int:
    count = 1
    while (seconds := case.sample(count)) < sample_seconds:
        count = max(count + 1, min(count * 10, int(1.2 * count * sample_seconds / max(seconds, 1e-9))))
    return count


@contextmanager
def pinned(cores: int) -> Iterator[tuple[int, ...]]:
    """Pin this process and its new children to the last ``cores`` cores, if the system can; yield those cores.

    Most systems handle interrupts on the first core.
    """
    if sys.platform != "linux":
        yield ()
        return
    allowed = os.sched_getaffinity(0)
    chosen = sorted(allowed)[-cores:]
    os.sched_setaffinity(0, chosen)
    try:
        yield tuple(chosen)
    finally:
        os.sched_setaffinity(0, allowed)
