"""The open descriptors of one guest: streams, files and folders, each with the rights that it carries."""

from __future__ import annotations

import os
from contextlib import ExitStack

from attrs import define, field

from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.streams import Input, Output
from zenowasm.wasi.types import (
    CHANGES,
    FILE_RIGHTS,
    FOLDER_RIGHTS,
    INPUT_RIGHTS,
    NO_FLAGS,
    NO_RIGHTS,
    OUTPUT_RIGHTS,
    FdFlags,
    FileType,
    Rights,
    file_type,
)


@define(eq=False, kw_only=True)
class Descriptor:
    """What all descriptors have. ``inheriting`` are the rights that descriptors opened from it can get."""

    type: FileType
    rights: Rights
    inheriting: Rights = NO_RIGHTS
    flags: FdFlags = NO_FLAGS

    @property
    def host(self) -> int | None:
        """The host's descriptor, if there is one."""
        return None

    def close(self) -> None:
        """Give back what the host holds for it."""


@define(eq=False, kw_only=True)
class InputDescriptor(Descriptor):
    """A stream to read from."""

    stream: Input

    @property
    def host(self) -> int | None:
        """The host's descriptor, if a read may wait for it."""
        return self.stream.descriptor


@define(eq=False, kw_only=True)
class OutputDescriptor(Descriptor):
    """A stream to write to."""

    stream: Output

    @property
    def host(self) -> int | None:
        """The host's descriptor, if a write may wait for it."""
        return self.stream.descriptor

    def close(self) -> None:
        """Hand on what the stream holds back."""
        self.stream.flush()


@define(eq=False, kw_only=True)
class FileDescriptor(Descriptor):
    """A regular file, open under the host's descriptor ``number``, which is this guest's alone."""

    number: int

    @property
    def host(self) -> int | None:
        """The host's descriptor."""
        return self.number

    def close(self) -> None:
        """Close the file."""
        os.close(self.number)


@define(eq=False, kw_only=True)
class FolderDescriptor(Descriptor):
    """A folder. ``preopened`` is the guest's path for it if it was open from the start.

    ``listing`` are the entries as they were when listing began, so that a listing in pieces is one listing.
    """

    folder: Folder
    preopened: bytes | None = None
    listing: tuple[bytes, ...] = field(default=())

    @property
    def host(self) -> int | None:
        """The host's descriptor."""
        return self.folder.descriptor

    def close(self) -> None:
        """Close the folder."""
        self.folder.close()


class Descriptors:
    """The table: 0 to 2 are the standard streams, then come the preopened folders."""

    def __init__(self, context: WasiContext) -> None:
        self._limit = context.limits.descriptors
        self._open: dict[int, Descriptor] = {
            0: InputDescriptor(
                stream=context.stdin,
                type=_stream_type(context.stdin),
                rights=INPUT_RIGHTS | _device_rights(context.stdin),
            ),
            **{
                number: OutputDescriptor(
                    stream=stream, type=_stream_type(stream), rights=OUTPUT_RIGHTS | _device_rights(stream)
                )
                for number, stream in ((1, context.stdout), (2, context.stderr))
            },
        }
        for number, preopen in enumerate(context.preopens, start=len(self._open)):
            denied = NO_RIGHTS if preopen.writable else CHANGES
            self._open[number] = FolderDescriptor(
                folder=preopen.folder.duplicate(),
                preopened=preopen.name,
                type=FileType.DIRECTORY,
                rights=FOLDER_RIGHTS & ~denied,
                inheriting=(FOLDER_RIGHTS | FILE_RIGHTS) & ~denied,
            )

    def get(self, number: int, rights: Rights = NO_RIGHTS) -> Descriptor:
        """Return an open descriptor that carries ``rights``; raises ``WasiError``: ``BADF``, ``NOTCAPABLE``."""
        descriptor = self._open.get(number)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        if rights & ~descriptor.rights:
            raise WasiError(Errno.NOTCAPABLE)
        return descriptor

    def file(self, number: int, rights: Rights) -> FileDescriptor:
        """Return a regular file; raises ``WasiError``: ``BADF`` for a folder, ``SPIPE`` for a stream."""
        descriptor = self.get(number)
        if not isinstance(descriptor, FileDescriptor):
            raise WasiError(Errno.BADF if isinstance(descriptor, FolderDescriptor) else Errno.SPIPE)
        self.get(number, rights)
        return descriptor

    def folder(self, number: int, rights: Rights) -> FolderDescriptor:
        """Return a folder; raises ``WasiError``: ``NOTDIR`` for anything else."""
        descriptor = self.get(number)
        if not isinstance(descriptor, FolderDescriptor):
            raise WasiError(Errno.NOTDIR)
        self.get(number, rights)
        return descriptor

    def expect_room(self) -> None:
        """Raise ``WasiError`` (``MFILE``) when the guest has as many descriptors as it may have."""
        if len(self._open) >= self._limit:
            raise WasiError(Errno.MFILE)

    def add(self, descriptor: Descriptor) -> int:
        """Take in a descriptor under the lowest free number, as POSIX does, and return the number."""
        number = next(number for number in range(len(self._open) + 1) if number not in self._open)
        self._open[number] = descriptor
        return number

    def close(self, number: int) -> None:
        """Close a descriptor, whose number is free even when closing fails."""
        descriptor = self.get(number)
        del self._open[number]
        descriptor.close()

    def renumber(self, number: int, to: int) -> None:
        """Move a descriptor over another open one, which is closed."""
        descriptor = self.get(number)
        replaced = self.get(to)
        if number == to:
            return
        del self._open[number]
        self._open[to] = descriptor
        replaced.close()

    def close_all(self) -> None:
        """Close everything that is open, whatever closing one of them raises."""
        with ExitStack() as stack:
            while self._open:
                stack.callback(self._open.popitem()[1].close)


def _device_rights(stream: Input | Output) -> Rights:
    """Return the rights that tell a device from a terminal.

    The C library takes a character device without the rights to seek and to tell for a terminal, ``/dev/null`` too.
    """
    if stream.descriptor is None or _stream_type(stream) is not FileType.CHARACTER_DEVICE:
        return NO_RIGHTS
    return NO_RIGHTS if os.isatty(stream.descriptor) else Rights.FD_SEEK | Rights.FD_TELL


def _stream_type(stream: Input | Output) -> FileType:
    """Return a stream's type; one that is not the host's is a terminal to the guest, whose lines go out at once."""
    if stream.descriptor is None:
        return FileType.CHARACTER_DEVICE
    try:
        return file_type(os.fstat(stream.descriptor).st_mode)
    except OSError:  # the host was started without this stream
        return FileType.UNKNOWN
