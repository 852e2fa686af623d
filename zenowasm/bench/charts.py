"""The charts of a report, made by pygal: SVG without scripts, in which tooltips show the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from attrs import frozen

from zenowasm.bench.results import Comparison, Curve, Latencies, Results, Start
from zenowasm.bench.statistics import ratio, spread
from zenowasm.bench.tables import figure
from zenowasm.svg import load_pygal, render

_COLORS: Final = (
    "#1f6feb",
    "#d4380d",
    "#6e40c9",
    "#2da44e",
    "#bf8700",
    "#0e8a83",
    "#cf3f8f",
    "#57606a",
    "#8a5a2b",
    "#82b1ff",
    "#ffa28c",
)
_WIDTH: Final = 480
_ROW: Final = 26
_FRAME: Final = 110
_HEIGHT: Final = 330


@frozen
class Chart:
    """A chart and the section to which it belongs."""

    section: str
    svg: str


def charts(results: Results) -> Iterator[Chart]:
    """Yield the charts of a run."""
    colors = _Colors()
    slots = [it for it in results.comparisons if it.name.startswith("slot-")]
    if slots:
        yield Chart("Warm slot calls", _threads(slots, colors))
    for _, those in groupby(results.latencies, key=lambda it: it.threads):
        yield Chart("Warm slot calls", _distribution(list(those), colors))
    for language, starts in groupby(results.starts, key=lambda it: it.language):
        yield Chart("First slot results", _first_and_second(language, list(starts)))
    for it in results.comparisons:
        if it.unit == "M instr/s":
            yield Chart("Computations", _ratios(it, colors))
        elif it.name.startswith("call_"):
            yield Chart("Calls between host and guest", _ratios(it, colors))
    for name, curves in groupby(results.curves, key=lambda it: it.name):
        yield Chart("Growth with the input", _growth(name, list(curves), colors))


class _Colors:
    """A stable color for each engine or host, the same in all charts."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, labels: Sequence[str]) -> tuple[str, ...]:
        for label in labels:
            self._known.setdefault(label, _COLORS[len(self._known) % len(_COLORS)])
        return tuple(self._known[label] for label in labels)


def _settings(title: str, colors: Sequence[str], height: int = _HEIGHT) -> dict[str, Any]:
    style = load_pygal().style.Style(
        background="transparent",
        plot_background="transparent",
        colors=tuple(colors),
        font_family="system-ui, sans-serif",
        foreground="#24292f",
        foreground_strong="#24292f",
        foreground_subtle="#8c959f",
        label_font_size=12,
        legend_font_size=12,
        major_label_font_size=12,
        opacity=".85",
        title_font_size=15,
        value_font_size=12,
    )
    return {
        "title": title,
        "style": style,
        "width": _WIDTH,
        "height": height,
        "js": (),
        "disable_xml_declaration": True,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "legend_box_size": 10,
        "truncate_legend": -1,
        "truncate_label": -1,
        "show_x_guides": False,
        "margin": 10,
        "margin_right": 36,
        "margin_bottom": 36,  # pygal reserves less than its legend needs
    }


def _ratios(it: Comparison, colors: _Colors) -> str:
    """Draw the speed of each case relative to the first; the axis is logarithmic, in powers of ten."""
    pygal = load_pygal()
    base = it.of(it.bases[0])
    height = _FRAME + _ROW * len(it.measurements)
    labels = [own.label for own in it.measurements]
    settings = _settings(f"{it.name}: speed, {base.label} = 1", colors.of(labels), height)
    chart = pygal.HorizontalBar(**settings, show_legend=False, print_values=True, print_values_position="top")
    chart.x_labels = list(reversed(labels))
    chart.value_formatter = lambda power: f"{figure(10**power)} ×"
    values = [ratio(own.rates, base.rates).median for own in it.measurements]
    powers = [math.log10(value) for value in values]
    chart.range = (min(0, *powers) - 0.5, max(0, *powers) + 0.7)  # leave space for the figures at the bars' ends
    chart.y_labels = range(math.floor(min(0, *powers)), math.ceil(max(0, *powers)) + 1)
    rows = zip(labels, colors.of(labels), values, strict=True)
    chart.add("", [{"value": math.log10(value), "label": label, "color": color} for label, color, value in rows][::-1])
    return render(chart)


def _threads(slots: Sequence[Comparison], colors: _Colors) -> str:
    pygal = load_pygal()
    labels = [it.label for it in slots[0].measurements]
    chart = pygal.Bar(**_settings("Calls a second by threads", colors.of(labels)))
    chart.x_labels = [it.name.removeprefix("slot-") for it in slots]
    chart.value_formatter = figure
    for label in labels:
        chart.add(label, [it.of(label).rate.median for it in slots])
    return render(chart)


def _distribution(those: Sequence[Latencies], colors: _Colors) -> str:
    pygal = load_pygal()
    threads = those[0].threads
    title = f"Microseconds of a call by percentile, {threads} thread{'s' if threads > 1 else ''}"
    chart = pygal.XY(**_settings(title, colors.of([it.label for it in those])), show_dots=False)
    chart.value_formatter = _unlogged
    chart.x_value_formatter = lambda percent: f"{percent:.0f} %"
    chart.x_labels = [0, 25, 50, 75, 100]
    chart.y_labels = _powers([seconds * 1e6 for it in those for seconds in it.quantiles])
    for it in those:
        chart.add(it.label, [(share, math.log10(seconds * 1e6)) for share, seconds in enumerate(it.quantiles)])
    return render(chart)


def _first_and_second(language: str, starts: Sequence[Start]) -> str:
    pygal = load_pygal()
    chart = pygal.Bar(**_settings(f"{language}: seconds to the first result", _COLORS[:2]))
    chart.x_labels = [it.label for it in starts]
    chart.value_formatter = figure
    chart.add("first run", [spread(it.first).median for it in starts])
    chart.add("second run", [spread(it.second).median for it in starts])
    return render(chart)


def _growth(name: str, curves: Sequence[Curve], colors: _Colors) -> str:
    """Draw seconds by size; both axes are logarithmic, so a power law is a straight line."""
    pygal = load_pygal()
    title = f"{name}: ms by {curves[0].counted}"
    height = _HEIGHT + _ROW * (len(curves) // 2)
    chart = pygal.XY(**_settings(title, colors.of([it.label for it in curves]), height), dots_size=2)
    chart.legend_at_bottom_columns = 2
    chart.x_labels = _powers([size for it in curves for size in it.sizes])
    chart.y_labels = _powers([seconds * 1e3 for it in curves for seconds in it.seconds])
    chart.value_formatter = chart.x_value_formatter = _unlogged
    for it in curves:
        points = zip(it.sizes, it.seconds, strict=True)
        chart.add(
            f"{it.label} ^{it.exponent:.2f}",
            [(math.log10(size), math.log10(seconds * 1e3)) for size, seconds in points],
        )
    return render(chart)


def _powers(values: Sequence[float]) -> list[int]:
    """Return an axis's labels: the exponents of ten from below the least value to above the greatest."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return list(range(low, max(high, low + 1) + 1))


def _unlogged(power: float) -> str:
    return figure(10**power)
