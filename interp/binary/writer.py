"""Writes the values of the binary format (specification, 5.2) in their shortest forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Writer:
    """A growing sequence of bytes."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        """Begin with no bytes."""
        self.data = bytearray()

    def byte(self, value: int) -> None:
        """Write one byte."""
        self.data.append(value)

    def raw(self, data: bytes | bytearray) -> None:
        """Write raw bytes."""
        self.data += data

    def unsigned(self, value: int) -> None:
        """Write an unsigned LEB128 integer (specification, 5.2.2)."""
        while value > 0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)

    def signed(self, value: int) -> None:
        """Write a signed LEB128 integer (specification, 5.2.2)."""
        while not -0x40 <= value < 0x40:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value & 0x7F)

    def sized(self, data: bytes | bytearray) -> None:
        """Write the number of bytes, then the bytes."""
        self.unsigned(len(data))
        self.data += data

    def name(self, name: str) -> None:
        """Write a name (specification, 5.2.4)."""
        self.sized(name.encode())

    def vector(self, items: Sequence[T], entry: Callable[[Writer, T], object]) -> None:
        """Write a vector (specification, 5.1.3)."""
        self.unsigned(len(items))
        for item in items:
            entry(self, item)

    def indexes(self, items: Sequence[int]) -> None:
        """Write a vector of indices."""
        self.unsigned(len(items))
        for item in items:
            self.unsigned(item)
