"""A page that shows the sizes of a module's parts as a treemap and a table; it needs pygal (extra ``bench``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from zenowasm.display import visible
from zenowasm.svg import load_pygal, render
from zenowasm.tools.size import Grouping, Item, divided, grouped

_MOST_AREAS: Final = 30
"""The maximum number of areas for a package, or for all packages; the smallest are merged into one area."""
_MOST_ROWS: Final = 200
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1b1f24;
       background: #fff; color-scheme: light }
svg { width: 100%; height: auto } table { border-collapse: collapse }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; overflow-wrap: anywhere }
th { border-bottom: 2px solid #d8dee4 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
"""


def to_html(title: str, items: Sequence[Item]) -> str:
    """Return the page."""
    return "\n".join(_page(title, items))


def _page(title: str, items: Sequence[Item]) -> Iterator[str]:
    total = sum(it.size for it in items)
    shown = escape(visible(title))
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{shown}</title><style>{_STYLE}</style><h1>{shown}: {total:,} bytes</h1>"
    yield _treemap(items)
    for grouping in (Grouping.SECTION, Grouping.PACKAGE, Grouping.FUNCTION):
        yield f'<h2>By {grouping.value}</h2><table><tr><th class="n">bytes<th class="n">share<th>{grouping.value}'
        for name, size in grouped(items, grouping)[:_MOST_ROWS]:
            yield f'<tr><td class="n">{size:,}<td class="n">{size / total:.1%}<td>{escape(visible(name))}'
        yield "</table>"


def _treemap(items: Sequence[Item]) -> str:
    pygal = load_pygal()
    chart = pygal.Treemap(
        width=1200,
        height=700,
        js=(),
        disable_xml_declaration=True,
        truncate_legend=40,
        style=pygal.style.Style(background="transparent", plot_background="transparent", legend_font_size=12),
    )
    chart.value_formatter = lambda size: f"{size:,} bytes"
    packages = grouped(items, Grouping.PACKAGE)
    by_package = divided(items, Grouping.PACKAGE)
    for package, _ in packages[:_MOST_AREAS]:
        chart.add(_label(package), _areas(grouped(by_package[package], Grouping.FUNCTION)))
    rest = sum(size for _, size in packages[_MOST_AREAS:])
    if rest:
        chart.add("others", [{"value": rest, "label": f"{len(packages) - _MOST_AREAS} more"}])
    return render(chart)


def _areas(sums: Sequence[tuple[str, int]]) -> list[dict[str, int | str]]:
    areas: list[dict[str, int | str]] = [{"value": size, "label": _label(name)} for name, size in sums[:_MOST_AREAS]]
    rest = sum(size for _, size in sums[_MOST_AREAS:])
    return [*areas, {"value": rest, "label": f"{len(sums) - _MOST_AREAS} more"}] if rest else areas


def _label(name: str) -> str:
    return visible(name).encode("ascii", "backslashreplace").decode()
