"""How modules, instances and statistics look in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from zenowasm.display import visible

_SHOWN = 40


class Row(NamedTuple):
    """A line of a table: what kind of thing it is, its name, and its type or value."""

    kind: str
    name: str
    detail: str


def html_table(title: str, rows: Iterable[Row]) -> str:
    """Return a small table in HTML; of a long one only what comes first."""
    lines = list(rows)
    body = "".join(
        f"<tr>{''.join(f'<td><code>{escape(visible(cell))}</code></td>' for cell in row)}</tr>"
        for row in lines[:_SHOWN]
    )
    more = f"<tr><td colspan=3>and {len(lines) - _SHOWN} more</td></tr>" if len(lines) > _SHOWN else ""
    return f"<table><caption>{escape(title)}</caption>{body}{more}</table>"


def kilobytes(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
