"""Where reading malformed DWARF fails."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

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
"""The exceptions of pyelftools for malformed DWARF, of which it checks little."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise ``DebugInfoError`` for whatever malformed DWARF makes of reading it; ``what`` is what is read."""
    try:
        yield
    except _MALFORMED as error:
        raise DebugInfoError(
            f"the debugging information is malformed: {what}: {error or type(error).__name__}"
        ) from None
