"""Source lines and the addresses of their code (DWARF 5, 6.2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import join, normpath
from typing import Any

from attrs import frozen
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.dwarfinfo import DWARFInfo

from zenowasm.debuginfo.reading import reading
from zenowasm.debuginfo.sections import GONE

_MOST_ROWS = 2_000_000
"""The maximum number of rows read from a unit: more than any compiler makes for a file."""


@frozen(order=True)
class SourceLine:
    """A line of a file, counted from 1; ``column`` is 0 if the compiler gives none."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file.rpartition('/')[2]}:{self.line}"


@frozen
class Row:
    """The source of the code from ``address`` up to the next row; ``None`` if the code has no source.

    A debugger stops at rows that begin a statement.
    """

    address: int
    source: SourceLine | None
    is_statement: bool


class UnitLines:
    """The line table of one unit, read on first use."""

    def __init__(self, dwarf: DWARFInfo, unit: CompileUnit) -> None:
        self._dwarf = dwarf
        self._unit = unit

    @cached_property
    def _program(self) -> Any:
        with reading("a line table"):
            return self._dwarf.line_program_for_CU(self._unit)

    @cached_property
    def files(self) -> Mapping[int, str]:
        """The paths of the unit's files, by number."""
        if self._program is None:
            return {}
        with reading("the files of a line table"):
            header = self._program.header
            top = self._unit.get_top_DIE().attributes
            base = _text(top["DW_AT_comp_dir"].value) if "DW_AT_comp_dir" in top else ""
            is_5 = header["version"] >= 5
            folders = [_text(it) for it in header["include_directory"]]
            folders = [join(base, it) for it in (folders if is_5 else ["", *folders])]
            found = {}
            for number, entry in enumerate(header["file_entry"], 0 if is_5 else 1):
                folder = folders[entry.dir_index] if entry.dir_index < len(folders) else base
                found[number] = normpath(join(folder, _text(entry.name)))
            return found

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows in order of address."""
        with reading("the rows of a line table"):
            return tuple(sorted(self._sequences(), key=lambda row: row.address))

    def _sequences(self) -> Iterator[Row]:
        rows: list[Row] = []
        if self._program is None:
            return
        for count, entry in enumerate(self._program.get_entries()):
            if count > _MOST_ROWS:
                raise ValueError(f"more than {_MOST_ROWS} rows")
            state = entry.state
            if state is None:
                continue
            source = None if state.end_sequence or not state.line else self._source(state)
            rows.append(Row(state.address, source, bool(state.is_stmt)))
            if state.end_sequence:
                if rows[0].address not in GONE:
                    yield from rows
                rows = []

    def _source(self, state: Any) -> SourceLine | None:
        file = self.files.get(state.file)
        return None if file is None else SourceLine(file, state.line, state.column)

    @cached_property
    def statements(self) -> Mapping[int, SourceLine | None]:
        """The source lines of the statements, by the address at which each begins."""
        return {row.address: row.source for row in self.rows if row.is_statement}

    @cached_property
    def _addresses(self) -> Sequence[int]:
        return [row.address for row in self.rows]

    def row_at(self, address: int) -> Row | None:
        """Return the row of an address."""
        index = bisect_right(self._addresses, address) - 1
        return self.rows[index] if index >= 0 else None


def _text(data: Any) -> str:
    return data.decode(errors="replace") if isinstance(data, bytes) else str(data)
