"""Reads audit logs and counts their records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from zenowasm.plugin.observing.metrics import MOST_ENTRIES, OTHERS, TimeHistogram, Times
from zenowasm.plugin.observing.trace import Decision

MOST_LINE: Final = 1 << 16
"""The maximum length of a line in bytes; every record is shorter."""


@frozen
class FunctionStats:
    """One plugin's calls of one host function, by decision, with the bytes from and to the plugin."""

    plugin: str
    function: str
    decisions: dict[str, int]
    time: Times
    bytes_in: int
    bytes_out: int


@frozen
class AuditStats:
    """A summary of audit logs. ``first`` and ``last`` are times as logged; ``unreadable`` counts invalid lines."""

    records: int
    unreadable: int
    first: str
    last: str
    functions: tuple[FunctionStats, ...]


@define(eq=False)
class _Counted:
    decisions: dict[str, int] = field(factory=dict)
    time: TimeHistogram = field(factory=TimeHistogram)
    bytes_in: int = 0
    bytes_out: int = 0


def rotated(path: Path) -> list[Path]:
    """Return the existing files of an audit log, oldest first; ``path`` itself is always included."""
    found = [path]
    while (older := path.with_name(f"{path.name}.{len(found)}")).is_file():
        found.append(older)
    return found[::-1]


def read_audit(files: Iterable[Path]) -> AuditStats:
    """Count the records of audit logs, in the order of the files; raises ``OSError`` if a file cannot be read."""
    counted: dict[tuple[str, str], _Counted] = {}
    records = unreadable = 0
    first = last = ""
    for line in _lines(files):
        record = _record(line)
        if record is None:
            unreadable += 1
            continue
        records += 1
        first = first or record["time"]
        last = record["time"]
        key = (record["plugin"], record["function"])
        if key not in counted and len(counted) >= MOST_ENTRIES:
            key = (OTHERS, OTHERS)
        entry = counted.setdefault(key, _Counted())
        entry.decisions[record["decision"]] = entry.decisions.get(record["decision"], 0) + 1
        entry.time.add(int(record["seconds"] * 1e9))
        entry.bytes_in += record["bytes_in"]
        entry.bytes_out += record["bytes_out"]
    functions = (
        FunctionStats(plugin, function, it.decisions, it.time.times(), it.bytes_in, it.bytes_out)
        for (plugin, function), it in sorted(counted.items())
    )
    return AuditStats(records, unreadable, first, last, tuple(functions))


def _lines(files: Iterable[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            while line := file.readline(MOST_LINE):
                yield line


_DECISIONS = frozenset(it.value for it in Decision)
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "time": str,
    "plugin": str,
    "function": str,
    "decision": str,
    "seconds": (int, float),
    "bytes_in": int,
    "bytes_out": int,
}


def _record(line: bytes) -> dict[str, Any] | None:
    """Parse a record, or return ``None`` for any other line."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(key), kind) for key, kind in _TYPES.items()):
        return None
    known = value["decision"] in _DECISIONS and 0 <= value["seconds"] < 1e9
    return value if known else None
