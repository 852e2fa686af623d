"""Table instances (specification, 4.2.7)."""

from __future__ import annotations

from zenowasm.interp.mistakes import outside_table
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.runtime.values import Value, check_value
from zenowasm.interp.types import Limits, RefType, TableType

_MAX_ELEMENTS = (1 << 32) - 1


class TableInstance:
    """A table of references."""

    __slots__ = ("address", "element", "elements", "maximum", "quota")

    def __init__(self, type_: TableType, quota: Quota, value: Value = None) -> None:
        """Allocate the minimum; raises ``LimitError`` if the store's quota forbids it."""
        quota.require(type_.limits.minimum)
        self.element: RefType = type_.element
        self.elements: list[Value] = [value] * type_.limits.minimum
        self.address = type_.address
        self.maximum = type_.limits.maximum
        self.quota = quota

    @property
    def type(self) -> TableType:
        """The type; its minimum is the current size."""
        return TableType(self.element, Limits(len(self.elements), self.maximum), self.address)

    @property
    def size(self) -> int:
        """The number of elements."""
        return len(self.elements)

    def get(self, index: int) -> Value:
        """Return an element; raises ``IndexError`` outside the table."""
        self._check(index)
        return self.elements[index]

    def set(self, index: int, value: Value) -> None:
        """Replace an element; raises ``IndexError`` outside the table, ``TypeError`` for a misfit."""
        self._check(index)
        self.elements[index] = check_value(self.element, value)

    def grow(self, count: int, value: Value) -> int:
        """Add elements; return the former size, or -1 if the type or the quota forbids it (4.6.12)."""
        if count < 0:
            raise ValueError(f"cannot grow by {count}")
        value = check_value(self.element, value)
        former = len(self.elements)
        most = _MAX_ELEMENTS if self.maximum is None else self.maximum
        if former + count > most or not self.quota.take(count):
            return -1
        self.elements.extend([value] * count)
        return former

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.elements):
            raise outside_table(index, len(self.elements))
