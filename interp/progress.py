"""The progress of decoding, validating and compiling, reported to an embedder, which may end the work."""

from __future__ import annotations

from collections.abc import Callable


def no_checkpoint(held: int) -> None:
    """Never end the work."""


class Progress:
    """A counter of the memory of one piece of work, which regularly lets the embedder end the work.

    ``held`` is an upper estimate, in bytes, of the memory that the work has allocated and keeps. The embedder supplies
    ``checkpoint``: it receives that number plus the bytes needed temporarily, and raises an exception to end the work.
    At most some hundred instructions or entries lie between two calls of it.
    """

    __slots__ = ("_checkpoint", "held")

    def __init__(self, checkpoint: Callable[[int], None] = no_checkpoint) -> None:
        """Begin with no memory held."""
        self._checkpoint = checkpoint
        self.held = 0

    def hold(self, size: int) -> None:
        """Count ``size`` more bytes as held; raises any error of the checkpoint."""
        self.held += size
        self._checkpoint(self.held)

    def check(self, needed: int = 0) -> None:
        """Call the checkpoint with ``needed`` temporary bytes added; raises any error of the checkpoint."""
        self._checkpoint(self.held + needed)
