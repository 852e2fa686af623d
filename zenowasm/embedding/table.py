"""Tables of references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zenowasm.backends import protocol
from zenowasm.embedding.types import reference_type
from zenowasm.embedding.values import reference_from_guest, to_guest
from zenowasm.embedding.wrapper import Wrapper
from zenowasm.interp.errors import LimitError
from zenowasm.interp.mistakes import outside_table
from zenowasm.interp.types import Limits, TableType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store


class Table(Wrapper[protocol.Table], Sequence[Any]):
    """A table: a sequence of functions, Python objects or ``None``, whose elements can be assigned.

    ``Table(store, "funcref", 10)`` makes one. The element type is a name of the text format.
    """

    def __init__(self, store: Store, element: str, minimum: int, maximum: int | None = None, value: Any = None) -> None:
        type_ = TableType(reference_type(element), Limits(minimum, maximum))
        with store.entered() as raw:
            self._become(store, raw.new_table(type_, to_guest(store, type_.element, value)))

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current number of elements."""
        with self._store.entered():
            return self.raw.type

    def grow(self, count: int, value: Any = None) -> int:
        """Add ``count`` elements and return the previous number; raises ``LimitError``, with the table unchanged."""
        with self._store.entered():
            former = self.raw.grow(count, to_guest(self._store, self.raw.type.element, value))
        if former < 0:
            raise LimitError(f"a table of {len(self)} elements cannot grow by {count}: its limits forbid it")
        return former

    def __len__(self) -> int:
        with self._store.entered():
            return self.raw.size

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [self[at] for at in range(*key.indices(len(self)))]
        with self._store.entered():
            return reference_from_guest(self._store, self.raw.get(self._place(key)))

    def __setitem__(self, key: int, value: Any) -> None:
        with self._store.entered():
            self.raw.set(self._place(key), to_guest(self._store, self.raw.type.element, value))

    def _place(self, at: int) -> int:
        size = self.raw.size
        place = at + size if at < 0 else at
        if not 0 <= place < size:
            raise outside_table(at, size)
        return place

    def __repr__(self) -> str:
        return f"<Table of {self.type.element}: {len(self)} elements>"
