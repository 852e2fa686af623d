"""Memory instances (specification, 4.2.8)."""

from __future__ import annotations

from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.mistakes import outside_memory
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.types import I32, I64, Limits, MemType, NumType

_MAX_PAGES: dict[NumType, int] = {I32: 1 << 16, I64: 1 << 48}


class MemoryInstance:
    """A linear memory. Growing it while a view is exported replaces ``data`` by another object."""

    __slots__ = ("address", "data", "maximum", "quota")

    def __init__(self, type_: MemType, quota: Quota) -> None:
        """Allocate the minimum; raises ``LimitError`` if the store's quota forbids it."""
        size = type_.limits.minimum * PAGE_SIZE
        quota.require(size)
        self.data = bytearray(size)
        self.address = type_.address
        self.maximum = type_.limits.maximum
        self.quota = quota

    @property
    def type(self) -> MemType:
        """The type; its minimum is the current size in pages."""
        return MemType(Limits(self.pages, self.maximum), self.address)

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.data)

    @property
    def pages(self) -> int:
        """The size in pages of 64 KiB."""
        return len(self.data) // PAGE_SIZE

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes; raises ``IndexError`` if they are not all inside the memory."""
        data, end = self.data, address + length
        if address < 0 or length < 0 or end > len(data):
            raise outside_memory(address, length, len(data))
        return bytes(data[address:end])

    def write(self, address: int, data: bytes) -> None:
        """Write ``data``; raises ``IndexError`` and writes nothing if it does not fit."""
        memory, end = self.data, address + len(data)
        if address < 0 or end > len(memory):
            raise outside_memory(address, len(data), len(memory))
        memory[address:end] = data

    def view(self) -> memoryview:
        """Return a writable view of the current bytes, without copying; growing the memory detaches it."""
        return memoryview(self.data)

    def find(self, byte: int, address: int, end: int) -> int:
        """Return the address of the first ``byte`` in [address, min(end, size)), or -1."""
        return self.data.find(byte, max(address, 0), max(end, 0))

    def grow(self, pages: int) -> int:
        """Add pages; return the former size in pages, or -1 if the type or the quota forbids it (4.6.13)."""
        if pages < 0:
            raise ValueError(f"cannot grow by {pages}")
        former = self.pages
        most = _MAX_PAGES[self.address]
        if self.maximum is not None:
            most = min(self.maximum, most)
        if former + pages > most or not self.quota.take(pages * PAGE_SIZE):
            return -1
        try:
            self.data.extend(bytes(pages * PAGE_SIZE))
        except BufferError:  # a view of it is in use
            self.data = self.data + bytes(pages * PAGE_SIZE)
        return former
