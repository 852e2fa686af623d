"""How commands report errors: one line on stderr that says what was expected, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zenowasm.interp.errors import DecodeError, Trap, WasmError

_MOST_BYTES = 256 << 20
"""Of a file that a command reads."""


class CliError(Exception):
    """An error of the user's. ``message`` is one line without ``error:``, ``details`` may be another.

    ``calls`` are the guest's calls that were active at a trap, innermost first; ``hint`` says how to see more.
    """

    def __init__(self, message: str, *, details: str = "", calls: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.calls = calls
        self.hint = hint


@contextmanager
def user_errors(*types: type[Exception], trap_hint: str = "", details: object = "") -> Iterator[None]:
    """Report exceptions of these types as errors of the user's, a trap with the guest's calls and ``trap_hint``.

    ``details`` says, as text, what is known of it then.
    """
    try:
        yield
    except types as error:
        calls = _guest_calls(error)
        raise CliError(str(error), details=str(details), calls=calls, hint=trap_hint if calls else "") from error


def _guest_calls(error: BaseException | None) -> tuple[str, ...]:
    while error is not None:
        if isinstance(error, Trap):
            return error.backtrace
        error = error.__cause__
    return ()


@contextmanager
def module_errors(file: Path) -> Iterator[None]:
    """Report what is wrong with the module in a file."""
    try:
        yield
    except DecodeError as error:
        raise CliError(f"{file} is not a WebAssembly module in the binary format: {error}") from error
    except WasmError as error:
        raise CliError(f"{file}: {error}") from error


def read_file(path: Path) -> bytes:
    """Return a file's bytes; raises ``CliError`` when it cannot be read or is larger than 256 MiB."""
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"cannot read {path}: {reason}") from error


def read_stdin() -> bytes:
    """Return the bytes of stdin; raises ``CliError`` as ``read_file`` does."""
    if sys.stdin is None:  # it was closed before the start
        raise CliError("cannot read stdin: it is closed")
    try:
        return _read(sys.stdin.buffer, "stdin")
    except OSError as error:
        raise CliError(f"cannot read stdin: {error.strerror}") from error


def _read(file: BinaryIO, name: str) -> bytes:
    data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise CliError(f"cannot read {name}: larger than {_MOST_BYTES} bytes")
    return data
