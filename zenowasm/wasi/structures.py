"""Encoding of the structures that functions write (``witx/typenames.witx``)."""

from __future__ import annotations

import os
import struct
from typing import Final

from zenowasm.wasi.descriptors import Descriptor
from zenowasm.wasi.types import FileType, file_type

FILESTAT_BYTES: Final = 64
FDSTAT_BYTES: Final = 24
_FILESTAT: Final = struct.Struct("<QQB7xQQQQQ")
_FDSTAT: Final = struct.Struct("<BxH4xQQ")
_DIRENT: Final = struct.Struct("<QQIB3x")
_PRESTAT: Final = struct.Struct("<B3xI")
_U64: Final = (1 << 64) - 1


def filestat(found: os.stat_result) -> bytes:
    """Return ``$filestat``. Times before 1970 become 0, because it cannot represent them."""
    return _FILESTAT.pack(
        found.st_dev & _U64,
        found.st_ino & _U64,
        file_type(found.st_mode),
        found.st_nlink & _U64,
        found.st_size,
        max(found.st_atime_ns, 0),
        max(found.st_mtime_ns, 0),
        max(found.st_ctime_ns, 0),
    )


def filestat_of_type(type: FileType) -> bytes:
    """Return the ``$filestat`` of a descriptor of which only the type is known."""
    return _FILESTAT.pack(0, 0, type, 0, 0, 0, 0, 0)


def fdstat(descriptor: Descriptor) -> bytes:
    """Return the ``$fdstat`` of a descriptor."""
    return _FDSTAT.pack(descriptor.type, descriptor.flags, descriptor.rights, descriptor.inheriting)


def dirent(next_: int, inode: int, type: FileType, name: bytes) -> bytes:
    """Return ``$dirent`` followed by the name; ``next_`` is the cookie of the next entry."""
    return _DIRENT.pack(next_, inode & _U64, len(name), type) + name


def prestat(name: bytes) -> bytes:
    """Return the ``$prestat`` of a preopened folder."""
    return _PRESTAT.pack(0, len(name))
