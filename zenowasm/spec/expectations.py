"""Files of expected failures: the known failures of an engine, one line each.

    br_if.wast:666    function references are not built yet
    simd_lane.wast*475    vectors are not built yet

The first form names the line of a failing command. The second says that exactly so many of a script's commands fail; it
is for scripts in which most commands fail, because a list would be unreadable. Both are exact: a failure that is not
listed is reported, and so is a listed one that no longer fails. ``#`` begins a comment line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from zenowasm.spec.runner import ScriptResult

_LINE = re.compile(r"(?P<name>\S+?\.wast)(?P<kind>[:*])(?P<number>\d+)(?:\s+(?P<reason>.*))?")
_LISTED = 12
"""The maximum number of failures listed by line; above it, only their number is written."""
_REASON = 110


@frozen
class Expectation:
    """The expected failures of one script: lines with reasons, or a number of failures with one reason."""

    lines: dict[int, str] = field(factory=dict)
    count: int | None = None
    reason: str = ""


def parse(text: str) -> dict[str, Expectation]:
    """Parse the expectations, by script name; raises ``ValueError`` with the line that is invalid."""
    found: dict[str, Expectation] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or not match["reason"]:
            raise ValueError(f"line {number}: expected 'script.wast:LINE reason' or 'script.wast*COUNT reason'")
        name, known = match["name"], found.get(match["name"])
        if match["kind"] == "*":
            if known is not None:
                raise ValueError(f"line {number}: {name} is listed twice")
            found[name] = Expectation(count=int(match["number"]), reason=match["reason"])
        elif known is not None and known.count is not None:
            raise ValueError(f"line {number}: {name} is listed twice")
        else:
            found.setdefault(name, Expectation()).lines[int(match["number"])] = match["reason"]
    return found


def differences(result: ScriptResult, expected: Expectation | None) -> list[str]:
    """Return the differences, a line each: failures that are not expected, and expectations that are outdated."""
    expected = expected or Expectation()
    failures, name = result.failures(), result.path.name
    if expected.count is not None:
        if len(failures) == expected.count:
            return []
        return [f"{name}: {len(failures)} commands fail, {expected.count} are expected to", *_list(result)[:_LISTED]]
    news = [line for line, it in zip(_list(result), failures, strict=True) if it.line not in expected.lines]
    failing = {it.line for it in failures}
    return news + [f"{name}:{line}: stale, this no longer fails" for line in sorted(set(expected.lines) - failing)]


def render(results: Iterable[ScriptResult], former: dict[str, Expectation]) -> str:
    """Return the file that expects exactly these failures; it keeps the reasons in ``former`` that still apply."""
    lines: list[str] = []
    for result in results:
        name, known = result.path.name, former.get(result.path.name, Expectation())
        failures = result.failures()
        if len(failures) > _LISTED:
            reason = known.reason or _shorten(failures[0].reason)
            lines.append(f"{name}*{len(failures)}    {reason}")
        else:
            reasons = {it.line: known.lines.get(it.line) or _shorten(it.reason) for it in reversed(failures)}
            lines += [f"{name}:{line}    {reason}" for line, reason in sorted(reasons.items())]
    return "".join(f"{line}\n" for line in lines)


def _list(result: ScriptResult) -> list[str]:
    return [f"{result.path.name}:{it.line}: {it.command}: {it.reason}" for it in result.failures()]


def _shorten(reason: str) -> str:
    text = " ".join(reason.split()) or "fails"
    return text if len(text) <= _REASON else f"{text[: _REASON - 3]}..."
