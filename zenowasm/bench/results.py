"""The results of a run, as data for the reports."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from zenowasm.bench.measure import Measurement
from zenowasm.bench.statistics import exponent


@frozen
class Comparison:
    """A group of cases that were measured in turn; ratios are relative to the cases in ``bases``.

    ``refused`` has the reason of each engine that could not run the workload; ``cores`` is the number of cores used.
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
    """The latencies of a case's single calls while ``threads`` threads called concurrently.

    ``p50`` and ``p99`` are by round; ``quantiles`` are those from 0 to 100 % over all rounds. All are in seconds.
    """

    group: str
    label: str
    threads: int
    p50: tuple[float, ...]
    p99: tuple[float, ...]
    quantiles: tuple[float, ...]


@frozen
class Curve:
    """The seconds of one case by input size, in units of ``counted``."""

    name: str
    label: str
    counted: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The exponent of the best-fitting power law."""
        return exponent(self.sizes, self.seconds)


@frozen
class Footprint:
    """The cost of one task on an engine in a separate process: seconds, and bytes of memory above the start."""

    name: str
    label: str
    size: int
    seconds: float
    memory: int
    note: str = ""


@frozen
class Start:
    """The seconds from the start of a process to its first slot result, by round: the first run and the second."""

    language: str
    label: str
    size: int
    first: tuple[float, ...]
    second: tuple[float, ...]


@frozen
class Results:
    """All measurements of a run; ``facts`` describes the machine, ``absent`` says how to install each missing peer."""

    facts: Mapping[str, str]
    absent: Mapping[str, str]
    comparisons: tuple[Comparison, ...] = ()
    latencies: tuple[Latencies, ...] = ()
    curves: tuple[Curve, ...] = ()
    footprints: tuple[Footprint, ...] = ()
    starts: tuple[Start, ...] = field(default=())
