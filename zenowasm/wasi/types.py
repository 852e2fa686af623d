"""Flags and enumerations of preview 1, named as in ``witx/typenames.witx``."""

from __future__ import annotations

import stat
from enum import IntEnum, IntFlag
from typing import Final


class Rights(IntFlag):
    """The operations allowed on a descriptor, or on descriptors opened through it."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


NO_RIGHTS: Final = Rights(0)
_ANY: Final = Rights.FD_FDSTAT_SET_FLAGS | Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE
INPUT_RIGHTS: Final = _ANY | Rights.FD_READ
OUTPUT_RIGHTS: Final = _ANY | Rights.FD_WRITE
_FILE_CHANGES: Final = (
    Rights.FD_WRITE
    | Rights.FD_DATASYNC
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_SET_SIZE
    | Rights.FD_FILESTAT_SET_TIMES
)
FILE_RIGHTS: Final = (
    _ANY | _FILE_CHANGES | Rights.FD_READ | Rights.FD_SEEK | Rights.FD_TELL | Rights.FD_SYNC | Rights.FD_ADVISE
)
_FOLDER_CHANGES: Final = (
    Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
)
FOLDER_RIGHTS: Final = (
    _ANY
    | _FOLDER_CHANGES
    | Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_FILESTAT_GET
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
)
CHANGES: Final = _FILE_CHANGES | _FOLDER_CHANGES
"""The rights that a read-only folder never grants."""


class FdFlags(IntFlag):
    """The flags of a descriptor."""

    APPEND = 1
    DSYNC = 2
    NONBLOCK = 4
    RSYNC = 8
    SYNC = 16


NO_FLAGS: Final = FdFlags(0)


class OFlags(IntFlag):
    """The flags of ``path_open``."""

    CREAT = 1
    DIRECTORY = 2
    EXCL = 4
    TRUNC = 8


class FstFlags(IntFlag):
    """The times to set, each to a given value or to the current time."""

    ATIM = 1
    ATIM_NOW = 2
    MTIM = 4
    MTIM_NOW = 8


class Whence(IntEnum):
    """The origin of a seek offset."""

    SET = 0
    CUR = 1
    END = 2


class Clock(IntEnum):
    """A clock."""

    REALTIME = 0
    MONOTONIC = 1
    PROCESS_CPUTIME = 2
    THREAD_CPUTIME = 3


class FileType(IntEnum):
    """The type of a file or descriptor."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


_FILE_TYPES: Final = {
    stat.S_IFBLK: FileType.BLOCK_DEVICE,
    stat.S_IFCHR: FileType.CHARACTER_DEVICE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFREG: FileType.REGULAR_FILE,
    stat.S_IFSOCK: FileType.SOCKET_STREAM,
    stat.S_IFLNK: FileType.SYMBOLIC_LINK,
}


def file_type(mode: int) -> FileType:
    """Return the file type for an ``st_mode``, ``UNKNOWN`` for a pipe."""
    return _FILE_TYPES.get(stat.S_IFMT(mode), FileType.UNKNOWN)
