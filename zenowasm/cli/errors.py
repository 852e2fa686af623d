"""Error reports of commands: one line on stderr that says what was expected, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zenowasm.cli.color import styled
from zenowasm.display import visible
from zenowasm.interp.errors import Trap
from zenowasm.paths import UNUSABLE, reason

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_MOST_BYTES = 256 << 20
"""The maximum size of a file that a command reads."""


class CliError(Exception):
    """Raised for a user error. ``message`` is one line without ``error:``; ``details`` may add another.

    ``excerpt`` are the lines of the user's text that contain the error. ``calls`` are the guest's active calls at a
    trap, innermost first; ``hint`` says how to see more.
    """

    def __init__(
        self,
        message: str,
        *,
        details: str = "",
        excerpt: Sequence[str] = (),
        calls: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.excerpt = excerpt
        self.details = details
        self.calls = calls
        self.hint = hint


def fail(message: str, code: int, *, color: bool | None = None) -> int:
    """Print an error to stderr, coloured as ``colored`` decides, and return the exit code."""
    label = styled("error:", stream=sys.stderr, color=color, fg="red", bold=True)
    print(f"{label} {visible(message.strip())}", file=sys.stderr)
    return code


def report(error: CliError, *, color: bool | None = None) -> None:
    """Print an error to stderr with all its details."""
    fail(error.message, EXIT_ERROR, color=color)
    for line in error.excerpt:
        shown = visible(line)
        is_mark = line.strip() == "^"
        print(styled(shown, stream=sys.stderr, color=color, fg="green") if is_mark else shown, file=sys.stderr)
    lines = [f"Details: {error.details.strip()}"] if error.details else []
    lines += call_lines(error.calls)
    lines += [f"Hint: {error.hint}"] if error.hint else []
    for line in lines:
        print(visible(line), file=sys.stderr)


def call_lines(calls: Sequence[str]) -> list[str]:
    """Return the lines that list a guest's active calls, if there are any."""
    return ["Calls of the guest, innermost first:", *(f"{at:>4}: {it}" for at, it in enumerate(calls))] if calls else []


@contextmanager
def user_errors(
    *types: type[Exception], trap_hint: str = "", details: object = "", binary: bytes | None = None
) -> Iterator[None]:
    """Report exceptions of these types as user errors; report a trap with the guest's calls and ``trap_hint``.

    The text of ``details`` is computed when an exception is reported. ``binary`` is the module that may trap, if there
    is only one: its debugging information has the source lines of the calls.
    """
    try:
        yield
    except types as error:
        calls = guest_calls(error, binary)
        raise CliError(str(error), details=str(details), calls=calls, hint=trap_hint if calls else "") from error


def guest_calls(error: BaseException | None, binary: bytes | None = None) -> Sequence[str]:
    """Return the guest's active calls at the trap that caused an error; ``binary`` is as in ``user_errors``."""
    while error is not None:
        if isinstance(error, Trap):
            from zenowasm.debugger.trap_lines import with_lines

            return error.backtrace if binary is None else with_lines(error, binary)
        if calls := getattr(error, "calls", None):  # a plugin's error knows the plugin's source
            return tuple(calls)
        error = error.__cause__
    return ()


def read_file(path: Path) -> bytes:
    """Return a file's bytes; raises ``CliError`` if it cannot be read or is larger than 256 MiB."""
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except UNUSABLE as error:
        raise CliError(f"cannot read {path}: {reason(error)}") from error


def read_stdin() -> bytes:
    """Return the bytes of stdin; raises ``CliError`` like ``read_file``."""
    if sys.stdin is None:  # closed before the start
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
