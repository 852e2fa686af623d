"""A tree of files below one folder, out of which no path leads: not by ``..``, not by a symbolic link, not by a race.

A path is walked segment by segment. Every folder on the way is opened relative to the one before it, without following
links, and stays open until the walk is over; ``..`` goes back to the descriptor that the walk came from. So nobody who
renames folders or swaps them for links meanwhile can lead the walk anywhere else. Links are read and followed here, by
hand, as far as they stay inside.

Linux and macOS have the system calls that this needs. Windows has not: there ``Folder.open`` raises ``OSError``
(``ENOTSUP``), and guests get no files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from zenowasm.resources.files.place import CURRENT, Place

MAX_PATH: Final = 4096
"""Bytes of a path, and of a symbolic link's target."""
MAX_DEPTH: Final = 128
"""Folders below one another on one path: each takes a descriptor of the host while the path is walked."""
MAX_LINKS: Final = 32
"""Symbolic links followed on one path."""

# O_PATH also opens a folder that may be passed through but not listed; macOS has no such flag in Python.
_PASS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_SUPPORTED: Final = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd


class EscapeError(PermissionError):
    """A path leads out of its folder: it is absolute, has one ``..`` too many, or passes a link that does so."""

    def __init__(self) -> None:
        super().__init__(errno.EPERM, "the path leaves its folder")


class Folder:
    """A folder that is open; everything that is reached from it lies below it.

    Made from a descriptor, which it owns. Hard links and mounts inside the folder are part of it, wherever their
    contents come from.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the folder at ``path``, which is the host's own and trusted; links in it are followed.

        Raises ``OSError``, also where the operating system cannot open files relative to a folder.
        """
        if not _SUPPORTED:
            reason = "files for guests need an operating system that can open them relative to a folder"
            raise OSError(errno.ENOTSUP, reason, str(path))
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; closing twice does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def duplicate(self) -> Folder:
        """Return the same folder with a descriptor of its own."""
        return Folder(os.dup(self.descriptor))

    @contextmanager
    def locate(self, path: bytes, *, follow: bool, slash_follows: bool = True) -> Iterator[Place]:
        """Walk to where ``path`` points and hand out the place, which is valid as long as the context lasts.

        The last segment need not exist; when it is a link it is followed if ``follow`` is true, and if the path ends
        in a slash unless ``slash_follows`` is false: as Linux does it for all calls but those that make, remove or
        rename the name itself. A last ``.`` is the folder before it. Raises
        ``EscapeError``, or ``OSError``: ``ENOENT`` for an empty path or a missing folder, ``ENOTDIR``, ``ELOOP``,
        ``EINVAL`` for a NUL, ``ENAMETOOLONG`` beyond ``MAX_PATH`` or ``MAX_DEPTH``.
        """
        walk = _Walk(self.descriptor)
        try:
            yield walk.to(path, follow=follow or (slash_follows and path.endswith(b"/")))
        finally:
            walk.close()


class _Walk:
    """One walk: the folders that are open, from the root to where it is, and the segments that are still to come."""

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
        """Walk all of ``path`` but its last name."""
        self._push(path)
        slash = path.endswith(b"/")
        while self._pending:
            name = self._pending.pop()
            if name == CURRENT:
                continue  # what was before it has been entered
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
        """Put the segments of a path before what is still to come."""
        if not path:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if len(path) > MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        if b"\0" in path:
            raise OSError(errno.EINVAL, "a path has no NUL")
        if path.startswith(b"/"):
            raise EscapeError
        names = [name for name in path.split(b"/") if name]
        # Only a last `.` says something: that the name before it is a folder.
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
        """Return the target of the link ``name``, ``None`` when it is no link or does not exist."""
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
