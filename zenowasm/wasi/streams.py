"""The sources and sinks of a guest's standard streams: bytes and lines of the host's program, or real streams."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

MAX_LINE = 8 * 1024
"""The longest output line, in bytes; a longer one is split into pieces of this size."""


class Input(Protocol):
    """A guest's input stream."""

    @property
    def descriptor(self) -> int | None:
        """The host's descriptor, ``None`` if a read never waits."""
        ...

    def available(self) -> int:
        """Return the number of bytes that are known to be available."""
        ...

    def read(self, length: int) -> bytes:
        """Return at most ``length`` bytes, none at end of file; raises ``OSError``."""
        ...


class Output(Protocol):
    """A guest's output stream."""

    @property
    def descriptor(self) -> int | None:
        """The host's descriptor, ``None`` if a write never waits."""
        ...

    @property
    def pending(self) -> bytes | bytearray:
        """The buffered output."""
        ...

    def write(self, data: bytes) -> int:
        """Write bytes and return the number written; raises ``OSError``."""
        ...

    def flush(self) -> None:
        """Flush the buffered output."""
        ...


class BytesInput:
    """An input stream whose bytes are fixed in advance."""

    descriptor = None

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self._position = 0

    def available(self) -> int:
        """Return the number of unread bytes."""
        return len(self._data) - self._position

    def read(self, length: int) -> bytes:
        """Return the next bytes."""
        data = self._data[self._position : self._position + length]
        self._position += len(data)
        return data


class HostInput:
    """A real input stream, given by the host's descriptor, which the host owns and closes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def available(self) -> int:
        """Return 1: once the stream is ready, it has at least one byte or is at its end."""
        return 1

    def read(self, length: int) -> bytes:
        """Read the available bytes, waiting for the first."""
        return os.read(self.descriptor, length)


class HostOutput:
    """A real output stream, given by the host's descriptor, which the host owns and closes."""

    pending = b""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> int:
        """Write bytes without buffering."""
        return os.write(self.descriptor, data)

    def flush(self) -> None:
        """Do nothing: no output is buffered."""


class LineBuffer:
    """A buffer that passes on whole lines, without their newline; it never holds more than ``MAX_LINE`` bytes."""

    descriptor = None

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self.pending = bytearray()

    def write(self, data: bytes) -> int:
        """Accept all bytes and pass on every line that they complete."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._hand_on()
        self._add(rest)
        return len(data)

    def flush(self) -> None:
        """Pass on the buffered bytes as a line."""
        if self.pending:
            self._hand_on()

    def _hand_on(self) -> None:
        line = bytes(self.pending)
        self.pending.clear()
        self._sink(line)

    def _add(self, data: bytes) -> None:
        position = 0
        while len(data) - position > MAX_LINE - len(self.pending):
            room = MAX_LINE - len(self.pending)
            self.pending += data[position : position + room]
            position += room
            self._hand_on()
        self.pending += data[position:]


def discard(line: bytes) -> None:
    """Drop a line, for a guest whose output has no destination."""
