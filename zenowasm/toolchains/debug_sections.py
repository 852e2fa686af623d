"""Drops debugging information that nothing here reads, and keeps the names of functions."""

from __future__ import annotations

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.sections import CUSTOM, MAGIC, VERSION
from zenowasm.interp.limits import ModuleLimits

_PREFIX = ".debug_"


def without_debug_sections(binary: bytes) -> bytes:
    """Return a module without its DWARF, byte for byte as it was otherwise.

    DWARF also holds the paths of the machine that compiled it. Raises ``DecodeError`` when sections are malformed.
    """
    reader = Reader(binary)
    kept = [reader.bytes(len(MAGIC) + len(VERSION))]
    while reader.left:
        start = reader.pos
        number = reader.byte()
        contents = Reader(reader.bytes(reader.u32()))
        if number != CUSTOM or not contents.name(ModuleLimits().string_bytes).startswith(_PREFIX):
            kept.append(binary[start : reader.pos])
    return b"".join(kept)
