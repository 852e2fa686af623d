"""The source lines of the active calls at a trap, if the module has debugging information."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from zenowasm.debugger.source import Source
from zenowasm.interp.binary import decode
from zenowasm.interp.errors import Trap


def with_lines(trap: Trap, binary: bytes) -> Sequence[str]:
    """Return the names of the active functions, each with its current file and line if they are known."""
    source = Source(decode(binary), {})
    lines = [None if offset is None else source.line_at(offset) for offset in trap.offsets]
    named = zip_longest(trap.backtrace, lines[: len(trap.backtrace)])
    return [str(name) if line is None else f"{name} at {line}" for name, line in named]
