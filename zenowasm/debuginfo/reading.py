"""Handling of malformed DWARF."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError

from zenowasm.debuginfo.errors import DebugInfoError

_MALFORMED = (
    *(
        DWARFError,
        ELFError,
        ConstructError,
        struct.error,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        AssertionError,
    ),
    *(NotImplementedError, ArithmeticError, RecursionError, EOFError),
)
"""The exceptions that pyelftools, which checks little, raises for malformed DWARF."""

_TURN: Final = threading.RLock()
"""Held while a thread reads: pyelftools moves to a place of a section and then reads there."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise ``DebugInfoError`` instead of any error that malformed DWARF causes; ``what`` names the part being read.

    Threads take turns.
    """
    try:
        with _TURN:
            yield
    except _MALFORMED as error:
        raise DebugInfoError(
            f"the debugging information is malformed: {what}: {error or type(error).__name__}"
        ) from None
