"""References that are valid until the guest goes on."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from zenowasm.frontends.dap.errors import RequestError

_MOST: Final = 1_000_000
_T = TypeVar("_T")


class Handles(Generic[_T]):
    """Objects by number. A number is never used again, so a client cannot confuse the objects of two stops."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._first = 1
        self._objects: list[_T] = []

    def add(self, object_: _T) -> int:
        """Return the number of a new object; raises ``RequestError`` if there are too many."""
        if len(self._objects) >= _MOST:
            raise RequestError(f"more than {_MOST} references: continue, or look at fewer variables")
        self._objects.append(object_)
        return self._first + len(self._objects) - 1

    def of(self, number: int) -> _T:
        """Return the object with a number; raises ``RequestError`` if the current stop has none."""
        index = number - self._first
        if not 0 <= index < len(self._objects):
            raise RequestError(f"there is no {self._what} {number} at this stop")
        return self._objects[index]

    def clear(self) -> None:
        """Forget all objects."""
        self._first += len(self._objects)
        self._objects.clear()
