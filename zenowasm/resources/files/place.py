"""The end of a walk through a ``Folder``: a name in an open folder, with the operations on it.

No operation follows a symbolic link that has replaced the name since the walk.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final, NoReturn

from attrs import frozen

CURRENT: Final = b"."
_NEW_FILE_MODE: Final = 0o666
_CLOSE_ON_EXEC: Final = getattr(os, "O_CLOEXEC", 0)
# Opening a pipe or a device must not block, or make it the process's terminal.
_CAREFUL: Final = (
    _CLOSE_ON_EXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
)


@frozen
class Place:
    """A name, which need not exist, in the folder with the descriptor ``parent``.

    ``name`` is ``.`` for that folder itself. ``segments`` are the names from the root to this place, with all links
    resolved; permissions are matched against them. ``slash`` is true if the path ended in a slash, so that it can only
    name a folder. Every operation raises ``OSError``, like the system call of the same name.
    """

    parent: int
    name: bytes
    segments: tuple[bytes, ...]
    slash: bool

    def stat(self) -> os.stat_result:
        """Return the file's status; for a link, that of the link itself."""
        found = os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)
        if self.slash and not stat.S_ISDIR(found.st_mode):
            _fail(errno.ENOTDIR)
        return found

    def open(self, flags: int) -> int:
        """Open a regular file or a folder with the flags of ``os.open`` and return its descriptor.

        Raises ``OSError``: ``ENOTSUP`` for a pipe, a socket or a device, which are never opened.
        """
        if self.slash and flags & os.O_CREAT:
            _fail(errno.EISDIR)
        if not flags & os.O_EXCL:  # with O_EXCL no existing file is opened
            try:
                _expect_file_or_folder(self.stat().st_mode)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    raise
        descriptor = os.open(self.name, flags | _CAREFUL, _NEW_FILE_MODE, dir_fd=self.parent)
        try:
            _expect_file_or_folder(os.fstat(descriptor).st_mode)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def read(self, limit: int) -> bytes:
        """Return the content of a regular file of at most ``limit`` bytes; raises ``OSError``: ``EFBIG`` for more."""
        descriptor = self.open(os.O_RDONLY)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                _fail(errno.EISDIR)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(limit + 1)
        finally:
            os.close(descriptor)
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"larger than the limit of {limit} bytes")
        return data

    def write(self, data: bytes) -> None:
        """Atomically replace or create a regular file.

        The data is written to a new file in the same folder, and synced to the disk before that file takes the name.
        An existing file's permissions are kept.
        """
        mode = self._replaced_mode()
        temporary = b".%s.new" % os.urandom(8).hex().encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL
        descriptor = os.open(temporary, flags, _NEW_FILE_MODE, dir_fd=self.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if mode is not None:
                    os.fchmod(descriptor, mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, self.name, src_dir_fd=self.parent, dst_dir_fd=self.parent)
        except BaseException:
            os.unlink(temporary, dir_fd=self.parent)
            raise
        self._sync_parent()

    def make_folder(self) -> None:
        """Create the folder."""
        os.mkdir(self.name, dir_fd=self.parent)

    def remove_folder(self) -> None:
        """Remove the folder, which must be empty."""
        os.rmdir(self.name, dir_fd=self.parent)

    def unlink(self) -> None:
        """Remove the file or link."""
        if self.slash:
            self.stat()
        os.unlink(self.name, dir_fd=self.parent)

    def read_link(self) -> bytes:
        """Return the target of the symbolic link."""
        if self.slash:
            self.stat()
        return os.readlink(self.name, dir_fd=self.parent)

    def make_symbolic_link(self, target: bytes) -> None:
        """Create a symbolic link to ``target``, which need not exist."""
        self._expect_no_slash()
        os.symlink(target, self.name, dir_fd=self.parent)

    def make_link_to(self, existing: Place) -> None:
        """Create a hard link to an existing file."""
        self._expect_no_slash()
        if existing.slash:
            existing.stat()
        os.link(existing.name, self.name, src_dir_fd=existing.parent, dst_dir_fd=self.parent, follow_symlinks=False)

    def rename_to(self, new: Place) -> None:
        """Rename the file, folder or link, replacing an existing one like ``rename``."""
        if (self.slash or new.slash) and not stat.S_ISDIR(self.stat().st_mode):
            _fail(errno.ENOTDIR)
        os.rename(self.name, new.name, src_dir_fd=self.parent, dst_dir_fd=new.parent)

    def set_times(self, accessed: int, modified: int) -> None:
        """Set both times, in nanoseconds since 1970; for a link, those of the link itself."""
        if self.slash:
            self.stat()
        os.utime(self.name, ns=(accessed, modified), dir_fd=self.parent, follow_symlinks=False)

    def _expect_no_slash(self) -> None:
        """Raise ``OSError`` if the path ended in a slash, which only a folder's may."""
        if self.slash:
            self.stat()
            _fail(errno.EEXIST)

    def _replaced_mode(self) -> int | None:
        """Return the permissions of the file to be replaced; raises ``OSError`` unless it is writable."""
        if self.slash:
            _fail(errno.EISDIR)
        try:
            descriptor = self.open(os.O_WRONLY)
        except FileNotFoundError:
            return None
        try:
            return stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777
        finally:
            os.close(descriptor)

    def _sync_parent(self) -> None:
        descriptor = os.open(CURRENT, os.O_RDONLY | os.O_DIRECTORY | _CLOSE_ON_EXEC, dir_fd=self.parent)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _expect_file_or_folder(mode: int) -> None:
    if stat.S_ISLNK(mode):
        _fail(errno.ELOOP)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.ENOTSUP, "neither a regular file nor a folder")


def _fail(code: int) -> NoReturn:
    raise OSError(code, os.strerror(code))
