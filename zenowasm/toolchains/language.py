"""The interface of a plugin language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from zenowasm.toolchains.errors import SourceError

SDK = "zeno"
"""The name, without extension, of the file that implements the guest's side of the ABI in a language."""


@frozen
class Toolchain:
    """An installed compiler: its name, its version, and ``build``, which compiles a folder's sources to a file.

    ``build`` takes a flag that selects a debug build: unoptimised, with the debugging information that the compiler can
    write, which contains the paths of the sources.
    """

    name: str
    version: str
    build: Callable[[Path, Path, bool], None]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@frozen
class Language:
    """A plugin language: its key on the command line, its name, its file extension, and how its compilers are found.

    ``find`` returns the installed toolchains that can build a folder, the best first. ``install`` tells the user how to
    install one. ``project`` is the file that identifies a folder as the language's if its sources are elsewhere.
    """

    key: str
    name: str
    ending: str
    find: Callable[[Path], list[Toolchain]]
    install: str
    project: str | None = None

    def sources(self, folder: Path) -> list[Path]:
        """Return the language's files in a folder, including its project file."""
        found = [*folder.glob(f"*{self.ending}"), *([folder / self.project] if self.project else [])]
        return sorted(path for path in found if path.is_file())


def root_source(folder: Path, ending: str) -> Path:
    """Return the file from which a compiler starts: ``plugin.*``, or the only file besides the SDK.

    Raises ``SourceError`` if there is none, or several without a ``plugin.*``.
    """
    found = sorted(path for path in folder.glob(f"*{ending}") if path.is_file() and path.stem != SDK)
    if len(found) > 1:
        found = [path for path in found if path.stem == "plugin"] or found
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise SourceError(f"expected plugin{ending} or one {ending} file in {folder}, found {names}")
    return found[0]
