"""The HTML report: one page that works offline, with charts and the tables below them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Final

from zenowasm.bench.charts import charts
from zenowasm.bench.results import Results
from zenowasm.bench.tables import Table, tables
from zenowasm.display import visible

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #1b1f24;
       background: #fff; color-scheme: light }
h2 { margin: 2.5rem 0 .5rem } p { max-width: 46rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dd { margin: 0 }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); gap: 1rem }
.charts > div { border: 1px solid #d8dee4; border-radius: 6px; padding: .3rem }
.charts svg { width: 100%; height: auto; display: block }
.wide { overflow-x: auto } table { border-collapse: collapse; margin: .5rem 0 }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; white-space: nowrap }
th { border-bottom: 2px solid #d8dee4 } tr.begins td { border-top: 1px solid #d8dee4 }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums }
summary { cursor: pointer; margin-top: 1rem }
"""


def to_html(results: Results) -> str:
    """Return the page: facts, absent peers, charts by section, tables."""
    return "\n".join(_page(results))


def _page(results: Results) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>zenowasm bench</title><style>{_STYLE}</style><h1>zenowasm bench</h1><dl>"
    yield from (f"<dt>{_shown(name)}</dt><dd>{_shown(fact)}</dd>" for name, fact in results.facts.items())
    yield from (f"<dt>{_shown(label)}</dt><dd>absent: {_shown(how)}</dd>" for label, how in results.absent.items())
    yield "</dl><p>All cases of a group took turns in every round. Figures are medians; ratios are taken within rounds."
    for section, drawn in groupby(charts(results), key=lambda it: it.section):
        yield f'<h2>{section}</h2><div class="charts">'
        yield from (f"<div>{it.svg}</div>" for it in drawn)
        yield "</div>"
    yield "<h2>Tables</h2>"
    for table in tables(results):
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"<details open><summary>{_shown(table.title)}</summary><p>{_shown(table.note)}</p>"
    yield '<div class="wide"><table><tr>'
    yield from (f"<th{_class(index, table)}>{_shown(name)}</th>" for index, name in enumerate(table.head))
    yield "</tr>"
    for row in table.rows:
        cells = "".join(f"<td{_class(index, table)}>{_shown(cell)}</td>" for index, cell in enumerate(row))
        yield f"<tr{' class=begins' if row[0] else ''}>{cells}</tr>"
    yield "</table></div></details>"


def _class(column: int, table: Table) -> str:
    return "" if column < table.words else " class=n"


def _shown(text: str) -> str:
    return escape(visible(text))
