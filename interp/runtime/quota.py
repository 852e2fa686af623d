"""Counts the units that a store may still allocate."""

from __future__ import annotations

from zenowasm.interp.errors import LimitError


class Quota:
    """A number of units (bytes of memory, elements of tables) that a store may use.

    Aggregates return their units when they are collected; memories and tables never do. ``collections`` counts how
    often cycles were collected to free units.
    """

    __slots__ = ("collections", "left", "limit", "what")

    def __init__(self, limit: int, what: str) -> None:
        """Allow ``limit`` units of ``what``."""
        self.limit = self.left = limit
        self.what = what
        self.collections = 0

    def take(self, amount: int) -> bool:
        """Use ``amount`` units if they are left; return whether they were."""
        if amount > self.left:
            return False
        self.left -= amount
        return True

    def require(self, amount: int) -> None:
        """Use ``amount`` units; raises ``LimitError`` if fewer are left."""
        if not self.take(amount):
            raise LimitError(f"{amount} {self.what} are asked for: the limit is {self.limit}, {self.left} are left")
