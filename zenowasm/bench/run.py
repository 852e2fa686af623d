"""The plan of a run: its measurements, their order, and their duration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final, TypeAlias

from attrs import define, field, frozen

from zenowasm import __version__
from zenowasm.bench import compute, footprint, slots, starts
from zenowasm.bench.engines.protocol import Engine
from zenowasm.bench.engines.table import ENGINES, VARIANTS
from zenowasm.bench.errors import BenchError
from zenowasm.bench.hosts.protocol import PluginHost
from zenowasm.bench.hosts.table import HOSTS
from zenowasm.bench.kernels import CALL_IN, CALL_OUT, KERNELS, QUICKJS, Kernel
from zenowasm.bench.machine import facts
from zenowasm.bench.measure import Case, measure, pinned
from zenowasm.bench.peer import Peer
from zenowasm.bench.results import Comparison, Curve, Footprint, Latencies, Results, Start
from zenowasm.bench.statistics import spread
from zenowasm.display import nearest

THREADS: Final = (1, 4, 8)
_QUICK_KERNELS: Final = ("fib", "hash")
_GROWTH_SHARE: Final = 0.2
"""The share of a sample's seconds for a growth curve, whose many points each need less precision."""

_SLOW_SECONDS: Final = 0.1
"""The duration of a run above which one sample is precise enough for a point of a growth curve."""


@frozen
class Effort:
    """The duration of a run: samples of each case, their seconds, and whether growth curves are measured."""

    rounds: int = 5
    sample_seconds: float = 0.03
    slot_seconds: float = 0.3
    growth: bool = True


QUICK: Final = Effort(rounds=3, sample_seconds=0.005, slot_seconds=0.1, growth=False)


@define
class Found:
    """The measurements so far."""

    comparisons: list[Comparison] = field(factory=list)
    latencies: list[Latencies] = field(factory=list)
    curves: list[Curve] = field(factory=list)
    footprints: list[Footprint] = field(factory=list)
    starts: list[Start] = field(factory=list)
    absent: dict[str, str] = field(factory=dict)


@frozen
class Chosen:
    """The engines and hosts of a run, all of them installed."""

    engines: tuple[Engine, ...]
    hosts: tuple[PluginHost, ...]


Action: TypeAlias = Callable[[Chosen, Effort, Found], None]


@frozen
class Group:
    """A part of a run. ``quick`` says whether a quick run includes it."""

    name: str
    title: str
    measure: Action
    quick: bool = True


def groups() -> Iterator[Group]:
    """Yield all groups in the order of measurement."""
    for kernel in (*KERNELS, QUICKJS):
        yield Group(kernel.name, kernel.summary, partial(_computation, kernel), quick=kernel.name in _QUICK_KERNELS)
    yield Group("call_in", CALL_IN.summary, partial(_calls, CALL_IN))
    yield Group("call_out", CALL_OUT.summary, partial(_calls, CALL_OUT))
    yield Group("slot", "warm slot calls from 1, 4 and 8 threads", _slots)
    yield Group("load", "time and memory to load modules of up to 10 MB", _loads, quick=False)
    yield Group("instance", "memory of one more instance", _instances, quick=False)
    yield Group("start", "from a process's start to its first slot result", _starts, quick=False)


def choose(only: Sequence[str], quick: bool) -> list[Group]:
    """Return the groups with these names, or all that fit; raises ``BenchError`` for an unknown name."""
    every = {it.name: it for it in groups()}
    unknown = [name for name in only if name not in every]
    if unknown:
        raise _unknown("group", unknown[0], list(every))
    return [it for it in every.values() if (it.name in only if only else it.quick or not quick)]


def _unknown(what: str, name: str, known: Sequence[str]) -> BenchError:
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"choose from {', '.join(known)}"
    return BenchError(f"unknown {what} {name!r}: {hint}")


def peers(names: Sequence[str]) -> tuple[Chosen, dict[str, str], dict[str, str]]:
    """Return the installed engines and hosts with these names, or all; their versions; and how to install the rest."""
    engines = (*ENGINES, *VARIANTS) if names else ENGINES
    every: tuple[Peer, ...] = (*engines, *HOSTS)
    labels = list(dict.fromkeys(it.label for it in every))
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise _unknown("engine or host", unknown[0], labels)
    wanted = [it for it in every if not names or it.label in names]
    versions = {it.label: it.version() for it in wanted}
    absent = {it.label: it.install for it in wanted if versions[it.label] is None}
    chosen = Chosen(
        tuple(it for it in engines if versions.get(it.label)), tuple(it for it in HOSTS if versions.get(it.label))
    )
    return chosen, {label: version for label, version in versions.items() if version}, absent


