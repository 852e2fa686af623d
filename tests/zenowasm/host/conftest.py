"""A memory without an engine."""

from __future__ import annotations

import pytest

from zenowasm.backends.protocol import MemType
from zenowasm.interp.types import Limits


class FakeMemory:
    """A linear memory over a bytearray; strict, so that a host that does not check shows."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.type = MemType(Limits(1))

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, address: int, length: int) -> bytes:
        if not 0 <= address <= address + length <= len(self.data):
            raise IndexError(address)
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        if not 0 <= address <= address + len(data) <= len(self.data):
            raise IndexError(address)
        self.data[address : address + len(data)] = data

    def find(self, byte: int, address: int, end: int) -> int:
        return self.data.find(byte, address, min(end, len(self.data)))


@pytest.fixture
def fake_memory():
    return FakeMemory
