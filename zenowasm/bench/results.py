"""What a run found, before anything is written of it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from zenowasm.bench.measure import Measurement
from zenowasm.bench.statistics import exponent


@frozen
class Comparison:
    """A group of cases that were measured in turn; ``bases`` are the cases that ratios are to.

    ``refused`` has the reason of each engine that could not run the workload, ``cores`` how many were used.
    """

    name: str
    title: str
    unit: str
    bases: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    refused: Mapping[str, str] = Factory(dict)
    cores: int = 1

    def of(self, label: str) -> Measurement:
        """Return the measurement of a case."""
        return next(it for it in self.measurements if it.label == label)


@frozen
class Latencies:
    """How long single calls of a case took while ``threads`` called at once.

    ``p50`` and ``p99`` are by round, ``quantiles`` the shares of 0 to 100 % over all rounds; all in seconds.
    """

    group: str
    label: str
    threads: int
    p50: tuple[float, ...]
    p99: tuple[float, ...]
    quantiles: tuple[float, ...]


@frozen
class Curve:
    """The seconds of one case by the size of its input, which ``counted`` names."""

    name: str
    label: str
    counted: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The exponent of the power law that fits best."""
        return exponent(self.sizes, self.seconds)


@frozen
class Footprint:
    """What a process of its own took to do one thing with an engine: seconds, and bytes of memory above the start."""

    name: str
    label: str
    size: int
    seconds: float
    memory: int
    note: str = ""


@frozen
class Start:
    """The seconds from a process's start to its first slot result, by round: the first run and the second."""

    language: str
    label: str
    size: int
    first: tuple[float, ...]
    second: tuple[float, ...]


@frozen
class Results:
    """Everything that a run measured, ``facts`` of the machine, and in ``absent`` how to install each missing peer."""

    facts: Mapping[str, str]
    absent: Mapping[str, str]
    comparisons: tuple[Comparison, ...] = ()
    latencies: tuple[Latencies, ...] = ()
    curves: tuple[Curve, ...] = ()
    footprints: tuple[Footprint, ...] = ()
    starts: tuple[Start, ...] = field(default=())
