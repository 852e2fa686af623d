"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from zenowasm.bench.results import Results
from zenowasm.bench.tables import Table, tables
from zenowasm.display import visible


def shown(results: Results) -> Iterator[RichTable]:
    """Yield the tables to print."""
    yield from map(_rich, tables(results))


def _rich(table: Table) -> RichTable:
    made = RichTable(title=table.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))
    for index, name in enumerate(table.head):
        made.add_column(name, justify="left" if index < table.words else "right", no_wrap=True)
    for row in table.rows:
        if row[0] and made.row_count:
            made.add_section()
        made.add_row(*(Text(visible(cell)) for cell in row))
    return made
