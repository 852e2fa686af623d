"""A bounds-checked view of a guest's linear memory: every pointer from a guest is checked before it is used.

Pointers and lengths are i32 values read as unsigned, in bytes; integers in memory are little-endian.
"""

from __future__ import annotations

import re

from zenowasm.backends.protocol import Memory

_U32 = 0xFFFF_FFFF
_ESCAPED = re.compile("[\udc80-\udcff]")
"""The surrogates to which ``surrogateescape`` decodes bytes that are not UTF-8."""


class MemoryFaultError(Exception):
    """A guest passed a range of bytes that is not completely inside its memory."""

    def __init__(self, pointer: int, length: int, size: int) -> None:
        super().__init__(f"{length} bytes at 0x{pointer:x} are not inside the memory of {size} bytes")
        self.pointer = pointer
        self.length = length
        self.size = size


class TooLongError(Exception):
    """A guest passed more bytes than a limit allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"longer than the limit of {limit} bytes")
        self.limit = limit


class GuestMemory:
    """The host's view of a guest's memory: bounds-checked reads and writes with unsigned pointers.

    The engine checks the bounds; comparing with the size first would repeat that check on every access.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return self._memory.size

    def read(self, pointer: int, length: int, limit: int | None = None) -> bytes:
        """Return ``length`` bytes at ``pointer``.

        Raises ``MemoryFaultError`` if they are not all inside the memory, ``TooLongError`` if ``length`` exceeds
        ``limit``.
        """
        pointer &= _U32
        length &= _U32
        if limit is not None and length > limit:
            self.check(pointer, length)
            raise TooLongError(limit)
        try:
            return self._memory.read(pointer, length)
        except IndexError:
            raise MemoryFaultError(pointer, length, self._memory.size) from None

    def read_start(self, pointer: int, length: int, count: int) -> bytes:
        """Return at most the first ``count`` of the ``length`` bytes at ``pointer``.

        Raises ``MemoryFaultError`` if the ``length`` bytes are not all inside the memory.
        """
        pointer &= _U32
        length &= _U32
        if length > count:
            self.check(pointer, length)
            length = count
        try:
            return self._memory.read(pointer, length)
        except IndexError:
            raise MemoryFaultError(pointer, length, self._memory.size) from None

    def read_terminated(self, pointer: int, limit: int) -> tuple[bytes, bool]:
        """Return the bytes from ``pointer`` up to a NUL, the end of memory or ``limit`` bytes, whichever comes first.

        The second part of the result is true if ``limit`` truncated the bytes. Raises ``MemoryFaultError`` if the
        pointer itself is outside the memory.
        """
        pointer &= _U32
        terminator = self._memory.find(0, pointer, pointer + limit)
        if terminator >= 0:
            return self._memory.read(pointer, terminator - pointer), False
        size = self._memory.size
        if pointer >= size:
            raise MemoryFaultError(pointer, 1, size)
        end = min(pointer + limit, size)
        return self._memory.read(pointer, end - pointer), end < size

    def write(self, pointer: int, data: bytes) -> None:
        """Write ``data`` at ``pointer``. Raises ``MemoryFaultError``, with nothing written, if it does not fit."""
        pointer &= _U32
        try:
            self._memory.write(pointer, data)
        except IndexError:
            raise MemoryFaultError(pointer, len(data), self._memory.size) from None

    def check(self, pointer: int, length: int) -> None:
        """Raise ``MemoryFaultError`` unless ``length`` bytes at ``pointer`` are inside the memory."""
        size = self._memory.size
        if (pointer & _U32) + (length & _U32) > size:
            raise MemoryFaultError(pointer & _U32, length & _U32, size)

    def read_unsigned(self, pointer: int, width: int) -> int:
        """Return the little-endian unsigned integer of ``width`` bytes at ``pointer``; raises ``MemoryFaultError``."""
        return int.from_bytes(self.read(pointer, width), "little")

    def write_unsigned(self, pointer: int, value: int, width: int) -> None:
        """Write ``value`` as a little-endian unsigned integer of ``width`` bytes; raises ``MemoryFaultError``."""
        self.write(pointer, value.to_bytes(width, "little"))


def replaced_text(data: bytes) -> str:
    """Decode UTF-8, with U+FFFD for each byte that is not UTF-8, as Go's ``encoding/json`` does."""
    return _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", data.decode("utf-8", "surrogateescape"))


def visible_text(data: bytes) -> str:
    r"""Decode UTF-8, with ``\xNN`` for each byte that is not UTF-8, so that no byte is lost."""
    return data.decode("utf-8", "backslashreplace")
