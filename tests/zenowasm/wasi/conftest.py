"""WASI functions called directly, with a caller that has only a memory."""

from __future__ import annotations

import pytest

from zenowasm.backends.protocol import MemType
from zenowasm.interp.types import Limits
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.preview1 import Preview1


class FakeCaller:
    """An instance that exports 64 KiB of memory, or something else under that name."""

    def __init__(self) -> None:
        self.data = bytearray(65536)
        self.type: object = MemType(Limits(1))

    @property
    def size(self) -> int:
        return len(self.data)

    def export(self, name: str):
        return self if name == "memory" else None

    def read(self, address: int, length: int) -> bytes:
        if address + length > len(self.data):
            raise IndexError(address)
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        if address + len(data) > len(self.data):
            raise IndexError(address)
        self.data[address : address + len(data)] = data


class Wasi:
    """Calls functions of preview 1 by name."""

    def __init__(self, **context) -> None:
        self.caller = FakeCaller()
        self.lines: list[tuple[str, bytes]] = []
        self.slept: list[float] = []
        self.cpu = 1_000
        fixed = {
            "stdout": LineBuffer(lambda line: self.lines.append(("out", line))),
            "stderr": LineBuffer(lambda line: self.lines.append(("err", line))),
            "realtime": lambda: 1_700_000_000_000_000_001,
            "monotonic": lambda: 5_000,
            "cpu": lambda: self.cpu,
            "random": lambda length: bytes(index % 251 for index in range(length)),
            "sleep": self.slept.append,
        }
        self.context = WasiContext(**{**fixed, **context})
        self.preview1 = Preview1(self.context)
        self.functions = {function.name: function for function in self.preview1.functions()}

    def call(self, name: str, *arguments: int):
        results = self.functions[name].body(self.caller, arguments)
        return results[0] if results else None

    def close(self) -> None:
        self.preview1.close()

    def u32(self, address: int) -> int:
        return int.from_bytes(self.caller.read(address, 4), "little")

    def u64(self, address: int) -> int:
        return int.from_bytes(self.caller.read(address, 8), "little")

    def put(self, address: int, *words: int) -> None:
        self.caller.write(address, b"".join(word.to_bytes(4, "little") for word in words))


@pytest.fixture
def wasi():
    return Wasi()


@pytest.fixture
def make_wasi():
    return Wasi
