"""The reports of a conformance run, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zenowasm.backends.protocol import Engine
from zenowasm.conformance.judge import Difference
from zenowasm.conformance.runner import Verdict
from zenowasm.display import visible
from zenowasm.spec.runner import Outcome, ScriptResult, Status
from zenowasm.spec.summary import SuiteResult

FORMAT = 1
"""The version of the JSON report, incremented by every change that affects readers."""


def as_json(verdicts: Sequence[Verdict], engines: Sequence[Engine]) -> dict[str, Any]:
    """Return the whole run as a JSON document, with only the names of scenarios that passed."""
    return {
        "format": FORMAT,
        "backends": [{"name": engine.name, "version": engine.version} for engine in engines],
        "passed": sum(verdict.passed for verdict in verdicts),
        "failed": sum(not verdict.passed for verdict in verdicts),
        "scenarios": [_scenario(verdict) for verdict in verdicts],
    }


def table(verdicts: Sequence[Verdict], engines: Sequence[Engine]) -> Table:
    """Return one row per chapter: the number of scenarios, of failures on each engine, and of differences."""
    result = Table(box=SIMPLE_HEAD, show_footer=True)
    chapters = dict.fromkeys(verdict.scenario.chapter for verdict in verdicts)
    rows = [(chapter, [it for it in verdicts if it.scenario.chapter == chapter]) for chapter in chapters]
    result.add_column("chapter", footer="total")
    result.add_column("scenarios", footer=str(len(verdicts)), justify="right")
    for engine in engines:
        result.add_column(f"fail on {engine.name}", footer=_failing(verdicts, engine), justify="right")
    result.add_column("differ", footer=_differing(verdicts), justify="right")
    for chapter, those in rows:
        result.add_row(
            Text(visible(chapter)), str(len(those)), *(_failing(those, engine) for engine in engines), _differing(those)
        )
    return result


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield one line per fault and difference, beginning with the place in the form of compiler messages."""
    for verdict in verdicts:
        scenario = verdict.scenario
        place = f"{scenario.file}:{scenario.line}: {scenario.name}"
        for name, faults in verdict.faults.items():
            yield from (f"{place}: {name}: {fault}" for fault in faults)
        if verdict.difference is not None:
            yield f"{place}: {_difference(verdict.difference, verdict.engines)}"


def suites(verdicts: Sequence[Verdict], engines: Sequence[Engine]) -> list[SuiteResult]:
    """Convert the run to script results, for the reports of ``zenowasm.spec``.

    A scenario file is a script, and a scenario is a command. A difference is a failure on both engines.
    """
    files: dict[Path, list[Verdict]] = {}
    for verdict in verdicts:
        files.setdefault(verdict.scenario.file, []).append(verdict)
    return [
        SuiteResult(engine.name, engine.version, tuple(_script(file, those, engine) for file, those in files.items()))
        for engine in engines
    ]


def _script(file: Path, verdicts: Sequence[Verdict], engine: Engine) -> ScriptResult:
    outcomes = tuple(_outcome(verdict, engine.name) for verdict in verdicts)
    return ScriptResult(file, outcomes, sum(verdict.seconds[engine.name] for verdict in verdicts))


def _outcome(verdict: Verdict, engine: str) -> Outcome:
    reasons = list(verdict.faults[engine])
    if verdict.difference is not None and engine in verdict.engines:
        reasons.append(_difference(verdict.difference, verdict.engines))
    status = Status.FAIL if reasons else Status.PASS
    return Outcome(verdict.scenario.line, verdict.scenario.name, status, "; ".join(reasons))


def _difference(it: Difference, engines: tuple[str, str]) -> str:
    left, right = engines
    return f"{it.path}: {left} has {it.left!r}, {right} has {it.right!r}"


def _failing(verdicts: Sequence[Verdict], engine: Engine) -> str:
    return str(sum(bool(verdict.faults[engine.name]) for verdict in verdicts))


def _differing(verdicts: Sequence[Verdict]) -> str:
    return str(sum(verdict.difference is not None for verdict in verdicts))


def _scenario(verdict: Verdict) -> dict[str, Any]:
    scenario = verdict.scenario
    report: dict[str, Any] = {
        "file": scenario.file.name,
        "line": scenario.line,
        "chapter": scenario.chapter,
        "name": scenario.name,
        "source": scenario.source,
        "passed": verdict.passed,
    }
    if not verdict.passed:
        it = verdict.difference
        left, right = verdict.engines
        report["faults"] = {name: list(faults) for name, faults in verdict.faults.items() if faults}
        report["first_difference"] = None if it is None else {"path": it.path, left: it.left, right: it.right}
        report["observations"] = verdict.observations
    return report
