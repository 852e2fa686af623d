"""``fd_readdir`` and ``fd_prestat_*``: the entries of a folder, and the preopened folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.descriptors import FolderDescriptor
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State
from zenowasm.wasi.structures import dirent, prestat
from zenowasm.wasi.types import FileType, Rights, file_type


def fd_readdir(state: State, memory: GuestMemory, fd: int, buffer: int, length: int, cookie: int, used: int) -> None:
    """List a folder from a cookie. The last entry is cut at the end of the buffer if there are more.

    A cookie is an index into the snapshot that was taken when the guest last listed from 0.
    """
    folder = state.descriptors.folder(fd, Rights.FD_READDIR)
    memory.check(buffer, length)
    memory.check(used, 4)
    if cookie == 0:
        folder.listing = _listing(folder, state.context.limits.folder_entries)
    data = bytearray()
    for entry in islice(folder.listing, min(cookie, len(folder.listing)), None):
        data += entry
        if len(data) >= length:
            break
    memory.write(buffer, bytes(data[:length]))
    memory.write_unsigned(used, min(len(data), length), 4)


def fd_prestat_get(state: State, memory: GuestMemory, fd: int, result: int) -> None:
    """Describe a preopened folder. A libc stops its search for them at the first ``BADF``."""
    memory.write(result, prestat(_preopened(state, fd)))


def fd_prestat_dir_name(state: State, memory: GuestMemory, fd: int, path: int, length: int) -> None:
    """Write the path of a preopened folder, without a NUL."""
    name = _preopened(state, fd)
    if length < len(name):
        raise WasiError(Errno.NAMETOOLONG)
    memory.write(path, name)


def _preopened(state: State, fd: int) -> bytes:
    descriptor = state.descriptors.get(fd)
    if not isinstance(descriptor, FolderDescriptor) or descriptor.preopened is None:
        raise WasiError(Errno.BADF)
    return descriptor.preopened


def _listing(folder: FolderDescriptor, limit: int) -> tuple[bytes, ...]:
    entries = tuple(
        dirent(number, inode, type_, name)
        for number, (name, inode, type_) in enumerate(islice(_entries(folder), limit + 3), start=1)
    )
    if len(entries) > limit + 2:
        raise WasiError(Errno.OVERFLOW)
    return entries


def _entries(folder: FolderDescriptor) -> Iterator[tuple[bytes, int, FileType]]:
    """Yield the name, inode and type of every entry; ``..`` has the inode of the folder itself."""
    number = folder.folder.descriptor
    own = os.fstat(number).st_ino
    yield b".", own, FileType.DIRECTORY
    yield b"..", own, FileType.DIRECTORY
    with os.scandir(number) as entries:
        for entry in entries:
            yield os.fsencode(entry.name), entry.inode(), _type(entry)


def _type(entry: os.DirEntry[str]) -> FileType:
    """Return an entry's type, usually without another system call."""
    if entry.is_file(follow_symlinks=False):
        return FileType.REGULAR_FILE
    if entry.is_dir(follow_symlinks=False):
        return FileType.DIRECTORY
    try:
        return file_type(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:  # removed since it was listed
        return FileType.UNKNOWN


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {function.__name__: function for function in (fd_readdir, fd_prestat_get, fd_prestat_dir_name)}
)
