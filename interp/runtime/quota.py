"""Counts what a store may still allocate."""

from __future__ import annotations

from zenowasm.interp.errors import LimitError


class Quota:
    """A number of units (bytes of memory, elements of tables) that is used up and never given back.

    ``collections`` counts how often cycles were collected to find units.
    """

    __slots__ = ("collections", "left", "limit", "what")

    def __init__(self, limit: int, what: str) -> None:
        """Allow ``limit`` units of ``what``."""
        self.limit = self.left = limit
        self.what = what
        self.collections = 0

    def take(self, amount: int) -> bool:
        """Use ``amount`` units if they are left; say whether they were."""
        if amount > self.left:
            return False
        self.left -= amount
        return True

    def require(self, amount: int) -> None:
        """Use ``amount`` units; raises ``LimitError`` when they are not left."""
        if not self.take(amount):
            raise LimitError(f"{amount} {self.what} are asked for: the limit is {self.limit}, {self.left} are left")
