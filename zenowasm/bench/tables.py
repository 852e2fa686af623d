"""The tables of a report, shared by the terminal, HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from zenowasm.bench.results import Comparison, Results
from zenowasm.bench.statistics import Spread, ratio, spread


@frozen
class Table:
    """Rows below a header; the first ``words`` columns are text, the others figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 2
    note: str = ""


def tables(results: Results) -> Iterator[Table]:
    """Yield the nonempty tables."""
    for make in _TABLES:
        table = make(results)
        if table.rows:
            yield table


def figure(value: float) -> str:
    """Return a number with about three digits."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}" if value >= 0.1 or value == 0 else f"{value:.3g}"


def extremes(it: Spread) -> str:
    """Return the minimum and the maximum as text."""
    return f"{figure(it.low)} to {figure(it.high)}"


def _computations(results: Results) -> Table:
    rows = [row for it in results.comparisons if it.unit == "M instr/s" for row in _compared(it)]
    note = (
        "Speeds are instructions of WebAssembly a second: fuel counts them, so engines that got different sizes of a "
        "workload can be compared. Ratios are to the first row."
    )
    head = ("workload", "engine", "M instr/s", "min to max", "ratio", "min to max")
    return Table("Computations", head, tuple(rows), note=note)


def _borders(results: Results) -> Table:
    rows = [row for it in results.comparisons if it.name.startswith("call_") for row in _compared(it)]
    note = "V8 is called from JavaScript, all others from Python."
    head = ("direction", "engine", "calls/s", "min to max", "ratio", "min to max")
    return Table("Calls between host and guest", head, tuple(rows), note=note)


def _compared(it: Comparison) -> Iterator[tuple[str, ...]]:
    base = it.of(it.bases[0])
    for index, own in enumerate(it.measurements):
        against = ratio(own.rates, base.rates)
        ratios = ("", "") if own is base else (figure(against.median), extremes(against))
        yield ("" if index else it.name, own.label, figure(own.rate.median), extremes(own.rate), *ratios)
    for label, reason in it.refused.items():
        yield ("", label, "cannot run it", reason.splitlines()[0][:60] if reason else "", "", "")


def _slots(results: Results) -> Table:
    those = [it for it in results.comparisons if it.name.startswith("slot-")]
    bases = those[0].bases if those else ()
    rows = []
    for it in those:
        for index, own in enumerate(it.measurements):
            ratios = [_with_extremes(ratio(own.rates, it.of(base).rates)) for base in it.bases]
            times = next(found for found in results.latencies if (found.group, found.label) == (it.name, own.label))
            p50, p99 = (figure(spread(each).median * 1e6) for each in (times.p50, times.p99))
            threads = "" if index else str(times.threads)
            rows.append((threads, own.label, figure(own.rate.median), extremes(own.rate), *ratios, p50, p99))
    note = (
        "Each calls the same greet: it reads JSON, asks for a variable, logs, and answers in JSON. The variable and "
        "the log are functions in Python; extism-bare calls none: it asks for nothing, and Extism drops its message. "
        "Each thread has an Extism plugin, or shares our host."
    )
    head = ("threads", "host", "calls/s", "min to max", *(f"of {it}" for it in bases), "p50 µs", "p99 µs")
    return Table("Warm slot calls", head, tuple(rows), note=note)


def _with_extremes(it: Spread) -> str:
    return f"{figure(it.median)} ({extremes(it)})"


def _growths(results: Results) -> Table:
    rows = []
    for it in results.curves:
        sizes = f"{it.sizes[0]:,.0f} to {it.sizes[-1]:,.0f} {it.counted}"
        times = f"{figure(it.seconds[0] * 1e3)} to {figure(it.seconds[-1] * 1e3)}"
        rows.append((it.name, it.label, sizes, times, f"{it.exponent:.2f}"))
    note = "The exponent b of time = a · size^b, by least squares over logarithms: 1 is linear, 2 is quadratic."
    head = ("workload", "engine or host", "size", "ms", "exponent")
    return Table("Growth with the input", head, _without_repeats(rows), note=note)


def _loads(results: Results) -> Table:
    rows = []
    for it in results.footprints:
        if it.name == "load":
            figures = ("", "", it.note[:60]) if it.note else (figure(it.seconds), figure(it.memory / _MIB), "")
            rows.append((it.label, f"{it.size / 1e6:g}", *figures))
    note = "To decode, validate, compile, instantiate and call once, in a process of its own; memory is its peak."
    return Table("Loading modules", ("engine", "MB", "seconds", "MiB", ""), _without_repeats(rows), words=1, note=note)


def _instances(results: Results) -> Table:
    rows = [
        (it.label, it.note[:60], "") if it.note else (it.label, figure(it.memory / 1024), figure(it.seconds * 1e6))
        for it in results.footprints
        if it.name == "instance"
    ]
    note = "Of one module with 128 KiB of memory, which is compiled once where the engine can share it; each has run."
    return Table("One more instance", ("engine", "KiB", "µs"), tuple(rows), words=1, note=note)


def _starts(results: Results) -> Table:
    rows = []
    for it in results.starts:
        first, second = spread(it.first), spread(it.second)
        kilobytes = f"{it.size / 1000:,.0f}"
        times = (figure(first.median), extremes(first), figure(second.median), extremes(second))
        rows.append((it.language, it.label, kilobytes, *times))
    head = ("plugin", "host", "kB", "first s", "min to max", "second s", "min to max")
    note = (
        "The first run has an empty cache, the second the one that the first left. Python's own start is part of both."
    )
    return Table("From a process's start to its first slot result", head, _without_repeats(rows), note=note)


def _without_repeats(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the rows with an empty first cell where it repeats the row above."""
    before = [("",), *rows]
    return tuple(("" if row[0] == above[0] else row[0], *row[1:]) for above, row in zip(before, rows, strict=False))


_TABLES: tuple[Callable[[Results], Table], ...] = (
    _slots,
    _starts,
    _borders,
    _computations,
    _loads,
    _instances,
    _growths,
)
_MIB = 1 << 20
