"""The tracefile of lcov (geninfo(1), "TRACEFILE FORMAT"), which editors and coverage services read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from zenowasm.profiling.coverage import FileCoverage, ModuleCoverage


def to_lcov(modules: Sequence[ModuleCoverage]) -> Iterator[str]:
    """Yield the lines of a tracefile: a record for each source file, by its present path."""
    for module in modules:
        for file in module.files:
            yield from _record(file, module.program.source.path(file.path))


def _record(file: FileCoverage, path: Path) -> Iterator[str]:
    yield "TN:"
    yield f"SF:{_line(str(path))}"
    functions = [(it.line.line, _line(it.name), it.calls) for it in file.functions if it.line is not None]
    yield from (f"FN:{line},{name}" for line, name, _ in functions)
    yield from (f"FNDA:{calls},{name}" for _, name, calls in functions)
    yield from (f"FNF:{len(functions)}", f"FNH:{file.functions_hit}")
    for number, line in sorted(file.lines.items()):
        yield f"DA:{number},{line.count}"
    yield from (f"LF:{len(file.lines)}", f"LH:{file.lines_hit}", "end_of_record")


def _line(text: str) -> str:
    """Return a name without line ends, of which it may have any."""
    return " ".join(text.splitlines())
