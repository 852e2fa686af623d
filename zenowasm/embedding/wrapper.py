"""What globals, memories and tables have in common: an engine's object, and the store that it lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store

_Raw = TypeVar("_Raw")


class Wrapper(Generic[_Raw]):
    """An engine's object in a store; ``raw`` is that object."""

    raw: _Raw

    @classmethod
    def of(cls, store: Store, raw: _Raw) -> Self:
        """Wrap an object that exists already."""
        wrapper = cls.__new__(cls)
        wrapper._become(store, raw)
        return wrapper

    def _become(self, store: Store, raw: _Raw) -> None:
        self._store = store
        self.raw = raw