def run(
    only: Sequence[str], names: Sequence[str], effort: Effort, quick: bool, progress: Callable[[str], None]
) -> Results:
    """Measure; call ``progress`` with the next step. Raises ``BenchError`` and ``DisagreementError``."""
    chosen, versions, absent = peers(names)
    found = Found()
    begun = facts({"zenowasm": __version__, **{name: it for name, it in versions.items() if name != "reference"}})
    for group in choose(only, quick):
        progress(f"{group.name}: {group.title}")
        group.measure(chosen, effort, found)
    return Results(
        begun,
        {**absent, **found.absent},
        tuple(found.comparisons),
        tuple(found.latencies),
        tuple(found.curves),
        tuple(found.footprints),
        tuple(found.starts),
    )


def _computation(kernel: Kernel, chosen: Chosen, effort: Effort, found: Found) -> None:
    if kernel.missing():
        found.absent[kernel.name] = kernel.missing()
    else:
        work = compute.instructions(kernel, (kernel.small, kernel.large))
        _kernel(kernel, "M instr/s", work, chosen, effort, found)


def _calls(kernel: Kernel, chosen: Chosen, effort: Effort, found: Found) -> None:
    _kernel(kernel, "calls/s", {it: float(it) for it in (kernel.small, kernel.large)}, chosen, effort, found)


def _kernel(kernel: Kernel, unit: str, work: Mapping[int, float], chosen: Chosen, effort: Effort, found: Found) -> None:
    with ExitStack() as stack:
        cores = stack.enter_context(pinned(1))
        opened = compute.open_kernel(kernel, chosen.engines, stack)
        cases = compute.cases(opened, work)
        if not cases:
            return
        measured = measure(cases, effort.rounds, effort.sample_seconds)
        found.comparisons.append(
            Comparison(kernel.name, kernel.summary, unit, (cases[0].label,), measured, opened.refused, len(cores))
        )
        if effort.growth and kernel is not CALL_IN:
            taken = {it.label: spread(it.seconds).median for it in measured}
            found.curves.extend(_growth(opened, effort, taken))


def _growth(opened: compute.Opened, effort: Effort, taken: Mapping[str, float]) -> Iterator[Curve]:
    """Measure each engine by size; ``taken`` has the seconds of its largest run."""
    kernel = opened.kernel
    for label, running in opened.running.items():
        rounds = 1 if taken[label] > _SLOW_SECONDS else max(2, effort.rounds // 2)
        steps = kernel.steps(opened.argument(label))
        cases = [Case(str(step), partial(running.time, step), 1) for step in steps]
        measured = measure(cases, rounds, effort.sample_seconds * _GROWTH_SHARE)
        seconds = tuple(spread(it.seconds).median for it in measured)
        yield Curve(kernel.name, label, kernel.counted, tuple(map(kernel.size_of, steps)), seconds)


def _slots(chosen: Chosen, effort: Effort, found: Found) -> None:
    if not chosen.hosts:
        return
    with ExitStack() as stack:
        opened = slots.open_hosts(chosen.hosts, stack)
        for threads in THREADS:
            with pinned(min(threads, 4)) as cores:
                compared, latencies = slots.compare(opened, threads, effort.rounds, effort.slot_seconds, len(cores))
            found.comparisons.append(compared)
            found.latencies.extend(latencies)
        if effort.growth:
            with pinned(1):
                found.curves.extend(slots.growth(opened, effort.rounds))


def _loads(chosen: Chosen, effort: Effort, found: Found) -> None:
    measured = list(footprint.loads(chosen.engines))
    found.footprints.extend(measured)
    found.curves.extend(footprint.curves(measured))


def _instances(chosen: Chosen, effort: Effort, found: Found) -> None:
    found.footprints.extend(footprint.per_instance(chosen.engines))


def _starts(chosen: Chosen, effort: Effort, found: Found) -> None:
    if chosen.hosts:
        folders, absent = starts.plugin_folders()
        found.absent.update(absent)
        found.starts.extend(starts.measure(folders, chosen.hosts, max(1, effort.rounds // 3)))
