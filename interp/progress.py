"""The progress of decoding, validating and making code, reported to an embedder that may end them."""

from __future__ import annotations

from collections.abc import Callable


def no_checkpoint(held: int) -> None:
    """Let the work go on without end."""


class Progress:
    """Counts the memory of one piece of work and asks the embedder now and then whether it may go on.

    ``held`` is an upper estimate, in bytes, of what the work has made and keeps. ``checkpoint`` is the embedder's: it
    is given that number plus what is needed for the moment, and raises what ends the work. Between two calls of it lie
    at most some hundred instructions or entries.
    """

    __slots__ = ("_checkpoint", "held")

    def __init__(self, checkpoint: Callable[[int], None] = no_checkpoint) -> None:
        """Begin with nothing."""
        self._checkpoint = checkpoint
        self.held = 0

    def hold(self, size: int) -> None:
        """Count ``size`` more bytes that stay; raises what the embedder raises."""
        self.held += size
        self._checkpoint(self.held)

    def check(self, needed: int = 0) -> None:
        """Ask the embedder, with ``needed`` bytes for the moment; raises what the embedder raises."""
        self._checkpoint(self.held + needed)
