"""The report for people: one self-contained page with the engines side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from zenowasm.display import visible
from zenowasm.spec.runner import ScriptResult
from zenowasm.spec.suite import COMMIT, URL
from zenowasm.spec.summary import Counts, SuiteResult, counts_of, proposal_of, total_of

SUITE_URL = f"{URL}/blob/{COMMIT}"
"""Where the pinned official suite can be read line by line."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
       color: #1b1f24; background: #fff }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; padding: .2rem .7rem; border-bottom: 1px solid #d8dee4; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 12rem }
.good { color: #176f2c } .bad { color: #b42318; font-weight: 600 } .skip { color: #6a737d }
summary { cursor: pointer } code { font-size: .9em; white-space: pre-wrap; overflow-wrap: anywhere }
li { margin: .2rem 0 }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } th, td { border-color: #30363d }
  .good { color: #56d364 } .bad { color: #ff7b72 } a { color: #79c0ff } }
"""


def to_html(suites: Sequence[SuiteResult], source_url: str = SUITE_URL) -> str:
    """Return the page: totals, then proposals, scripts and failures, each failure linked to its line.

    ``source_url`` is where the scripts can be read: a script's name and ``#L`` with the line are appended.
    """
    return "\n".join(_page(suites, source_url))


def _page(suites: Sequence[SuiteResult], source_url: str) -> Iterator[str]:
    heads = "".join(f"<th>{_shown(it.backend)} {_shown(it.version)}</th>" for it in suites)
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>WebAssembly conformance</title><style>{_STYLE}</style>"
    yield "<h1>WebAssembly conformance</h1>"
    yield f"<table><tr><th>proposal</th>{heads}</tr>"
    groups = _by_proposal(suites)
    for proposal, rows in groups.items():
        cells = "".join(_cell(total_of(column)) for column in zip(*rows, strict=True))
        yield f'<tr><td><a href="#{quote(proposal)}">{_shown(proposal)}</a></td>{cells}</tr>'
    yield f"<tr><th>total</th>{''.join(_cell(it.counts) for it in suites)}</tr></table>"
    for proposal, rows in groups.items():
        yield f'<h2 id="{_shown(proposal)}">{_shown(proposal)}</h2>'
        yield f"<table><tr><th>script</th>{heads}</tr>"
        for row in rows:
            yield f"<tr><td>{''.join(_script(suites, row, source_url))}</td>"
            yield f"{''.join(_cell(counts_of(it)) for it in row)}</tr>"
        yield "</table>"
    yield "</html>"


def _by_proposal(suites: Sequence[SuiteResult]) -> dict[str, list[tuple[ScriptResult, ...]]]:
    groups: dict[str, list[tuple[ScriptResult, ...]]] = {}
    for row in zip(*[it.scripts for it in suites], strict=True):
        groups.setdefault(proposal_of(row[0].path.name), []).append(row)
    return dict(sorted(groups.items()))


def _cell(counts: Counts) -> str:
    parts = [f'<span class="{"bad" if counts.failed else "good"}">{counts.passed} of {counts.total}</span>']
    if counts.failed:
        parts.append(f'<span class="bad">{counts.failed} failed</span>')
    if counts.skipped:
        parts.append(f'<span class="skip">{counts.skipped} skipped</span>')
    return f'<td class="n">{"<br>".join(parts)}</td>'


def _script(suites: Sequence[SuiteResult], row: Sequence[ScriptResult], source_url: str) -> Iterator[str]:
    path = row[0].path
    if not any(it.failures() for it in row):
        yield _shown(path.name)
        return
    yield f"<details><summary>{_shown(path.name)}</summary><ul>"
    lines = _source(path)
    for suite, script in zip(suites, row, strict=True):
        for it in script.failures():
            link = f"{source_url}/{quote(os.fsencode(path.name))}#L{it.line}"
            yield (
                f'<li><a href="{escape(link)}">line {it.line}</a> <b>{_shown(suite.backend)}</b> '
                f"{_shown(it.command)}: {_shown(it.reason)}"
            )
            if 0 < it.line <= len(lines):
                yield f"<br><code>{_shown(lines[it.line - 1].strip()[:200])}</code>"
            yield "</li>"
    yield "</ul></details>"


def _source(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []


def _shown(text: str) -> str:
    return escape(visible(text))
