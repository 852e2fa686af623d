"""HTML tables for objects displayed in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from zenowasm.display import visible

_SHOWN = 40


def html_table(title: str, rows: Iterable[Sequence[str]], headings: Sequence[str] = ()) -> str:
    """Return a small HTML table; a long one is truncated."""
    lines = list(rows)
    head = f"<tr>{''.join(f'<th>{escape(it)}</th>' for it in headings)}</tr>" if headings else ""
    body = "".join(
        f"<tr>{''.join(f'<td><code>{escape(visible(cell))}</code></td>' for cell in row)}</tr>"
        for row in lines[:_SHOWN]
    )
    more = f"<tr><td colspan={len(lines[0])}>and {len(lines) - _SHOWN} more</td></tr>" if len(lines) > _SHOWN else ""
    return f"<table><caption>{escape(title)}</caption>{head}{body}{more}</table>"
