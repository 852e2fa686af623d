"""Reports for the terminal and for programs; ``junit`` and ``html`` write the other formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import asdict
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zenowasm.display import visible
from zenowasm.spec.runner import ScriptResult, Status
from zenowasm.spec.summary import Counts, SuiteResult, counts_of, proposal_of


def table(suites: Sequence[SuiteResult]) -> Table:
    """Return one row per script and one group of columns per engine, with the totals at the foot."""
    result = Table(box=SIMPLE_HEAD, show_footer=True, padding=(0, 1))
    result.add_column("script", footer="total", no_wrap=True)
    for suite in suites:
        cells = _cells(suite.counts, suite.seconds)
        # The engine's name is above the first of its columns.
        for head, footer in zip(
            (f"{suite.backend}\npass", "\nfail", "\nskip", "\nunread", "\nseconds"), cells, strict=True
        ):
            result.add_column(head, footer=footer, justify="right", no_wrap=True)
    for scripts in zip(*[suite.scripts for suite in suites], strict=True):
        row = [cell for script in scripts for cell in _cells(counts_of(script), script.seconds)]
        result.add_row(Text(visible(scripts[0].path.name)), *row)
    return result


def failure_lines(suite: SuiteResult) -> Iterator[str]:
    """Yield one line per failure, beginning with the place in the format of editors and compilers."""
    for script in suite.scripts:
        for it in script.failures():
            yield f"{script.path}:{it.line}: {suite.backend}: {it.command}: {it.reason}"


def as_json(suites: Sequence[SuiteResult]) -> dict[str, Any]:
    """Return the results as a JSON document, in which passes are only counted."""
    return {
        "format": 1,
        "backends": [
            {
                "backend": suite.backend,
                "version": suite.version,
                **asdict(suite.counts),
                "scripts": [_script(script) for script in suite.scripts],
            }
            for suite in suites
        ],
    }


def _script(script: ScriptResult) -> dict[str, Any]:
    return {
        "path": str(script.path),
        "proposal": proposal_of(script.path.name),
        "seconds": round(script.seconds, 3),
        **asdict(counts_of(script)),
        "outcomes": [
            {"line": it.line, "command": it.command, "status": it.status.value, "reason": it.reason}
            for it in script.outcomes
            if it.status is not Status.PASS
        ],
    }


def _cells(counts: Counts, seconds: float) -> tuple[str | Text, ...]:
    failed = Text(str(counts.failed), "bold red" if counts.failed else "")
    unreadable = Text(str(counts.unreadable), "bold red" if counts.unreadable else "")
    return str(counts.passed), failed, str(counts.skipped), unreadable, f"{seconds:.1f}"
