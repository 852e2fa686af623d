"""The common part of globals, memories and tables: an engine's object and its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store

_Raw = TypeVar("_Raw")


class Wrapper(Generic[_Raw]):
    """An engine's object, ``raw``, in a store."""

    raw: _Raw

    @classmethod
    def of(cls, store: Store, raw: _Raw) -> Self:
        """Wrap an existing object."""
        wrapper = cls.__new__(cls)
        wrapper._become(store, raw)
        return wrapper

    def _become(self, store: Store, raw: _Raw) -> None:
        self._store = store
        self.raw = raw
