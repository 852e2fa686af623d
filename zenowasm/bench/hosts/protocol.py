"""The interface between the harness and a plugin host."""

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
    """Whether the host loads this project's plugins in any language."""

    def size(self, folder: Path) -> int:
        """Return the size in bytes of the host's binary, from a folder of plugins or its own."""
        ...

    def open(self, stack: ExitStack) -> Callable[[], Greet]:
        """Load the plugin; return a function that makes the call for one more thread."""
        ...
