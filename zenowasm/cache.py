"""A cache folder with trusted entries: private, keyed, completely verified before use, and limited in size.

Cached modules are native code, so an entry is used only if nobody but this user can have written it. Any problem with
the folder or an entry causes a warning and the work that the cache would have saved, but never an error.
"""

from __future__ import annotations

import hmac
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

CACHE_DIR: Final = "ZENO_CACHE_DIR"
ENABLED: Final = "ZENO_CACHE_ENABLED"
_KEY: Final = "key"
_DIGEST_BYTES: Final = 64
"""The length of a digest and of the key, in hexadecimal digits."""
_ENTRY: Final = re.compile(r"[0-9a-f]{64}\.entry")
_UNFINISHED: Final = re.compile(r"unfinished-[0-9a-f]{16}")
_UNFINISHED_SECONDS: Final = 3600.0
"""The age at which an unfinished file belongs to a process that has died."""
_MOST_LINKS: Final = 40
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_FLAGS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_TO_READ: Final = os.O_RDONLY | _FLAGS | getattr(os, "O_NONBLOCK", 0)
_TO_OPEN_FOLDER: Final = os.O_RDONLY | _FLAGS | getattr(os, "O_DIRECTORY", 0)
_TO_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
_IS_SUPPORTED: Final = hasattr(os, "getuid") and os.open in os.supports_dir_fd


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of all caches: ``ZENO_CACHE_DIR``, else the platform's cache folder."""
    if given := environment.get(CACHE_DIR):
        return Path(given)
    if os.name == "posix" and sys.platform != "darwin":
        # The same as platformdirs, whose import takes longer than reading an entry.
        base = os.environ.get("XDG_CACHE_HOME", "")
        return Path(base if os.path.isabs(base) else os.path.expanduser("~/.cache"), "zenowasm")
    from platformdirs import user_cache_path

    return user_cache_path("zenowasm", appauthor=False)


def cache_enabled(environment: Mapping[str, str], setting: bool = True) -> bool:
    """Return whether caching is enabled: by ``ZENO_CACHE_ENABLED``, else by ``setting``."""
    said = environment.get(ENABLED)
    return said in ("true", "1") if said else setting


@frozen
class Bounds:
    """The limits of a cache: the bytes of all entries together, the bytes of one entry, and the number of entries."""

    total_bytes: int
    entry_bytes: int
    entries: int


@frozen
class Contents:
    """The number of entries in a cache, and their size."""

    entries: int = 0
    bytes: int = 0


class _RefusedError(Exception):
    """Raised for a folder or file that must not be used; the message says why."""


@frozen
class _Stored:
    name: str
    size: int
    used: float


