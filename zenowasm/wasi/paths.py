"""``path_*``: the functions that take a path, which is always relative to an open folder and never leaves it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenowasm.host.memory import GuestMemory
from zenowasm.resources.files.folder import MAX_PATH, EscapeError, Folder
from zenowasm.wasi.descriptors import Descriptor, FileDescriptor, FolderDescriptor
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State
from zenowasm.wasi.structures import FILESTAT_BYTES, filestat
from zenowasm.wasi.times import new_times
from zenowasm.wasi.types import FILE_RIGHTS, FOLDER_RIGHTS, FdFlags, FileType, OFlags, Rights, file_type

_SYMLINK_FOLLOW: Final = 1
_ALL_OFLAGS: Final = 15
_ALL_FDFLAGS: Final = 31
_WRITING: Final = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
_READING: Final = Rights.FD_READ | Rights.FD_READDIR


def path_open(
    state: State,
    memory: GuestMemory,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    oflags: int,
    rights: int,
    inheriting: int,
    fdflags: int,
    opened: int,
) -> None:
    """Open a regular file or a folder, create a file, or truncate one.

    The call fails if the guest requests rights that the folder does not pass on. Rights that do not apply to the type
    of the opened descriptor are dropped.
    """
    memory.check(opened, 4)
    if oflags > _ALL_OFLAGS or fdflags > _ALL_FDFLAGS:
        raise WasiError(Errno.INVAL)
    flags, how = OFlags(oflags), FdFlags(fdflags)
    if OFlags.DIRECTORY | OFlags.CREAT in flags:
        raise WasiError(Errno.INVAL)
    needed = Rights.PATH_OPEN
    if OFlags.CREAT in flags:
        needed |= Rights.PATH_CREATE_FILE
    if OFlags.TRUNC in flags:
        needed |= Rights.PATH_FILESTAT_SET_SIZE
    folder = state.descriptors.folder(fd, needed)
    wanted, handed_on = (Rights(asked) & (FILE_RIGHTS | FOLDER_RIGHTS) for asked in (rights, inheriting))
    if (wanted | handed_on) & ~folder.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    state.descriptors.expect_room()
    follow = _follow(lookup) and OFlags.EXCL not in flags
    with folder.folder.locate(_path(memory, path, length), follow=follow) as place:
        number = place.open(_host_flags(flags, how, wanted))
    number = state.descriptors.add(_opened(number, wanted, handed_on, how))
    memory.write_unsigned(opened, number, 4)


def path_filestat_get(
    state: State, memory: GuestMemory, fd: int, lookup: int, path: int, length: int, result: int
) -> None:
    """Describe a file."""
    folder = state.descriptors.folder(fd, Rights.PATH_FILESTAT_GET).folder
    memory.check(result, FILESTAT_BYTES)
    with folder.locate(_path(memory, path, length), follow=_follow(lookup)) as place:
        memory.write(result, filestat(place.stat()))


def path_filestat_set_times(
    state: State,
    memory: GuestMemory,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    access: int,
    modification: int,
    flags: int,
) -> None:
    """Set the times of a file, or of a symbolic link itself."""
    folder = state.descriptors.folder(fd, Rights.PATH_FILESTAT_SET_TIMES).folder
    with folder.locate(_path(memory, path, length), follow=_follow(lookup)) as place:
        place.set_times(*new_times(state, flags, access, modification, place.stat))


def path_create_directory(state: State, memory: GuestMemory, fd: int, path: int, length: int) -> None:
    """Create a folder."""
    folder = state.descriptors.folder(fd, Rights.PATH_CREATE_DIRECTORY).folder
    with folder.locate(_path(memory, path, length), follow=False, slash_follows=False) as place:
        place.make_folder()


def path_remove_directory(state: State, memory: GuestMemory, fd: int, path: int, length: int) -> None:
    """Remove an empty folder."""
    folder = state.descriptors.folder(fd, Rights.PATH_REMOVE_DIRECTORY).folder
    with folder.locate(_path(memory, path, length), follow=False, slash_follows=False) as place:
        place.remove_folder()


def path_unlink_file(state: State, memory: GuestMemory, fd: int, path: int, length: int) -> None:
    """Remove a file or a symbolic link."""
    folder = state.descriptors.folder(fd, Rights.PATH_UNLINK_FILE).folder
    with folder.locate(_path(memory, path, length), follow=False, slash_follows=False) as place:
        place.unlink()


def path_link(
    state: State,
    memory: GuestMemory,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    new_fd: int,
    new_path: int,
    new_length: int,
) -> None:
    """Create a hard link."""
    source = state.descriptors.folder(fd, Rights.PATH_LINK_SOURCE).folder
    target = state.descriptors.folder(new_fd, Rights.PATH_LINK_TARGET).folder
    with (
        source.locate(_path(memory, path, length), follow=_follow(lookup)) as existing,
        target.locate(_path(memory, new_path, new_length), follow=False, slash_follows=False) as new,
    ):
        new.make_link_to(existing)


def path_rename(
    state: State, memory: GuestMemory, fd: int, path: int, length: int, new_fd: int, new_path: int, new_length: int
) -> None:
    """Rename a file, a folder or a symbolic link."""
    source = state.descriptors.folder(fd, Rights.PATH_RENAME_SOURCE).folder
    target = state.descriptors.folder(new_fd, Rights.PATH_RENAME_TARGET).folder
    with (
        source.locate(_path(memory, path, length), follow=False, slash_follows=False) as old,
        target.locate(_path(memory, new_path, new_length), follow=False, slash_follows=False) as new,
    ):
        old.rename_to(new)


def path_symlink(
    state: State, memory: GuestMemory, target: int, target_length: int, fd: int, path: int, length: int
) -> None:
    """Create a symbolic link. An absolute target is refused, because it could mislead programs on the host."""
    folder = state.descriptors.folder(fd, Rights.PATH_SYMLINK).folder
    pointed_at = _path(memory, target, target_length)
    if pointed_at.startswith(b"/"):
        raise EscapeError
    if b"\0" in pointed_at:
        raise WasiError(Errno.INVAL)
    with folder.locate(_path(memory, path, length), follow=False, slash_follows=False) as place:
        place.make_symbolic_link(pointed_at)


def path_readlink(
    state: State, memory: GuestMemory, fd: int, path: int, length: int, buffer: int, size: int, used: int
) -> None:
    """Read the target of a symbolic link, truncated to the buffer."""
    folder = state.descriptors.folder(fd, Rights.PATH_READLINK).folder
    memory.check(buffer, size)
    memory.check(used, 4)
    with folder.locate(_path(memory, path, length), follow=False) as place:
        target = place.read_link()[:size]
    memory.write(buffer, target)
    memory.write_unsigned(used, len(target), 4)


def _path(memory: GuestMemory, pointer: int, length: int) -> bytes:
    """Read a path; raises ``MemoryFaultError``, ``TooLongError``, or ``WasiError`` (``ILSEQ``) if it is not UTF-8."""
    path = memory.read(pointer, length, MAX_PATH)
    try:
        path.decode()
    except UnicodeDecodeError:
        raise WasiError(Errno.ILSEQ) from None
    return path


def _follow(lookup: int) -> bool:
    if lookup > _SYMLINK_FOLLOW:
        raise WasiError(Errno.INVAL)
    return lookup == _SYMLINK_FOLLOW


def _host_flags(flags: OFlags, how: FdFlags, rights: Rights) -> int:
    """Return the flags for ``os.open``, with only the access that the rights need."""
    # Only path_* functions write to a folder; the host reports an attempt to open one for writing as an error.
    writing = bool(rights & (Rights.FD_WRITE if OFlags.DIRECTORY in flags else _WRITING)) or OFlags.TRUNC in flags
    reading = bool(rights & _READING)
    host = os.O_RDWR if writing and reading else os.O_WRONLY if writing else os.O_RDONLY
    for flag, bit in (
        (OFlags.CREAT, os.O_CREAT),
        (OFlags.DIRECTORY, os.O_DIRECTORY),
        (OFlags.EXCL, os.O_EXCL),
        (OFlags.TRUNC, os.O_TRUNC),
    ):
        host |= bit if flag in flags else 0
    for how_flag, bit in (
        (FdFlags.APPEND, os.O_APPEND),
        (FdFlags.DSYNC, os.O_DSYNC),
        (FdFlags.RSYNC, getattr(os, "O_RSYNC", os.O_SYNC)),
        (FdFlags.SYNC, os.O_SYNC),
    ):
        host |= bit if how_flag in how else 0
    return host


def _opened(number: int, rights: Rights, inheriting: Rights, flags: FdFlags) -> Descriptor:
    if file_type(os.fstat(number).st_mode) is FileType.DIRECTORY:
        return FolderDescriptor(
            folder=Folder(number), type=FileType.DIRECTORY, rights=rights & FOLDER_RIGHTS, inheriting=inheriting
        )
    return FileDescriptor(number=number, type=FileType.REGULAR_FILE, rights=rights & FILE_RIGHTS, flags=flags)


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            path_open,
            path_filestat_get,
            path_filestat_set_times,
            path_create_directory,
            path_remove_directory,
            path_unlink_file,
            path_link,
            path_rename,
            path_symlink,
            path_readlink,
        )
    }
)
