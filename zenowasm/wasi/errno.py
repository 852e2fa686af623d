"""The error numbers of WASI preview 1 that this host answers (``witx/typenames.witx``, ``$errno``)."""

from __future__ import annotations

from enum import IntEnum


class Errno(IntEnum):
    """An error number; 0 is success."""

    SUCCESS = 0
    BADF = 8
    FAULT = 21
    INVAL = 28
    IO = 29
    NAMETOOLONG = 37
    NOSYS = 52
    NOTSUP = 58
    OVERFLOW = 61
    SPIPE = 70
