"""Remembers what plugins declare, so that a plugin need not be loaded before one of its slots is called.

An entry is a file, named after everything that its content depends on: the binary, the engine, this package. Nothing of
it is trusted further than a guest's own answer would be, and a plugin is asked again when it is loaded.
"""

from __future__ import annotations

import contextlib
import os
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
_SCHEMA: Final = 1
_SUFFIX: Final = ".json"


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
            entry = parse_first(read_bounded(self._file(binary, engine), MAX_BYTES))
            if not isinstance(entry, dict) or (entry.get("schema"), entry.get("sha256")) != (_SCHEMA, binary):
                return None
            return Declaration(
                parse_metadata(encode(entry.get("metadata"))), parse_slots(encode(entry.get("slots")), self._slots)
            )
        except (OSError, JSONError, ReplyError):
            return None

    def put(self, binary: str, engine: Engine, declaration: Declaration) -> None:
        """Remember what a plugin declares; the oldest entries go when there are more than ``MAX_ENTRIES``."""
        slots = [asdict(slot) for slot in declaration.slots]
        entry = {"schema": _SCHEMA, "sha256": binary, "metadata": asdict(declaration.metadata), "slots": slots}
        try:
            data = encode(entry)
            if len(data) > MAX_BYTES:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_private():
                self._write(self._file(binary, engine), data)
                self._trim()
        except (OSError, JSONError):
            return

    def forget(self, binary: str, engine: Engine) -> None:
        """Drop an entry, if it is there."""
        with contextlib.suppress(OSError):
            self._file(binary, engine).unlink(missing_ok=True)

    def _file(self, binary: str, engine: Engine) -> Path:
        depends_on = f"{_SCHEMA}\n{__version__}\n{engine.name}\n{engine.version}\n{binary}\n"
        return self._folder / f"{sha256(depends_on.encode()).hexdigest()}{_SUFFIX}"

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
            entries = list(found)
        if len(entries) <= MAX_ENTRIES:
            return
        oldest = sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
        for entry in oldest[: len(entries) - MAX_ENTRIES]:
            Path(entry.path).unlink(missing_ok=True)
