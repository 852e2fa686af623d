"""The queue of a process's messages for one call, read by the waiting thread."""

from __future__ import annotations

import threading
from collections import deque
from math import inf

from zenowasm.plugin.sidecar.messages import GuestResponse, HostCall

_ROOM = 8
"""The maximum number of queued messages: beyond it the producer blocks, and finally the process."""


class Inbox:
    """A bounded queue that either side can close."""

    def __init__(self) -> None:
        self._messages: deque[GuestResponse | HostCall] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, message: GuestResponse | HostCall) -> None:
        """Add a message, waiting while the inbox is full. Does nothing if the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._messages) < _ROOM)
            if not self._closed:
                self._messages.append(message)
                self._changed.notify_all()

    def get(self, seconds: float) -> GuestResponse | HostCall | None:
        """Return the next message, ``None`` if the inbox is closed and empty; raises ``TimeoutError``."""
        timeout = None if seconds == inf else min(seconds, threading.TIMEOUT_MAX)
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._messages, timeout):
                raise TimeoutError
            if not self._messages:
                return None
            message = self._messages.popleft()
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """Accept no more messages."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
