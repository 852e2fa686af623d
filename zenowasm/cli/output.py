"""The output of commands: a file or stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

import click

from zenowasm.cli import options
from zenowasm.cli.errors import CliError
from zenowasm.paths import UNUSABLE, reason

STDOUT: Final = "-"


def output(help_: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``-o`` with this help."""
    return click.option("-o", "--output", "output", type=options.path, metavar="FILE", help=f"{help_} - is stdout.")


def write_lines(path: Path | None, lines: Iterable[str]) -> None:
    """Write lines of text as they are made, to stdout without a path; raises ``CliError``.

    If an error occurs while lines are made, no file remains.
    """
    if path is None or str(path) == STDOUT:
        for line in lines:
            print(line)
        return
    with _file(path) as file:
        for line in lines:
            file.write(line.encode() + b"\n")


def write_bytes(path: Path | None, data: bytes) -> None:
    """Write bytes, to stdout without a path; raises ``CliError``, also for bytes to a terminal."""
    if path is not None and str(path) != STDOUT:
        with _file(path) as file:
            file.write(data)
        return
    if sys.stdout.isatty():
        raise CliError("the module is binary and stdout is a terminal: name a file with -o FILE")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing; a regular file is replaced at the end, and unchanged if an error occurs."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe
            with path.open("wb") as file:
                yield file
            return
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as temporary:
            try:
                yield temporary
                temporary.flush()
                os.chmod(temporary.name, _mode(path))
                Path(temporary.name).replace(path)
            except BaseException:
                Path(temporary.name).unlink(missing_ok=True)
                raise
    except UNUSABLE as error:
        raise CliError(f"cannot write {path}: {reason(error)}") from error


def _mode(path: Path) -> int:
    """Return the permissions of the existing file, else those of a new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
