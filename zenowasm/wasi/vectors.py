"""Scattered reads and writes: arrays of pointers and lengths (``witx/typenames.witx``, ``$iovec``)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, TypeAlias

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError

MAX_VECTORS: Final = 1024
"""Buffers in one scattered read or write, as in POSIX."""
MAX_TRANSFER: Final = 1 << 20
"""Bytes moved by one read or write; it answers how many it moved, and callers ask for the rest again."""
_VECTOR: Final = struct.Struct("<II")

Vectors: TypeAlias = Sequence[tuple[int, int]]
"""Pointers and lengths."""


def read_vectors(memory: GuestMemory, address: int, count: int) -> Vectors:
    """Return ``count`` buffers, all of which are inside the memory; raises ``WasiError``, ``MemoryFaultError``."""
    if count > MAX_VECTORS:
        raise WasiError(Errno.INVAL)
    vectors = list(_VECTOR.iter_unpack(memory.read(address, _VECTOR.size * count)))
    for pointer, length in vectors:
        memory.check(pointer, length)
    return vectors


def total(vectors: Vectors) -> int:
    """Return how many bytes may be moved at once."""
    return min(sum(length for _, length in vectors), MAX_TRANSFER)


def gather(memory: GuestMemory, vectors: Vectors) -> bytes:
    """Return the first bytes of the buffers, at most ``MAX_TRANSFER``."""
    data = bytearray()
    for pointer, length in vectors:
        data += memory.read(pointer, min(length, MAX_TRANSFER - len(data)))
    return bytes(data)


def scatter(memory: GuestMemory, vectors: Vectors, data: bytes) -> None:
    """Write bytes to the buffers, one after the other."""
    start = 0
    for pointer, length in vectors:
        if start >= len(data):
            return
        memory.write(pointer, data[start : start + length])
        start += length
