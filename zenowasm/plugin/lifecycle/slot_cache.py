"""Caches plugins' declarations, so that a plugin need not be loaded before one of its slots is called.

The key of an entry covers everything that its content depends on: the binary, the engine and this package. The content
is trusted no more than a guest's own response, and is checked again when the plugin is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

from attrs import asdict, frozen

from zenowasm import __version__
from zenowasm.backends.protocol import Engine
from zenowasm.cache import Bounds, Cache, cache_enabled, cache_folder
from zenowasm.plugin.errors import ReplyError
from zenowasm.plugin.guest.abi import parse_metadata, parse_slots
from zenowasm.plugin.guest.jsonvalue import JSONError, encode, parse_first
from zenowasm.plugin.lifecycle.loaded_plugin import Declaration

FOLDER: Final = "slots"
MAX_BYTES: Final = 1 << 20
"""The maximum size of one entry; a larger one is not stored."""
MAX_ENTRIES: Final = 1_000
_SCHEMA: Final = 3


def _identity(binary: str, engine: Engine) -> str:
    return f"slots {_SCHEMA}\n{__version__}\n{engine.name}\n{engine.version}\n{binary}\n"


@frozen
class SlotCache:
    """A cache of declarations. An entry with more than ``slots`` slots counts as damaged. No method raises an error."""

    entries: Cache
    slots: int

    @classmethod
    def of(cls, environment: Mapping[str, str], slots: int, enabled: bool = True) -> Self | None:
        """Return the cache in the folder that ``environment`` names; ``None`` if it is disabled."""
        if not cache_enabled(environment, enabled):
            return None
        bounds = Bounds(MAX_ENTRIES * MAX_BYTES, MAX_BYTES, MAX_ENTRIES)
        return cls(Cache(cache_folder(environment) / FOLDER, bounds), slots)

    def get(self, binary: str, engine: Engine) -> Declaration | None:
        """Return the declaration for a binary's SHA-256 and an engine, ``None`` if it is not cached."""
        identity = _identity(binary, engine)
        data = self.entries.get(identity)
        if data is None:
            return None
        try:
            entry = parse_first(data)
            if isinstance(entry, dict):
                return Declaration(
                    parse_metadata(encode(entry.get("metadata"))), parse_slots(encode(entry.get("slots")), self.slots)
                )
        except (JSONError, ReplyError):
            pass
        self.entries.warn(identity, "declares what a plugin cannot")
        return None

    def put(self, binary: str, engine: Engine, declaration: Declaration) -> None:
        """Store a plugin's declaration, unless it has no JSON form."""
        slots = [asdict(slot) for slot in declaration.slots]
        try:
            data = encode({"metadata": asdict(declaration.metadata), "slots": slots})
        except JSONError:
            return
        self.entries.put(_identity(binary, engine), data)

    def forget(self, binary: str, engine: Engine) -> None:
        """Remove an entry, if it exists."""
        self.entries.forget(_identity(binary, engine))
