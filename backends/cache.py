"""The cache of compiled modules, which engines share between processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Final, Self

from attrs import field, frozen

from zenowasm import __version__
from zenowasm.cache import Bounds, Cache, cache_enabled, cache_folder
from zenowasm.interp.limits import MIB

DEFAULT_BYTES: Final = 1024 * MIB
FOLDER: Final = "modules"
_MOST_ENTRIES: Final = 100_000
_MOST_CPU_BYTES: Final = 16_384


@frozen
class ModuleCache:
    """The cache directory of compiled modules and of validation results.

    An entry applies to one binary, one engine with its version and configuration, one version of this package, and one
    kind of processor: the key contains all of these.
    """

    entries: Cache = field()

    @classmethod
    def of(cls, environment: Mapping[str, str], enabled: bool = True, max_bytes: int | None = None) -> Self | None:
        """Return the cache in the directory that ``environment`` names, or ``None`` if caching is off."""
        if not cache_enabled(environment, enabled):
            return None
        most = DEFAULT_BYTES if max_bytes is None else max_bytes
        return cls(Cache(cache_folder(environment) / FOLDER, Bounds(most, most, _MOST_ENTRIES)))

    def get(self, key: str) -> bytes | None:
        """Return the verified entry for a key that ``key_of`` made, or ``None`` if there is none."""
        return self.entries.get(key)

    def put(self, key: str, data: bytes | bytearray) -> None:
        """Store ``data`` if possible; a failure is not an error."""
        self.entries.put(key, data)

    def refuse(self, key: str, reason: str) -> None:
        """Remove an entry that is intact but unusable here, and log a warning."""
        self.entries.warn(key, reason)


def key_of(binary: bytes, engine: str, version: str, configuration: Mapping[str, object], kind: str) -> str:
    """Return the key of an engine's result for a binary."""
    settings = ",".join(f"{name}={value!r}" for name, value in sorted(configuration.items()))
    return "\n".join((kind, __version__, engine, version, settings, _target(), sha256(binary).hexdigest()))


@cache
def _target() -> str:
    """Return the kind of processor and the operating system of this process."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    return f"{sys.platform} {machine} {sys.maxsize:x} {sha256(_processor()).hexdigest()}"


def _processor() -> bytes:
    """Return Linux's list of processor features; elsewhere, only the engine detects an incompatible module."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read(_MOST_CPU_BYTES).splitlines()
    except OSError:
        return b""
    return next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")
