"""The HTML report: one self-contained page with the engines side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from attrs import Factory, frozen

from zenowasm.display import visible
from zenowasm.spec.runner import ScriptResult
from zenowasm.spec.suite import COMMIT, URL
from zenowasm.spec.summary import Counts, SuiteResult, counts_of, proposal_of, total_of

SUITE_URL = f"{URL}/blob/{COMMIT}"
"""The web address of the pinned official suite, whose files have a link for each line."""


@frozen
class About:
    """The description of a page: its title, what it groups files by, and facts of the run such as date and command.

    ``source_url`` is the web address of the files; a file's name and ``#L`` with the line are appended. Without it,
    lines are not links.
    """

    title: str = "WebAssembly conformance"
    file: str = "script"
    group: str = "proposal"
    group_of: Callable[[str], str] = proposal_of
    source_url: str = SUITE_URL
    facts: Mapping[str, str] = Factory(dict)


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
       color: #1b1f24; background: #fff }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; padding: .2rem .7rem; border-bottom: 1px solid #d8dee4; vertical-align: top }
td, li, dd { overflow-wrap: anywhere }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 4.5rem }
th.engine { text-align: center } td.engine { display: none; font-weight: 600 }
.good { color: #176f2c } .bad { color: #b42318; font-weight: 600 } .none { color: #6a737d }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dd { margin: 0 }
summary { cursor: pointer } code { font-size: .9em; white-space: pre-wrap; overflow-wrap: anywhere }
li { margin: .2rem 0 } ul { padding-left: 1.2rem }
body:has(#failed:checked) .passed { display: none }
@media (max-width: 50rem) {
  thead { display: none } table, tbody { display: block }
  tr { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); padding: .3rem 0;
       border-bottom: 1px solid #d8dee4 }
  th, td { border: 0; padding: 0 .3rem } td:not(.n), tr > th:first-child { grid-column: 1 / -1 }
  th.n, td.n { width: auto; text-align: left } td.engine { display: block }
  td.n::before { content: attr(data-head); display: block; font-size: .75em; font-weight: 400; color: #6a737d }
}
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } th, td, tr { border-color: #30363d }
  .good { color: #56d364 } .bad { color: #ff7b72 } a { color: #79c0ff } }
"""
_COUNTED = ("passed", "failed", "skipped")
_HEADS = (*_COUNTED, "seconds")


def to_html(suites: Sequence[SuiteResult], about: About | None = None) -> str:
    """Return the page: facts and totals, then groups, files and failures, each failure with its line."""
    return "\n".join(_page(suites, about or About()))


def _page(suites: Sequence[SuiteResult], about: About) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_shown(about.title)}</title><style>{_STYLE}</style>"
    yield f"<h1>{_shown(about.title)}</h1><dl>"
    engines = {"engines": ", ".join(f"{it.backend} {it.version}" for it in suites)}
    yield from (f"<dt>{_shown(name)}</dt><dd>{_shown(fact)}</dd>" for name, fact in {**about.facts, **engines}.items())
    yield '</dl><p><label><input type="checkbox" id="failed"> show only what failed</label></p>'
    groups = _groups(suites, about)
    yield _head(suites, about.group)
    for group, rows in groups.items():
        columns = list(zip(*rows, strict=True))
        yield f'<tr{_passed(columns)}><td><a href="#{quote(group)}">{_shown(group)}</a></td>'
        for suite, column in zip(suites, columns, strict=True):
            yield _cells(suite, total_of(column), sum(it.seconds for it in column))
        yield "</tr>"
    yield f"<tr><td><b>total</b></td>{''.join(_cells(it, it.counts, it.seconds) for it in suites)}</tr></table>"
    for group, rows in groups.items():
        yield f'<section{_passed(rows)}><h2 id="{_shown(group)}">{_shown(group)}</h2>{_head(suites, about.file)}'
        for row in rows:
            yield f"<tr{_passed([row])}><td>{_shown(row[0].path.name)}</td>"
            for suite, script in zip(suites, row, strict=True):
                yield _cells(suite, counts_of(script), script.seconds)
            yield "</tr>"
            yield from _failures(suites, row, about.source_url)
        yield "</table></section>"
    yield "</html>"


def _head(suites: Sequence[SuiteResult], first: str) -> str:
    engines = "".join(f'<th class="engine" colspan="{len(_HEADS)}">{_shown(it.backend)}</th>' for it in suites)
    heads = "".join(f'<th class="n">{head}</th>' for _ in suites for head in _HEADS)
    return f'<table><thead><tr><th rowspan="2">{_shown(first)}</th>{engines}</tr><tr>{heads}</tr></thead>'


def _groups(suites: Sequence[SuiteResult], about: About) -> dict[str, list[tuple[ScriptResult, ...]]]:
    groups: dict[str, list[tuple[ScriptResult, ...]]] = {}
    for row in zip(*[it.scripts for it in suites], strict=True):
        groups.setdefault(about.group_of(row[0].path.name), []).append(row)
    return dict(sorted(groups.items()))


def _passed(rows: Sequence[Sequence[ScriptResult]]) -> str:
    """Return the attribute by which the filter hides rows without failures."""
    return "" if any(script.failures() for row in rows for script in row) else ' class="passed"'


def _cells(suite: SuiteResult, counts: Counts, seconds: float) -> str:
    cells = [f'<td class="engine">{_shown(suite.backend)}</td>']
    for head in _COUNTED:
        number = getattr(counts, head)
        kind = {"passed": "good", "failed": "bad"}.get(head, "none") if number else "none"
        cells.append(f'<td class="n {kind}" data-head="{head}">{number}</td>')
    if counts.unreadable:
        cells[2] = f'<td class="n bad" data-head="failed">{_unreadable(counts)}</td>'
    cells.append(f'<td class="n" data-head="seconds">{seconds:.1f}</td>')
    return "".join(cells)


def _unreadable(counts: Counts) -> str:
    return f"{counts.failed or ''}<br>{counts.unreadable} not readable".removeprefix("<br>")


def _failures(suites: Sequence[SuiteResult], row: Sequence[ScriptResult], source_url: str) -> Iterator[str]:
    if not any(it.failures() for it in row):
        return
    path = row[0].path
    lines = _source(path)
    yield f'<tr><td colspan="{1 + len(suites) * len(_HEADS)}"><details open><summary>failures</summary><ul>'
    for suite, script in zip(suites, row, strict=True):
        for it in script.failures():
            link = f"{source_url}/{quote(os.fsencode(path.name))}#L{it.line}"
            place = f'<a href="{escape(link)}">line {it.line}</a>' if source_url else f"line {it.line}"
            yield f"<li>{place} <b>{_shown(suite.backend)}</b> {_shown(it.command)}: {_shown(it.reason)}"
            if 0 < it.line <= len(lines):
                yield f"<br><code>{_shown(lines[it.line - 1].strip()[:200])}</code>"
            yield "</li>"
    yield "</ul></details></td></tr>"


def _source(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []


def _shown(text: str) -> str:
    return escape(visible(text))
