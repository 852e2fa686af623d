"""Removes debugging information that zenowasm does not read, and keeps function names."""

from __future__ import annotations

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.sections import CUSTOM, MAGIC, VERSION
from zenowasm.interp.limits import ModuleLimits

_PREFIX = ".debug_"


def without_debug_sections(binary: bytes) -> bytes:
    """Return a module without its DWARF, otherwise byte for byte the same.

    DWARF also contains paths of the machine that compiled the module. Raises ``DecodeError`` if sections are malformed.
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
