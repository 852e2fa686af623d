"""The tables as a page of the documentation, between a handwritten head and foot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from zenowasm.bench.errors import BenchError
from zenowasm.bench.results import Results
from zenowasm.bench.tables import Table, tables
from zenowasm.display import visible

BEGIN: Final = "<!-- zenowasm bench: begin -->"
END: Final = "<!-- zenowasm bench: end -->"


@frozen
class Page:
    """A page without the generated part between its two marks."""

    before: str
    after: str

    @classmethod
    def read(cls, text: str) -> Page:
        """Split a page at its two marks; raises ``BenchError`` if one is missing."""
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise BenchError(f"the page has no lines {BEGIN} and {END}, between which the tables belong")
        return cls(before, after)

    def with_tables(self, results: Results) -> str:
        """Return the page with the tables of a run."""
        return self.before + "\n".join([BEGIN, *_lines(results), END]) + self.after


def _lines(results: Results) -> Iterator[str]:
    yield ""
    yield "| fact | of this run |"
    yield "|---|---|"
    yield from (_row((name, fact)) for name, fact in results.facts.items())
    yield from (_row((label, f"absent: {how}")) for label, how in results.absent.items())
    for table in tables(results):
        yield ""
        yield f"## {table.title}"
        yield ""
        yield from _table(table)
    yield ""


def _table(table: Table) -> Iterator[str]:
    if table.note:
        yield from (visible(table.note), "")
    yield _row(table.head)
    yield "|" + "|".join("---" if index < table.words else "--:" for index in range(len(table.head))) + "|"
    yield from (_row(row) for row in table.rows)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(visible(cell).replace("|", "\\|") for cell in cells) + " |"
