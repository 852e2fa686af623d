"""The raw sections of a module, and modules without some of their custom sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.sections import CUSTOM, MAGIC, VERSION, section_header
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.limits import ModuleLimits

TITLES: Final = {
    CUSTOM: "Custom",
    1: "Type",
    2: "Import",
    3: "Function",
    4: "Table",
    5: "Memory",
    6: "Global",
    7: "Export",
    8: "Start",
    9: "Elem",
    10: "Code",
    11: "Data",
    12: "DataCount",
    13: "Tag",
}
"""The names of sections in listings."""


@frozen
class RawSection:
    """A section: ``start`` is the byte offset of its number, ``offset`` that of its contents, ``end`` that after them.

    ``name`` is the name of a custom section, whose contents after the name begin at ``data``. ``count`` is the number
    of entries; for the start section, it is the function index.
    """

    number: int
    start: int
    offset: int
    end: int
    data: int
    name: str | None = None
    count: int | None = None

    @property
    def title(self) -> str:
        """The section's name."""
        return TITLES[self.number]

    @property
    def size(self) -> int:
        """The size of the contents."""
        return self.end - self.offset


def raw_sections(binary: bytes) -> Iterator[RawSection]:
    """Yield the sections of a module, reading only the first bytes of their contents; raises ``DecodeError``."""
    if binary[:8] != MAGIC + VERSION:
        raise DecodeError("magic header not detected" if binary[:4] != MAGIC else "unknown binary version", 0)
    reader = Reader(binary)
    reader.pos = len(MAGIC) + len(VERSION)
    while reader.left:
        start = reader.pos
        number, size = section_header(reader)
        offset, end = reader.pos, reader.pos + size
        inner = Reader(binary[offset:end], offset)
        name = inner.name(ModuleLimits().string_bytes) if number == CUSTOM else None
        count = inner.u32() if number != CUSTOM else None
        yield RawSection(number, start, offset, end, inner.offset, name, count)
        reader.pos = end


def without_customs(binary: bytes, drop: Callable[[str], bool]) -> bytes:
    """Return a module without the custom sections whose names ``drop`` accepts, otherwise byte for byte the same."""
    kept = bytearray(binary[: len(MAGIC) + len(VERSION)])
    for section in raw_sections(binary):
        if section.name is None or not drop(section.name):
            kept += binary[section.start : section.end]
    return bytes(kept)
