"""Reads the values of the binary format (specification, 5.2): bytes, integers, floats, names, vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.progress import Progress

T = TypeVar("T")

ENTRY_BYTES = 600
"""The maximum memory of one decoded vector entry of any kind, in bytes, without the encoded bytes."""
_CHUNK = 256
"""The number of vector entries between two progress checks."""


class Reader:
    """A position in a run of bytes. ``base`` is the offset of the run's first byte in the module.

    ``progress`` counts the memory of the decoded objects.
    """

    __slots__ = ("base", "data", "pos", "progress")

    def __init__(self, data: bytes, base: int = 0, progress: Progress | None = None) -> None:
        """Begin at the first byte of ``data``."""
        self.data = data
        self.base = base
        self.progress = progress or Progress()
        self.pos = 0

    @property
    def offset(self) -> int:
        """The position as a byte offset in the module."""
        return self.base + self.pos

    @property
    def left(self) -> int:
        """The number of bytes left."""
        return len(self.data) - self.pos

    def error(self, message: str, pos: int | None = None) -> DecodeError:
        """Return an error at a position of this run, by default the current one."""
        return DecodeError(message, self.base + (self.pos if pos is None else pos))

    def byte(self) -> int:
        """Read one byte."""
        try:
            value = self.data[self.pos]
        except IndexError:
            raise self.error("unexpected end of section or function") from None
        self.pos += 1
        return value

    def bytes(self, length: int) -> bytes:
        """Read ``length`` bytes."""
        if length > self.left:
            raise self.error(f"length out of bounds: {length} bytes wanted, {self.left} left: unexpected end")
        start = self.pos
        self.pos += length
        return self.data[start : self.pos]

    def unsigned(self, bits: int) -> int:
        """Read an unsigned LEB128 integer of ``bits`` bits (specification, 5.2.2)."""
        start = self.pos
        value = shift = 0
        while True:
            byte = self.byte()
            if shift + 7 > bits:
                if byte & 0x80:
                    raise self.error("integer representation too long", start)
                if byte >> (bits - shift):
                    raise self.error("integer too large", start)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def signed(self, bits: int) -> int:
        """Read a signed LEB128 integer of ``bits`` bits (specification, 5.2.2); the result may be negative."""
        start = self.pos
        value = shift = 0
        while True:
            try:
                byte = self.data[self.pos]
            except IndexError:
                raise self.error("unexpected end of section or function") from None
            self.pos += 1
            if shift + 7 >= bits:
                if byte & 0x80:
                    raise self.error("integer representation too long", start)
                # The bits beyond the integer's width must repeat its sign bit.
                used = bits - shift
                beyond = (byte & 0x7F) >> (used - 1)
                if beyond not in (0, 0x7F >> (used - 1)):
                    raise self.error("integer too large", start)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if byte & 0x40 else value

    def u32(self) -> int:
        """Read a u32; most have one byte."""
        try:
            value = self.data[self.pos]
        except IndexError:
            raise self.error("unexpected end of section or function") from None
        if value < 0x80:
            self.pos += 1
            return value
        return self.unsigned(32)

    def name(self, limit: int) -> str:
        """Read a name: a length in bytes and UTF-8 (specification, 5.2.4)."""
        start = self.pos
        length = self.u32()
        if length > self.left:
            raise self.error("length out of bounds: unexpected end", start)
        if length > limit:
            raise LimitError(f"a name of {length} bytes at byte 0x{self.base + start:x}: at most {limit} are allowed")
        try:
            return self.bytes(length).decode()
        except UnicodeDecodeError:
            raise self.error("malformed UTF-8 encoding", start) from None

    def count(self, limit: int, what: str) -> int:
        """Read the length of a vector whose entries have at least one byte each."""
        start = self.pos
        count = self.u32()
        if count > self.left:
            raise self.error(f"length out of bounds: {count} {what}, {self.left} bytes left: unexpected end", start)
        if count > limit:
            raise LimitError(f"{count} {what} at byte 0x{self.base + start:x}: at most {limit} are allowed")
        return count

    def increasing(self, limit: int, what: str) -> Iterator[int]:
        """Yield the index at the start of each entry of a vector; the caller reads the rest before the next one."""
        last = -1
        for _ in range(self.count(limit, "entries")):
            start = self.pos
            index = self.u32()
            if index <= last:
                raise self.error(f"{what} index {index} after {last}: expected increasing indexes", start)
            yield index
            last = index

    def vector(
        self, limit: int, what: str, entry: Callable[[Reader], T], entry_bytes: int = ENTRY_BYTES
    ) -> tuple[T, ...]:
        """Read a vector (specification, 5.1.3); each entry needs at most ``entry_bytes`` bytes of memory."""
        count = self.count(limit, what)
        entries: list[T] = []
        for at in range(0, count, _CHUNK):
            size = min(_CHUNK, count - at)
            self.progress.hold(size * entry_bytes)
            entries += [entry(self) for _ in range(size)]
        return tuple(entries)
