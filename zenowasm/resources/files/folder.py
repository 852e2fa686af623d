"""A file tree below one folder that no path can leave: not by ``..``, a symbolic link or a race.

A path is walked segment by segment. The walk opens each folder relative to the previous one, without following links,
and keeps it open until the walk ends; ``..`` returns to the previous descriptor. Concurrently renaming folders or
replacing them with links therefore cannot divert the walk. This module reads and follows links itself, if they stay
inside the tree.

Linux and macOS have the necessary system calls. On Windows, ``Folder.open`` raises ``OSError`` (``ENOTSUP``), and
guests have no files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from zenowasm.closing import Closing
from zenowasm.resources.files.place import CURRENT, Place

MAX_PATH: Final = 4096
"""The maximum length of a path, and of a symbolic link's target, in bytes."""
MAX_DEPTH: Final = 128
"""The maximum number of nested folders in one path; each needs a host descriptor during the walk."""
MAX_LINKS: Final = 32
"""The maximum number of symbolic links followed in one path."""

# O_PATH also opens a folder that may be traversed but not listed; Python on macOS does not have it.
_PASS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_SUPPORTED: Final = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd


class EscapeError(PermissionError):
    """A path leads out of its folder: it is absolute, has too many ``..``, or contains a link that leads out."""

    def __init__(self) -> None:
        super().__init__(errno.EPERM, "the path leaves its folder")


class Folder(Closing):
    """An open folder that gives access only to files below it.

    It owns the descriptor from which it is created. Hard links and mounts inside the folder are part of it, regardless
    of the origin of their contents.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the folder at ``path``, which comes from the host and is trusted; links in it are followed.

        Raises ``OSError``, also if the operating system cannot open files relative to a folder.
        """
        if not _SUPPORTED:
            reason = "files for guests need an operating system that can open them relative to a folder"
            raise OSError(errno.ENOTSUP, reason, str(path))
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def close(self) -> None:
        """Close the descriptor; closing twice does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def duplicate(self) -> Folder:
        """Return the same folder with a duplicated descriptor."""
        return Folder(os.dup(self.descriptor))

    @contextmanager
    def locate(self, path: bytes, *, follow: bool, slash_follows: bool = True) -> Iterator[Place]:
        """Walk to the end of ``path`` and yield the place there, which is valid inside the context.

        The last segment need not exist. If it is a link, it is followed if ``follow`` is true, or if the path ends in a
        slash and ``slash_follows`` is true; Linux does the latter for all calls except those that create, remove or
        rename the name itself. A final ``.`` is the folder before it. Raises ``EscapeError``, or ``OSError``:
        ``ENOENT`` for an empty path or a missing folder, ``ENOTDIR``, ``ELOOP``, ``EINVAL`` for a NUL,
        ``ENAMETOOLONG`` beyond ``MAX_PATH`` or ``MAX_DEPTH``.
        """
        walk = _Walk(self.descriptor)
        try:
            yield walk.to(path, follow=follow or (slash_follows and path.endswith(b"/")))
        finally:
            walk.close()


class _Walk:
    """The state of one walk: the open folders from the root to the current one, and the pending segments."""

    def __init__(self, root: int) -> None:
        self._folders = [root]
        self._names: list[bytes] = []
        self._pending: list[bytes] = []
        self._links = 0

    def close(self) -> None:
        """Close every folder but the root."""
        while len(self._folders) > 1:
            os.close(self._folders.pop())

    def to(self, path: bytes, *, follow: bool) -> Place:
        """Walk ``path`` up to its last name."""
        self._push(path)
        slash = path.endswith(b"/")
        while self._pending:
            name = self._pending.pop()
            if name == CURRENT:
                continue  # the folder before it has already been entered
            if name == b"..":
                self._back()
            elif self._pending:
                self._enter(name)
            else:
                target = self._link(name) if follow else None
                if target is None:
                    return Place(self._folders[-1], name, (*self._names, name), slash)
                slash = slash or target.endswith(b"/")
                self._push(target)
        return Place(self._folders[-1], CURRENT, tuple(self._names), slash)

    def _push(self, path: bytes) -> None:
        """Insert the segments of a path before the pending ones."""
        if not path:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if len(path) > MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        if b"\0" in path:
            raise OSError(errno.EINVAL, "a path has no NUL")
        if path.startswith(b"/"):
            raise EscapeError
        names = [name for name in path.split(b"/") if name]
        # Only a final `.` has a meaning: the name before it must be a folder.
        kept = [name for name in names[:-1] if name != CURRENT] + names[-1:]
        self._pending += reversed(kept)

    def _back(self) -> None:
        if len(self._folders) == 1:
            raise EscapeError
        os.close(self._folders.pop())
        self._names.pop()

    def _enter(self, name: bytes) -> None:
        if len(self._folders) > MAX_DEPTH:
            raise OSError(errno.ENAMETOOLONG, f"more than {MAX_DEPTH} folders below one another")
        try:
            descriptor = os.open(name, _PASS, dir_fd=self._folders[-1])
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            target = self._link(name)
            if target is None:
                raise
            self._push(target)
            return
        self._folders.append(descriptor)
        self._names.append(name)

    def _link(self, name: bytes) -> bytes | None:
        """Return the target of the link ``name``, ``None`` if it is not a link or does not exist."""
        try:
            target = os.readlink(name, dir_fd=self._folders[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        self._links += 1
        if self._links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return target
