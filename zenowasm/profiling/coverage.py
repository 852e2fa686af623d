"""Coverage: which instructions, lines and functions were executed, and how often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from attrs import define, field, frozen

from zenowasm.debugger.program import Program
from zenowasm.debugger.rust_names import readable
from zenowasm.debuginfo.lines import SourceLine
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.profiling.counting import FunctionCounts, InstructionCounter


@define
class LineCount:
    """A line: how often it was executed, and the number of instructions executed for it.

    Of the instructions of a line in one function, the one that was executed most often counts; functions add up.
    """

    count: int = 0
    instructions: int = 0


@frozen
class FunctionCoverage:
    """A function: its name and index, the line at which it begins, its number of instructions, how often it was called,
    and how often each instruction was executed; ``counts`` is empty for a function that was never called.
    """

    name: str
    index: int
    line: SourceLine | None
    size: int
    calls: int
    counts: Sequence[int] = field(repr=False)

    @property
    def executed(self) -> int:
        """The number of its instructions that were executed at least once."""
        return sum(map(bool, self.counts))

    @property
    def instructions(self) -> int:
        """The number of executed instructions, each as often as it was executed."""
        return sum(self.counts)


@define
class FileCoverage:
    """A source file: its path at compile time, the lines that have code, and the functions that begin in it."""

    path: str
    lines: dict[int, LineCount] = field(factory=lambda: defaultdict(LineCount))
    functions: list[FunctionCoverage] = field(factory=list)

    @property
    def lines_hit(self) -> int:
        """The number of lines that were executed."""
        return sum(it.count > 0 for it in self.lines.values())

    @property
    def functions_hit(self) -> int:
        """The number of functions that were called."""
        return sum(it.calls > 0 for it in self.functions)

    @property
    def instructions(self) -> int:
        """The number of instructions executed for its lines."""
        return sum(it.instructions for it in self.lines.values())


class ModuleCoverage:
    """The coverage of one module; ``owner`` is the displayed name of its guests.

    ``wanted`` selects the source files, by their paths at compile time; it is asked with an empty path for a function
    whose file is unknown.
    """

    def __init__(
        self, owner: str, program: Program, counts: Mapping[int, FunctionCounts], wanted: Callable[[str], bool]
    ) -> None:
        self.owner = owner
        self.program = program
        self._counts = counts
        self._wanted = wanted

    @property
    def problem(self) -> str | None:
        """Why the source lines are not known, ``None`` if they are."""
        if self.program.source.info is None:
            what = "it has no debugging information: build it with -g, or with `plugin build --debug`"
            return f"the source lines of {self.owner} are unknown: {self.program.source.problem or what}"
        return self.program.source.problem

    @cached_property
    def functions(self) -> Sequence[FunctionCoverage]:
        """The module's own functions, in order."""
        return [it for it, _ in self._read]

    @property
    def wanted_functions(self) -> Sequence[FunctionCoverage]:
        """The module's own functions that begin in a selected source file."""
        return [it for it in self.functions if self._wanted("" if it.line is None else it.line.file)]

    @cached_property
    def files(self) -> Sequence[FileCoverage]:
        """The source files with code, by path."""
        files: dict[str, FileCoverage] = {}

        def file(path: str) -> FileCoverage:
            return files.setdefault(path, FileCoverage(path))

        for function, lines in self._read:
            for place, found in _by_line(lines, function.counts).items():
                if self._wanted(place[0]):
                    line = file(place[0]).lines[place[1]]
                    line.count += found.count
                    line.instructions += found.instructions
            if function.line is not None and self._wanted(function.line.file):
                file(function.line.file).functions.append(function)
        return [files[path] for path in sorted(files)]

    @cached_property
    def _read(self) -> Sequence[tuple[FunctionCoverage, Sequence[SourceLine | None]]]:
        found = []
        program = self.program
        for number, code in enumerate(program.valid.module.codes):
            index = program.imported + number
            try:
                offsets = code.body().expression.offsets
            except (DecodeError, LimitError):  # of a function that was never called, in a module validated lazily
                continue
            lines = program.source.lines(offsets)
            first = next((line for line in lines if line is not None), None)
            name = readable(program.function_name(index))
            counts = self._counts.get(index) or FunctionCounts(0, [])
            function = FunctionCoverage(name, index, first, len(offsets), counts.calls, counts.instructions)
            found.append((function, lines))
        return found


def coverage_of(
    counter: InstructionCounter,
    source_maps: Mapping[str, str] = MappingProxyType({}),
    wanted: Callable[[str], bool] = lambda path: True,
) -> Sequence[ModuleCoverage]:
    """Return the coverage of all modules that ran; ``source_maps`` is as in ``Program``."""
    return [
        ModuleCoverage(counter.owners[valid], Program(valid, source_maps), functions, wanted)
        for valid, functions in counter.counts().items()
    ]


def _by_line(lines: Sequence[SourceLine | None], counts: Sequence[int]) -> Mapping[tuple[str, int], LineCount]:
    found: dict[tuple[str, int], LineCount] = {}
    for pc, line in enumerate(lines):
        if line is not None:
            entry = found.setdefault((line.file, line.line), LineCount())
            count = counts[pc] if counts else 0
            entry.count = max(entry.count, count)
            entry.instructions += count
    return found
