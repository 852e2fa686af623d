"""How commands report errors: one line on stderr that says what was expected, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zenowasm.interp.errors import DecodeError, WasmError

_MOST_BYTES = 256 << 20
"""Of a file that a command reads."""


class CliError(Exception):
    """An error of the user's. ``message`` is one line without ``error:``, ``details`` may be another."""

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details


@contextmanager
def user_errors(*types: type[Exception]) -> Iterator[None]:
    """Report exceptions of these types as errors of the user's."""
    try:
        yield
    except types as error:
        raise CliError(str(error)) from error


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
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"cannot read {path}: {reason}") from error
    if len(data) > _MOST_BYTES:
        raise CliError(f"cannot read {path}: larger than {_MOST_BYTES} bytes")
    return data
