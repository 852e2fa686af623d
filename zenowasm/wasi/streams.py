"""Where a guest's standard streams come from and go to: bytes and lines of the host's program, or real streams."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

MAX_LINE = 8 * 1024
"""Bytes of one output line; a longer one is handed on in pieces of this size."""


class Input(Protocol):
    """An input stream of a guest. ``descriptor`` is the host's, if reading may have to wait for it."""

    @property
    def descriptor(self) -> int | None:
        """The host's descriptor, ``None`` when a read never waits."""
        ...

    def available(self) -> int:
        """Return how many bytes are known to be there."""
        ...

    def read(self, length: int) -> bytes:
        """Return at most ``length`` bytes, none at the end; raises ``OSError``."""
        ...


class Output(Protocol):
    """What a guest writes to."""

    @property
    def descriptor(self) -> int | None:
        """The host's descriptor, ``None`` when a write never waits."""
        ...

    @property
    def pending(self) -> bytes | bytearray:
        """What is held back."""
        ...

    def write(self, data: bytes) -> int:
        """Take bytes and return how many were taken; raises ``OSError``."""
        ...

    def flush(self) -> None:
        """Hand on what is held back."""
        ...


class BytesInput:
    """Input that is known from the start."""

    descriptor = None

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self._position = 0

    def available(self) -> int:
        """Return how many bytes are left."""
        return len(self._data) - self._position

    def read(self, length: int) -> bytes:
        """Return the next bytes."""
        data = self._data[self._position : self._position + length]
        self._position += len(data)
        return data


class HostInput:
    """A real stream, by the host's descriptor; it stays the host's and is never closed from here."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def available(self) -> int:
        """Return 1: after waiting for the stream, the caller knows of at least one byte or of its end."""
        return 1

    def read(self, length: int) -> bytes:
        """Read what is there, waiting for the first byte."""
        return os.read(self.descriptor, length)


class HostOutput:
    """A real stream, by the host's descriptor; it stays the host's and is never closed from here."""

    pending = b""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> int:
        """Write bytes, without holding any back."""
        return os.write(self.descriptor, data)

    def flush(self) -> None:
        """Nothing is held back."""


class LineBuffer:
    """Collects bytes and hands on whole lines, without their newline; never holds more than ``MAX_LINE`` bytes."""

    descriptor = None

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self.pending = bytearray()

    def write(self, data: bytes) -> int:
        """Take all bytes; every line that they complete is handed on."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._hand_on()
        self._add(rest)
        return len(data)

    def flush(self) -> None:
        """Hand on what has been collected, as a line."""
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
    """Drop a line: the output of a guest that has nowhere to write."""
