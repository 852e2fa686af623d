"""Scatter/gather I/O: arrays of pointers and lengths (``witx/typenames.witx``, ``$iovec``)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, TypeAlias

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError

MAX_VECTORS: Final = 1024
"""The most buffers in one vectored read or write, as in POSIX."""
MAX_TRANSFER: Final = 1 << 20
"""The most bytes that one read or write transfers; it returns the number, and callers repeat for the rest."""
_VECTOR: Final = struct.Struct("<II")

Vectors: TypeAlias = Sequence[tuple[int, int]]
"""Pointers and lengths."""


def read_vectors(memory: GuestMemory, address: int, count: int) -> Vectors:
    """Read ``count`` buffers and check that they are inside the memory; raises ``WasiError``, ``MemoryFaultError``."""
    if count > MAX_VECTORS:
        raise WasiError(Errno.INVAL)
    vectors = list(_VECTOR.iter_unpack(memory.read(address, _VECTOR.size * count)))
    for pointer, length in vectors:
        memory.check(pointer, length)
    return vectors


def total(vectors: Vectors) -> int:
    """Return the number of bytes to transfer, at most ``MAX_TRANSFER``."""
    return min(sum(length for _, length in vectors), MAX_TRANSFER)


def gather(memory: GuestMemory, vectors: Vectors) -> bytes:
    """Return the first bytes of the buffers, at most ``MAX_TRANSFER``."""
    data = bytearray()
    for pointer, length in vectors:
        data += memory.read(pointer, min(length, MAX_TRANSFER - len(data)))
    return bytes(data)


def scatter(memory: GuestMemory, vectors: Vectors, data: bytes) -> None:
    """Write bytes to the buffers in order."""
    start = 0
    for pointer, length in vectors:
        if start >= len(data):
            return
        memory.write(pointer, data[start : start + length])
        start += length
