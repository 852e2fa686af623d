"""Cached code: functions that the reference engine compiled in earlier processes."""

from __future__ import annotations

from attrs import define, field

from zenowasm.backends.cache import ModuleCache
from zenowasm.interp.execution.packing import pack_all, unpack_all
from zenowasm.interp.validation import ValidModule


@define(eq=False)
class KeptCode:
    """A module's entry in the cache: the code of each function that was ever called."""

    cache: ModuleCache
    key: str
    _count: int = field(default=0, init=False)

    def load(self, valid: ValidModule) -> None:
        """Set a module's packed code from the cache; the module then adds the code that it compiles."""
        valid.packed_codes = {}
        entry = self.cache.get(self.key)
        if entry is not None:
            try:
                unpack_all(valid, entry)
            except ValueError as error:
                self.cache.refuse(self.key, f"is no code for this engine: {error}")
        self._count = len(valid.packed_codes)

    def save(self, valid: ValidModule) -> None:
        """Store a module's packed code if it contains more functions than the cache entry."""
        count = len(valid.packed_codes or {})
        if count > self._count:
            self._count = count
            self.cache.put(self.key, pack_all(valid))
