"""The source of a module's functions: files, lines and variables, if the module has debugging information."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from zenowasm.debuginfo.errors import DebugInfoError
from zenowasm.display import nearest
from zenowasm.interp.syntax.module import Module

if TYPE_CHECKING:
    from zenowasm.debuginfo.expressions import Machine
    from zenowasm.debuginfo.info import DebugInfo, SourceVariable
    from zenowasm.debuginfo.lines import SourceLine
    from zenowasm.debuginfo.values import SourceValue

_LARGEST_FILE = 16 << 20
_INFO = ".debug_info"
_Found = TypeVar("_Found")


@frozen
class Place:
    """An instruction: the position of its function's body in the code section, and its offset in the module."""

    code: int
    offset: int


class Source:
    """A module's known source. ``maps`` maps source folders from compile time to their present paths."""

    def __init__(self, module: Module, maps: Mapping[str, str]) -> None:
        self._module = module
        self._maps = maps
        self.problem: str | None = None
        """Why less is known of the source than expected."""
        self._files: dict[str, Sequence[str] | None] = {}

    @cached_property
    def info(self) -> DebugInfo | None:
        """The debugging information; ``None`` if there is none or the extra ``debug``, which reads it, is missing."""
        if not any(custom.name == _INFO for custom in self._module.customs):
            return None
        if find_spec("elftools") is None:
            self.problem = "the module's source lines are not read: pip install 'zenowasm[debug]'"
            return None
        from zenowasm.debuginfo.info import DebugInfo

        return self._found(lambda: DebugInfo.of(self._module), None)

    def _found(self, ask: Callable[[], _Found], otherwise: _Found) -> _Found:
        """Query the debugging information; if it is malformed, record the problem and return ``otherwise``."""
        try:
            return ask()
        except DebugInfoError as error:
            self.problem = str(error)
            return otherwise

    def line_at(self, offset: int) -> SourceLine | None:
        """Return the source line of an instruction."""
        info = self.info
        return None if info is None else self._found(lambda: info.line_at(offset), None)

    def statements(self, offsets: Sequence[int]) -> Sequence[SourceLine | None]:
        """Return, for each instruction of a function, the line that begins there, or ``None``."""
        info, none = self.info, [None] * len(offsets)
        return none if info is None else self._found(lambda: info.statements(offsets), none)

    def lines(self, offsets: Sequence[int]) -> Sequence[SourceLine | None]:
        """Return the source line of each instruction of a function."""
        info, none = self.info, [None] * len(offsets)
        return none if info is None else self._found(lambda: info.lines(offsets), none)

    def places(self, path: str, line: int) -> list[Place]:
        """Return the instructions where a line of a file begins, or the next line that has code."""
        info = self.info
        if info is None:
            return []
        return self._placed(self._found(lambda: info.offsets_of(path, line), []))

    def functions_named(self, name: str) -> list[int]:
        """Return the code section positions of the functions with that source name."""
        info = self.info
        if info is None:
            return []
        return [place.code for place in self._placed(self._found(lambda: info.functions_named(name), []))]

    def _placed(self, offsets: Sequence[int]) -> list[Place]:
        starts = [code.offset for code in self._module.codes]
        return [Place(bisect_right(starts, offset) - 1, offset) for offset in offsets if offset >= starts[0]]

    def files(self) -> set[str]:
        """Return the paths of all source files at compile time."""
        info = self.info
        return set() if info is None else self._found(info.files, set())

    def nearest_file(self, path: str) -> str | None:
        """Return the name of the source file most similar to this one."""
        return nearest(path.rpartition("/")[2], [file.rpartition("/")[2] for file in self.files()])

    def variables(self, offset: int) -> Sequence[SourceVariable]:
        """Return the variables visible at an instruction, those of inner blocks first."""
        info = self.info
        return [] if info is None else self._found(lambda: info.variables_at(offset), [])

    def variable(self, name: str, offset: int) -> SourceVariable | None:
        """Return the variable to which a name refers at an instruction."""
        info = self.info
        if info is None:
            return None
        visible = next((it for it in self.variables(offset) if it.name == name), None)
        return visible or self._found(lambda: info.global_at(name, offset), None)

    def value(self, variable: SourceVariable, machine: Machine, offset: int) -> SourceValue:
        """Return a variable's value; raises ``UnavailableError`` if it has none, and ``DebugInfoError``."""
        assert self.info is not None
        return self.info.value(variable, machine, offset)

    def text(self, file: str) -> Sequence[str] | None:
        """Return the lines of a source file, ``None`` if it cannot be read."""
        if file not in self._files:
            self._files[file] = _lines_of(self.path(file))
        return self._files[file]

    def path(self, file: str) -> Path:
        """Return the present path of a source file."""
        for old, new in self._maps.items():
            if file == old or file.startswith(f"{old.rstrip('/')}/"):
                return Path(new + file[len(old.rstrip("/")) :])
        return Path(file)


def _lines_of(path: Path) -> Sequence[str] | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return None
        return path.read_text(errors="replace").splitlines()
    except (OSError, ValueError):
        return None
