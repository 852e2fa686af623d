"""The modules that earlier processes compiled and cached, each with its interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import wasmtime
from attrs import frozen

from zenowasm.backends.cache import ModuleCache, key_of
from zenowasm.backends.wasmtime.interface import Interface

_KIND: Final = "interface, compiled"
"""The format of an entry. It is part of the key, so the cache never returns an entry in another format."""


@frozen
class CompiledModules:
    """The cache entries of an engine with these settings, found by the original binary."""

    engine: wasmtime.Engine
    version: str
    settings: Mapping[str, bool | int]
    cache: ModuleCache | None = None

    def get(self, binary: bytes) -> tuple[wasmtime.Module, Interface | None] | None:
        """Return a cached module and its interface, which is ``None`` if it must be decoded from the binary."""
        if self.cache is None:
            return None
        key = self._key(binary)
        entry = self.cache.get(key)
        if entry is None:
            return None
        interface, _, code = entry.partition(b"\n")
        try:
            return wasmtime.Module.deserialize(self.engine, code), Interface.from_json(interface)
        except (wasmtime.WasmtimeError, ValueError) as error:
            self.cache.refuse(key, f"is no module for this engine: {str(error).strip()}")
            return None

    def put(self, binary: bytes, compiled: wasmtime.Module, interface: Interface) -> None:
        """Cache a compiled binary if possible."""
        if self.cache is not None:
            self.cache.put(self._key(binary), interface.to_json() + b"\n" + compiled.serialize())

    def _key(self, binary: bytes) -> str:
        return key_of(binary, "wasmtime", self.version, self.settings, _KIND)
