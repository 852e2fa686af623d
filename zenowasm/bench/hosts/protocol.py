"""What the harness asks of a plugin host."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeAlias

from zenowasm.bench.peer import Peer

Greet: TypeAlias = Callable[[str], str]
"""A warm call of the slot: from a name to a message."""


class PluginHost(Peer, Protocol):
    """A plugin host under measurement."""

    loads_any: bool
    """Whether it loads plugins of this project, whatever their language is."""

    def size(self, folder: Path) -> int:
        """Return the bytes of the binary that it loads from a folder of plugins, or of its own."""
        ...

    def open(self, stack: ExitStack) -> Callable[[], Greet]:
        """Load the plugin; return what makes the call for one more thread."""
        ...
