"""What the guest and the host print, line by line."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

_LONGEST = 64 << 10


class OutputStream(io.TextIOBase):
    """A text stream that passes on whole lines, or 64 Ki characters of a longer one."""

    def __init__(self, pass_on: Callable[[str], None]) -> None:
        super().__init__()
        self._pass_on = pass_on
        self._lock = threading.Lock()
        self._kept = ""

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, text: str) -> int:
        """Pass on what is complete, and keep the rest."""
        with self._lock:
            self._kept += text
            end = len(self._kept) if len(self._kept) > _LONGEST else self._kept.rfind("\n") + 1
            complete, self._kept = self._kept[:end], self._kept[end:]
        if complete:
            self._pass_on(complete)
        return len(text)

    def flush(self) -> None:
        """Pass on what was kept."""
        with self._lock:
            kept, self._kept = self._kept, ""
        if kept:
            self._pass_on(kept)
