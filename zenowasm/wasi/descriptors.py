"""The open descriptors of one guest: streams, files and folders, each with its rights."""

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
    """An open descriptor. ``inheriting`` are the rights that descriptors opened through it can have."""

    type: FileType
    rights: Rights
    inheriting: Rights = NO_RIGHTS
    flags: FdFlags = NO_FLAGS

    @property
    def host(self) -> int | None:
        """The host's descriptor, ``None`` if there is none."""
        return None

    def close(self) -> None:
        """Release the host's resources for the descriptor."""


@define(eq=False, kw_only=True)
class InputDescriptor(Descriptor):
    """An input stream."""

    stream: Input

    @property
    def host(self) -> int | None:
        """The host's descriptor, ``None`` if a read never waits."""
        return self.stream.descriptor


@define(eq=False, kw_only=True)
class OutputDescriptor(Descriptor):
    """An output stream."""

    stream: Output

    @property
    def host(self) -> int | None:
        """The host's descriptor, ``None`` if a write never waits."""
        return self.stream.descriptor

    def close(self) -> None:
        """Flush the stream's pending output."""
        self.stream.flush()


@define(eq=False, kw_only=True)
class FileDescriptor(Descriptor):
    """A regular file. Only this guest uses ``number``, the host's descriptor."""

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
    """A folder. ``preopened`` is the guest's path for a folder that was open when the guest started.

    ``listing`` is a snapshot of the entries from the start of a listing, so that its later pieces agree with it.
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
    """The descriptor table: 0 to 2 are the standard streams, and the preopened folders follow."""

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
        """Return an open descriptor that has ``rights``; raises ``WasiError``: ``BADF``, ``NOTCAPABLE``."""
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
        """Raise ``WasiError`` (``MFILE``) if the guest has reached its limit of open descriptors."""
        if len(self._open) >= self._limit:
            raise WasiError(Errno.MFILE)

    def add(self, descriptor: Descriptor) -> int:
        """Add a descriptor under the lowest free number, as POSIX does, and return the number."""
        number = next(number for number in range(len(self._open) + 1) if number not in self._open)
        self._open[number] = descriptor
        return number

    def close(self, number: int) -> None:
        """Close a descriptor. Its number becomes free even if closing fails."""
        descriptor = self.get(number)
        del self._open[number]
        descriptor.close()

    def renumber(self, number: int, to: int) -> None:
        """Close the descriptor ``to`` and move the descriptor ``number`` to it. Both must be open."""
        descriptor = self.get(number)
        replaced = self.get(to)
        if number == to:
            return
        del self._open[number]
        self._open[to] = descriptor
        replaced.close()

    def close_all(self) -> None:
        """Close every open descriptor, even if closing one of them raises an error."""
        with ExitStack() as stack:
            while self._open:
                stack.callback(self._open.popitem()[1].close)


def _device_rights(stream: Input | Output) -> Rights:
    """Return the rights that distinguish another character device from a terminal.

    The C library treats every character device without the rights to seek and to tell as a terminal, including
    ``/dev/null``.
    """
    if stream.descriptor is None or _stream_type(stream) is not FileType.CHARACTER_DEVICE:
        return NO_RIGHTS
    return NO_RIGHTS if os.isatty(stream.descriptor) else Rights.FD_SEEK | Rights.FD_TELL


def _stream_type(stream: Input | Output) -> FileType:
    """Return a stream's type.

    A stream without a host descriptor appears as a terminal, so that the guest flushes each line.
    """
    if stream.descriptor is None:
        return FileType.CHARACTER_DEVICE
    try:
        return file_type(os.fstat(stream.descriptor).st_mode)
    except OSError:  # the host was started without this stream
        return FileType.UNKNOWN
