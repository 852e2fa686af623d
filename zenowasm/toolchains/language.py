"""The interface of a plugin language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from zenowasm.toolchains.errors import SourceError

SDK = "zeno"
"""The name, without its ending, of the file that implements a language's half of the ABI."""


@frozen
class Toolchain:
    """A compiler that is there: its name and version, and what builds the sources of a folder into a file.

    ``build`` is told whether to build for a debugger: unoptimised, and with the debugging information that the compiler
    can write, which contains the paths of the sources.
    """

    name: str
    version: str
    build: Callable[[Path, Path, bool], None]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@frozen
class Language:
    """A language: what the command line calls it, its name, its files' ending, and how a compiler is found.

    ``find`` returns the toolchains that are installed and build that folder, the best first; ``install`` says in words
    how to get one. ``project`` is the file that marks a folder as the language's where its sources are elsewhere.
    """

    key: str
    name: str
    ending: str
    find: Callable[[Path], list[Toolchain]]
    install: str
    project: str | None = None

    def sources(self, folder: Path) -> list[Path]:
        """Return the language's files in a folder, with its project file."""
        found = [*folder.glob(f"*{self.ending}"), *([folder / self.project] if self.project else [])]
        return sorted(path for path in found if path.is_file())


def root_source(folder: Path, ending: str) -> Path:
    """Return the one file that a compiler starts from: ``plugin.*``, or the only one besides the SDK.

    Raises ``SourceError`` when there is none, or several of which none is called so.
    """
    found = sorted(path for path in folder.glob(f"*{ending}") if path.is_file() and path.stem != SDK)
    if len(found) > 1:
        found = [path for path in found if path.stem == "plugin"] or found
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise SourceError(f"expected plugin{ending} or one {ending} file in {folder}, found {names}")
    return found[0]