@define(eq=False)
class Cache:
    """A folder of entries, each identified by a text that names all inputs of its content.

    Several threads and processes may use a cache concurrently. No method raises an exception.
    """

    folder: Path
    bounds: Bounds
    _told: set[str] = field(factory=set, init=False, repr=False)

    def get(self, identity: str) -> bytes | None:
        """Return the verified content of an entry, ``None`` if there is none."""
        return self._trying(lambda folder: self._read_entry(folder, identity), None)

    def put(self, identity: str, data: bytes | bytearray) -> None:
        """Write an entry; if the cache then exceeds its limits, remove the least recently used entries."""
        size = _DIGEST_BYTES + len(data)
        if size > min(self.bounds.entry_bytes, self.bounds.total_bytes):
            self._warn(f"an entry of {size} bytes is larger than its limit")
            return

        def write(folder: int) -> None:
            digest = _digest(self._made_key(folder), identity, data)
            _write(folder, _name(identity), digest, data)
            self._trim(folder)

        self._trying(write, None, make=True)

    def forget(self, identity: str) -> None:
        """Remove an entry if it exists."""
        self._trying(lambda folder: _remove(folder, _name(identity)), None)

    def contents(self) -> Contents:
        """Return the number of entries and their size."""

        def count(folder: int) -> Contents:
            found = [it.size for it in _stored(folder)]
            return Contents(len(found), sum(found))

        return self._trying(count, Contents())

    def clear(self) -> Contents:
        """Remove all entries and the key; return the removed contents."""

        def remove(folder: int) -> Contents:
            found = list(_stored(folder))
            for name in (*(it.name for it in found), _KEY):
                _remove(folder, name)
            return Contents(len(found), sum(it.size for it in found))

        return self._trying(remove, Contents())

    def warn(self, identity: str, reason: str) -> None:
        """Log that an entry could not be used, and remove it."""
        self._warn(f"an entry {reason}")
        self.forget(identity)

    def _trying(self, action: Callable[[int], T], otherwise: T, *, make: bool = False) -> T:
        """Call ``action`` with the opened folder and return its result, or ``otherwise`` if there is any problem."""
        if not _IS_SUPPORTED:
            return otherwise
        try:
            with _opened(self.folder, make=make) as folder:
                return action(folder)
        except FileNotFoundError:
            return otherwise
        except _RefusedError as refused:
            self._warn(str(refused))
        except OSError as error:
            self._warn(error.strerror or str(error))
        return otherwise

    def _warn(self, reason: str) -> None:
        """Log a reason, only once."""
        if reason not in self._told:
            self._told.add(reason)
            import logging  # its import takes longer than reading an entry

            logging.getLogger("zenowasm.cache").warning("the cache %s is not used: %s", self.folder, reason)

    def _read_entry(self, folder: int, identity: str) -> bytes:
        key = self._key(folder)
        with _private_file(folder, _name(identity), self.bounds.entry_bytes) as stream:
            digest, data = stream.read(_DIGEST_BYTES), stream.read(self.bounds.entry_bytes)
            if not hmac.compare_digest(digest, _digest(key, identity, data)):
                raise _RefusedError("an entry is damaged, or something else has written it")
            with suppress(OSError):
                os.utime(stream.fileno())  # the time of last use determines when the entry is removed
        return data

    def _key(self, folder: int) -> bytes:
        with _private_file(folder, _KEY, _DIGEST_BYTES) as stream:
            key = stream.read(_DIGEST_BYTES)
        if len(key) != _DIGEST_BYTES:
            raise _RefusedError("its key is damaged")
        return key

    def _made_key(self, folder: int) -> bytes:
        """Return the key, created if it is missing; if several processes create it at once, the first one wins."""
        with suppress(FileNotFoundError):
            return self._key(folder)
        name = _unfinished(folder, os.urandom(_DIGEST_BYTES // 2).hex().encode())
        try:
            with suppress(FileExistsError):
                os.link(name, _KEY, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            _remove(folder, name)
        return self._key(folder)

    def _trim(self, folder: int) -> None:
        found = sorted(_stored(folder), key=lambda it: it.used, reverse=True)
        left = self.bounds.total_bytes
        for rank, it in enumerate(found):
            left -= it.size
            if left < 0 or rank >= self.bounds.entries:
                _remove(folder, it.name)


def _name(identity: str) -> str:
    return f"{sha256(identity.encode()).hexdigest()}.entry"


def _digest(key: bytes, identity: str, data: bytes | bytearray) -> bytes:
    named = identity.encode()
    keyed = hmac.new(key, b"%d\n" % len(named), sha256)
    keyed.update(named)
    keyed.update(data)
    return keyed.hexdigest().encode()


@contextmanager
def _opened(path: Path, *, make: bool) -> Iterator[int]:
    """Open a folder that only this user can change; raises ``_RefusedError`` and ``OSError``."""
    path = Path(os.path.abspath(path))
    if make:
        _make(path)
    _check_ancestors(path.parent, _MOST_LINKS)
    folder = os.open(path, _TO_OPEN_FOLDER)
    try:
        _check(os.fstat(folder), "the folder")
        yield folder
    finally:
        os.close(folder)


def _make(path: Path) -> None:
    """Create a folder and its parents, all of them private."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)


def _check_ancestors(path: Path, links: int) -> None:
    """Check that only this user and root can replace a folder on the way to ``path``.

    A sticky folder such as ``/tmp``, in which all users may create files but only rename their own, is accepted.
    """
    for folder in (*reversed(path.parents), path):
        found = os.lstat(folder)
        if found.st_uid not in (0, os.getuid()):
            raise _RefusedError(f"{folder} belongs to another user")
        if stat.S_ISLNK(found.st_mode):
            if not links:
                raise _RefusedError(f"{folder} leads through too many links")
            _check_ancestors(Path(os.path.abspath(folder.parent / folder.readlink())), links - 1)
        elif found.st_mode & _OTHERS and not found.st_mode & stat.S_ISVTX:
            raise _RefusedError(f"others can write to {folder}")


def _check(found: os.stat_result, what: str) -> None:
    if found.st_uid != os.getuid():
        raise _RefusedError(f"{what} belongs to another user")
    if found.st_mode & _OTHERS:
        raise _RefusedError(f"others can write to {what}")


@contextmanager
def _private_file(folder: int, name: str, limit: int) -> Iterator[BinaryIO]:
    with os.fdopen(os.open(name, _TO_READ, dir_fd=folder), "rb") as stream:
        found = os.fstat(stream.fileno())
        what = "its key" if name == _KEY else "an entry"
        if not stat.S_ISREG(found.st_mode):
            raise _RefusedError(f"{what} is not a regular file")
        _check(found, what)
        if found.st_size > limit:
            raise _RefusedError(f"{what} is larger than its limit")
        yield stream


def _write(folder: int, name: str, *parts: bytes | bytearray) -> None:
    """Write a file atomically."""
    unfinished = _unfinished(folder, *parts)
    try:
        os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _remove(folder, unfinished)
        raise


def _unfinished(folder: int, *parts: bytes | bytearray) -> str:
    """Write a new file with a unique name, and return the name."""
    name = f"unfinished-{os.urandom(8).hex()}"
    try:
        with os.fdopen(os.open(name, _TO_WRITE, 0o600, dir_fd=folder), "wb") as stream:
            stream.writelines(parts)
    except BaseException:
        _remove(folder, name)
        raise
    return name


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _stored(folder: int) -> Iterator[_Stored]:
    """Yield the entries; remove the unfinished files of processes that have died."""
    dead = time.time() - _UNFINISHED_SECONDS
    for name in os.listdir(folder):
        is_entry = _ENTRY.fullmatch(name) is not None
        if not is_entry and not _UNFINISHED.fullmatch(name):
            continue
        try:
            found = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            continue  # another process has removed it
        if not stat.S_ISREG(found.st_mode):
            continue
        if is_entry:
            yield _Stored(name, found.st_size, found.st_mtime)
        elif found.st_mtime < dead:
            _remove(folder, name)
