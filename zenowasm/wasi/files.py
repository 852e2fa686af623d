"""``fd_*``: reading, writing and describing open descriptors (``witx/wasi_snapshot_preview1.witx``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.descriptors import (
    Descriptor,
    FileDescriptor,
    FolderDescriptor,
    InputDescriptor,
    OutputDescriptor,
)
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State
from zenowasm.wasi.structures import FDSTAT_BYTES, FILESTAT_BYTES, fdstat, filestat, filestat_of_type
from zenowasm.wasi.times import new_times
from zenowasm.wasi.types import FdFlags, Rights, Whence
from zenowasm.wasi.vectors import gather, read_vectors, scatter, total

_MAX_OFFSET: Final = (1 << 63) - 1
_ALL_FLAGS: Final = 31
_SYNC_FLAGS: Final = FdFlags.DSYNC | FdFlags.RSYNC | FdFlags.SYNC
_WITHOUT_WAITING: Final = 512
"""The bytes that a ready output stream accepts without blocking (POSIX, ``PIPE_BUF``)."""
_SEEK: Final = {Whence.SET: os.SEEK_SET, Whence.CUR: os.SEEK_CUR, Whence.END: os.SEEK_END}
_ADVICE: Final = ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")


def fd_read(state: State, memory: GuestMemory, fd: int, vectors: int, count: int, read: int) -> None:
    """Read at the current position."""
    descriptor = state.descriptors.get(fd)
    if not isinstance(descriptor, InputDescriptor | FileDescriptor):
        raise WasiError(Errno.BADF)
    state.descriptors.get(fd, Rights.FD_READ)
    memory.check(read, 4)
    buffers = read_vectors(memory, vectors, count)
    length = total(buffers)
    if isinstance(descriptor, FileDescriptor):
        data = os.read(descriptor.number, length)
    else:
        data = _read_stream(state, descriptor, length)
    scatter(memory, buffers, data)
    memory.write_unsigned(read, len(data), 4)


def fd_pread(state: State, memory: GuestMemory, fd: int, vectors: int, count: int, offset: int, read: int) -> None:
    """Read at an offset without moving the position."""
    file = state.descriptors.file(fd, Rights.FD_READ | Rights.FD_SEEK)
    memory.check(read, 4)
    buffers = read_vectors(memory, vectors, count)
    data = os.pread(file.number, total(buffers), _offset(offset))
    scatter(memory, buffers, data)
    memory.write_unsigned(read, len(data), 4)


def fd_write(state: State, memory: GuestMemory, fd: int, vectors: int, count: int, written: int) -> None:
    """Write at the current position, or at the end with ``APPEND``."""
    descriptor = state.descriptors.get(fd)
    if not isinstance(descriptor, OutputDescriptor | FileDescriptor):
        raise WasiError(Errno.BADF)
    state.descriptors.get(fd, Rights.FD_WRITE)
    memory.check(written, 4)
    data = gather(memory, read_vectors(memory, vectors, count))
    if isinstance(descriptor, OutputDescriptor):
        taken = _write_stream(state, descriptor, data)
    else:
        number = descriptor.number
        start = os.fstat(number).st_size if FdFlags.APPEND in descriptor.flags else os.lseek(number, 0, os.SEEK_CUR)
        _expect_size(state, start + len(data))
        taken = os.write(number, data)
    memory.write_unsigned(written, taken, 4)


def fd_pwrite(state: State, memory: GuestMemory, fd: int, vectors: int, count: int, offset: int, written: int) -> None:
    """Write at an offset, even with ``APPEND``, without moving the position."""
    file = state.descriptors.file(fd, Rights.FD_WRITE | Rights.FD_SEEK)
    memory.check(written, 4)
    data = gather(memory, read_vectors(memory, vectors, count))
    _expect_size(state, _offset(offset) + len(data))
    appending = FdFlags.APPEND in file.flags
    if appending:  # Linux would ignore the offset
        _set_append(file.number, False)
    try:
        taken = os.pwrite(file.number, data, offset)
    finally:
        if appending:
            _set_append(file.number, True)
    memory.write_unsigned(written, taken, 4)


def fd_seek(state: State, memory: GuestMemory, fd: int, offset: int, whence: int, position: int) -> None:
    """Move the position. A seek by 0 from the current position needs only the right to tell."""
    signed = offset - (1 << 64) if offset > _MAX_OFFSET else offset
    asking = whence == Whence.CUR and signed == 0
    file = state.descriptors.file(fd, Rights.FD_TELL if asking else Rights.FD_SEEK)
    if whence not in _SEEK:
        raise WasiError(Errno.INVAL)
    memory.check(position, 8)
    memory.write_unsigned(position, os.lseek(file.number, signed, _SEEK[Whence(whence)]), 8)


def fd_tell(state: State, memory: GuestMemory, fd: int, position: int) -> None:
    """Write the current position to ``position``."""
    file = state.descriptors.file(fd, Rights.FD_TELL)
    memory.write_unsigned(position, os.lseek(file.number, 0, os.SEEK_CUR), 8)


def fd_sync(state: State, _: GuestMemory, fd: int) -> None:
    """Write data and metadata to the disk."""
    os.fsync(_on_disk(state, fd, Rights.FD_SYNC))


def fd_datasync(state: State, _: GuestMemory, fd: int) -> None:
    """Write data to the disk, and metadata too if the host cannot write data alone."""
    getattr(os, "fdatasync", os.fsync)(_on_disk(state, fd, Rights.FD_DATASYNC))


def fd_advise(state: State, _: GuestMemory, fd: int, offset: int, length: int, advice: int) -> None:
    """Announce how a file will be used, if the host has ``posix_fadvise``."""
    file = state.descriptors.file(fd, Rights.FD_ADVISE)
    if advice >= len(_ADVICE):
        raise WasiError(Errno.INVAL)
    start, size = _offset(offset), _offset(length)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.number, start, size, getattr(os, f"POSIX_FADV_{_ADVICE[advice]}"))


def fd_allocate(state: State, _: GuestMemory, fd: int, offset: int, length: int) -> None:
    """Allocate a range of a file, which can only grow."""
    file = state.descriptors.file(fd, Rights.FD_ALLOCATE)
    start, size = _offset(offset), _offset(length)
    if size == 0:
        raise WasiError(Errno.INVAL)
    _expect_size(state, start + size)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.number, start, size)
    elif start + size > os.fstat(file.number).st_size:
        os.ftruncate(file.number, start + size)


def fd_close(state: State, _: GuestMemory, fd: int) -> None:
    """Close a descriptor, which may be a standard stream or a preopened folder."""
    state.descriptors.close(fd)


def fd_renumber(state: State, _: GuestMemory, fd: int, to: int) -> None:
    """Close the descriptor ``to`` and move the descriptor ``fd`` to it."""
    state.descriptors.renumber(fd, to)


def fd_fdstat_get(state: State, memory: GuestMemory, fd: int, result: int) -> None:
    """Describe a descriptor."""
    descriptor = state.descriptors.get(fd)
    memory.check(result, FDSTAT_BYTES)
    memory.write(result, fdstat(descriptor))


def fd_fdstat_set_flags(state: State, _: GuestMemory, fd: int, flags: int) -> None:
    """Set ``APPEND`` and ``NONBLOCK``. The sync flags cannot change after a file is opened."""
    descriptor = state.descriptors.get(fd, Rights.FD_FDSTAT_SET_FLAGS)
    if flags > _ALL_FLAGS:
        raise WasiError(Errno.INVAL)
    wanted = FdFlags(flags)
    if isinstance(descriptor, FileDescriptor):
        if (wanted ^ descriptor.flags) & _SYNC_FLAGS:
            raise WasiError(Errno.NOTSUP)
        _set_append(descriptor.number, FdFlags.APPEND in wanted)
    descriptor.flags = wanted


def fd_fdstat_set_rights(state: State, _: GuestMemory, fd: int, rights: int, inheriting: int) -> None:
    """Drop rights; a guest cannot gain any."""
    descriptor = state.descriptors.get(fd)
    if rights & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    descriptor.rights, descriptor.inheriting = Rights(rights), Rights(inheriting)


def fd_filestat_get(state: State, memory: GuestMemory, fd: int, result: int) -> None:
    """Describe the file that a descriptor refers to."""
    descriptor = state.descriptors.get(fd, Rights.FD_FILESTAT_GET)
    memory.check(result, FILESTAT_BYTES)
    host = descriptor.host
    memory.write(result, filestat_of_type(descriptor.type) if host is None else filestat(os.fstat(host)))


def fd_filestat_set_size(state: State, _: GuestMemory, fd: int, size: int) -> None:
    """Truncate a file, or extend it with zeros."""
    file = state.descriptors.file(fd, Rights.FD_FILESTAT_SET_SIZE)
    _expect_size(state, _offset(size))
    os.ftruncate(file.number, size)


def fd_filestat_set_times(state: State, _: GuestMemory, fd: int, access: int, modification: int, flags: int) -> None:
    """Set the times of a file."""
    number = _on_disk(state, fd, Rights.FD_FILESTAT_SET_TIMES)
    os.utime(number, ns=new_times(state, flags, access, modification, lambda: os.fstat(number)))


def _read_stream(state: State, descriptor: InputDescriptor, length: int) -> bytes:
    """Read from a stream, waiting at most for the time that the running call has left."""
    host = descriptor.host
    patient = FdFlags.NONBLOCK not in descriptor.flags
    if host is not None and length > 0 and not (patient and state.context.remaining() is None):
        ready, _ = state.wait_for({host}, set(), None if patient else 0.0)
        if not ready:
            raise WasiError(Errno.INTR if patient else Errno.AGAIN)
    return descriptor.stream.read(length)


def _write_stream(state: State, descriptor: OutputDescriptor, data: bytes) -> int:
    """Write to a stream, waiting at most for the time that the running call has left."""
    host = descriptor.host
    patient = FdFlags.NONBLOCK not in descriptor.flags
    if host is not None and data and not (patient and state.context.remaining() is None):
        _, ready = state.wait_for(set(), {host}, None if patient else 0.0)
        if not ready:
            raise WasiError(Errno.INTR if patient else Errno.AGAIN)
        data = data[:_WITHOUT_WAITING]
    return descriptor.stream.write(data)


def _on_disk(state: State, fd: int, rights: Rights) -> int:
    """Return the host's descriptor of a file or folder."""
    descriptor: Descriptor = state.descriptors.get(fd, rights)
    if isinstance(descriptor, FileDescriptor):
        return descriptor.number
    if isinstance(descriptor, FolderDescriptor):
        return descriptor.folder.descriptor
    raise WasiError(Errno.INVAL)


def _offset(value: int) -> int:
    """Return a file size or offset; raises ``WasiError`` (``INVAL``) if the host cannot represent it."""
    if value > _MAX_OFFSET:
        raise WasiError(Errno.INVAL)
    return value


def _expect_size(state: State, size: int) -> None:
    if size > state.context.limits.file_bytes:
        raise WasiError(Errno.FBIG)


def _set_append(number: int, append: bool) -> None:
    import fcntl  # missing on Windows, where guests have no files

    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    fcntl.fcntl(number, fcntl.F_SETFL, flags | os.O_APPEND if append else flags & ~os.O_APPEND)


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            fd_read,
            fd_pread,
            fd_write,
            fd_pwrite,
            fd_seek,
            fd_tell,
            fd_sync,
            fd_datasync,
            fd_advise,
            fd_allocate,
            fd_close,
            fd_renumber,
            fd_fdstat_get,
            fd_fdstat_set_flags,
            fd_fdstat_set_rights,
            fd_filestat_get,
            fd_filestat_set_size,
            fd_filestat_set_times,
        )
    }
)
