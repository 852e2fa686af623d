"""Remembers what plugins declare, so that a plugin need not be loaded before one of its slots is called.

An entry is a file, named after everything that its content depends on: the binary, the engine, this package. It begins
with a digest under a key of the cache's own, so that an entry which something else wrote is not believed. Its content
is trusted no further than a guest's own answer would be, and a plugin is asked again when it is loaded.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from attrs import asdict

from zenowasm import __version__
from zenowasm.backends.protocol import Engine
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.errors import ReplyError
from zenowasm.plugin.guest.abi import parse_metadata, parse_slots
from zenowasm.plugin.guest.jsonvalue import JSONError, encode, parse_first
from zenowasm.plugin.lifecycle.generation import Declaration

CACHE_DIR: Final = "ZENO_CACHE_DIR"
MAX_BYTES: Final = 1 << 20
"""Of one entry; what is longer is not remembered."""
MAX_ENTRIES: Final = 1_000
_SCHEMA: Final = 2
_SUFFIX: Final = ".json"
_KEY: Final = "key"
"""The file of the key; in the same folder, whose owner alone can write there."""
_DIGEST_BYTES: Final = 65
"""Of a digest or a key in hexadecimal, with a line end."""


def _depends_on(binary: str, engine: Engine) -> bytes:
    return f"{_SCHEMA}\n{__version__}\n{engine.name}\n{engine.version}\n{binary}\n".encode()


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the cache: below ``ZENO_CACHE_DIR``, else below the platform's folder for caches."""
    if given := environment.get(CACHE_DIR):
        return Path(given) / "slots"
    from platformdirs import user_cache_path

    return user_cache_path("zenowasm", appauthor=False) / "slots"


class SlotCache:
    """A folder of entries, which its owner alone can read and write.

    It never raises: what cannot be read is not there, and what cannot be written is not remembered.
    """

    def __init__(self, folder: Path, slots: int) -> None:
        """Use ``folder``, made when it is needed; an entry with more than ``slots`` slots counts as damaged."""
        self._folder = folder
        self._slots = slots

    def get(self, binary: str, engine: Engine) -> Declaration | None:
        """Return what the plugin whose binary has this SHA-256 declared on this engine, ``None`` when not known."""
        if not self._is_private():
            return None
        try:
            digest, _, data = read_bounded(self._file(binary, engine), _DIGEST_BYTES + MAX_BYTES).partition(b"\n")
            if not hmac.compare_digest(digest, self._digest(self._key(), binary, engine, data)):
                return None
            entry = parse_first(data)
            if not isinstance(entry, dict):
                return None
            return Declaration(
                parse_metadata(encode(entry.get("metadata"))), parse_slots(encode(entry.get("slots")), self._slots)
            )
        except (OSError, JSONError, ReplyError):
            return None

    def put(self, binary: str, engine: Engine, declaration: Declaration) -> None:
        """Remember what a plugin declares; the oldest entries go when there are more than ``MAX_ENTRIES``."""
        slots = [asdict(slot) for slot in declaration.slots]
        try:
            data = encode({"metadata": asdict(declaration.metadata), "slots": slots})
            if len(data) > MAX_BYTES:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_private():
                digest = self._digest(self._made_key(), binary, engine, data)
                self._write(self._file(binary, engine), digest + b"\n" + data)
                self._trim()
        except (OSError, JSONError):
            return

    def forget(self, binary: str, engine: Engine) -> None:
        """Drop an entry, if it is there."""
        with contextlib.suppress(OSError):
            self._file(binary, engine).unlink(missing_ok=True)

    def _file(self, binary: str, engine: Engine) -> Path:
        return self._folder / f"{sha256(_depends_on(binary, engine)).hexdigest()}{_SUFFIX}"

    def _key(self) -> bytes:
        return read_bounded(self._folder / _KEY, _DIGEST_BYTES)

    def _made_key(self) -> bytes:
        """Return the key, made unless it is there; of several that are made at once, the first stays."""
        with contextlib.suppress(FileNotFoundError):
            return self._key()
        made = self._folder / f"{_KEY}.{secrets.token_hex(8)}"
        self._write(made, secrets.token_hex().encode())
        with contextlib.suppress(FileExistsError):
            os.link(made, self._folder / _KEY)
        made.unlink()
        return self._key()

    @staticmethod
    def _digest(key: bytes, binary: str, engine: Engine, data: bytes) -> bytes:
        return hmac.new(key, _depends_on(binary, engine) + data, sha256).hexdigest().encode()

    def _is_private(self) -> bool:
        """Return whether the folder is there, is this user's, and is nobody else's to write."""
        try:
            found = os.lstat(self._folder)
        except OSError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            return False
        if not hasattr(os, "getuid"):
            return True
        return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    def _write(self, file: Path, data: bytes) -> None:
        """Write the whole file or nothing; ``mkstemp`` makes it readable for its owner alone."""
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _trim(self) -> None:
        with os.scandir(self._folder) as found:
            entries = [entry for entry in found if entry.name.endswith(_SUFFIX)]
        if len(entries) <= MAX_ENTRIES:
            return
        oldest = sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
        for entry in oldest[: len(entries) - MAX_ENTRIES]:
            Path(entry.path).unlink(missing_ok=True)
