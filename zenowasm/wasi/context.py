"""What a guest sees of its host through WASI: arguments, environment, clocks, randomness, and where its output goes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from attrs import field, frozen

MAX_LINE = 8 * 1024
"""Bytes of one output line; a longer one is handed on in pieces of this size."""


class LineBuffer:
    """Collects bytes and hands on whole lines, without their newline; never holds more than ``MAX_LINE`` bytes."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._pending = bytearray()

    def write(self, data: bytes) -> None:
        """Take bytes; every line that they complete is handed on."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self.flush(even_empty=True)
        self._add(rest)

    def flush(self, *, even_empty: bool = False) -> None:
        """Hand on what has been collected, as a line."""
        if self._pending or even_empty:
            line = bytes(self._pending)
            self._pending.clear()
            self._sink(line)

    def _add(self, data: bytes) -> None:
        position = 0
        while len(data) - position > MAX_LINE - len(self._pending):
            room = MAX_LINE - len(self._pending)
            self._pending += data[position : position + room]
            position += room
            self.flush()
        self._pending += data[position:]


def _discard(line: bytes) -> None:
    """Drop a line: the output of a guest that has nowhere to write."""


@frozen
class WasiContext:
    """One guest's view of the host. Clocks are in nanoseconds; ``sleep`` takes seconds.

    Everything that is not the same in every run comes in through here, so a test can fix it.
    """

    arguments: tuple[bytes, ...] = ()
    environ: tuple[bytes, ...] = ()
    """Entries of the form ``NAME=value``."""
    stdout: LineBuffer = field(factory=lambda: LineBuffer(_discard))
    stderr: LineBuffer = field(factory=lambda: LineBuffer(_discard))
    realtime: Callable[[], int] = time.time_ns
    monotonic: Callable[[], int] = time.monotonic_ns
    random: Callable[[int], bytes] = os.urandom
    sleep: Callable[[float], None] = time.sleep

    def flush(self) -> None:
        """Hand on output that has no newline yet."""
        self.stdout.flush()
        self.stderr.flush()
