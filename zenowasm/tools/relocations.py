"""Relocations of object files (tool conventions, "Linking"): where a linker writes which symbol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from attrs import frozen

from zenowasm.interp.binary.raw_sections import RawSection
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import ExternKind, Module

_PREFIX: Final = "reloc."
_LINKING: Final = "linking"
_SYMBOL_TABLE: Final = 8
_UNDEFINED, _EXPLICIT_NAME = 0x10, 0x40
_DATA, _SECTION = 1, 3
_KINDS: Final = {0: ExternKind.FUNC, 2: ExternKind.GLOBAL, 4: ExternKind.TAG, 5: ExternKind.TABLE}
_TYPES: Final = (
    "FUNCTION_INDEX_LEB",
    "TABLE_INDEX_SLEB",
    "TABLE_INDEX_I32",
    "MEMORY_ADDR_LEB",
    "MEMORY_ADDR_SLEB",
    "MEMORY_ADDR_I32",
    "TYPE_INDEX_LEB",
    "GLOBAL_INDEX_LEB",
    "FUNCTION_OFFSET_I32",
    "SECTION_OFFSET_I32",
    "TAG_INDEX_LEB",
    "MEMORY_ADDR_REL_SLEB",
    "TABLE_INDEX_REL_SLEB",
    "GLOBAL_INDEX_I32",
    "MEMORY_ADDR_LEB64",
    "MEMORY_ADDR_SLEB64",
    "MEMORY_ADDR_I64",
    "MEMORY_ADDR_REL_SLEB64",
    "TABLE_INDEX_SLEB64",
    "TABLE_INDEX_I64",
    "TABLE_NUMBER_LEB",
    "MEMORY_ADDR_TLS_SLEB",
    "FUNCTION_OFFSET_I64",
    "MEMORY_ADDR_LOCREL_I32",
    "TABLE_INDEX_REL_SLEB64",
    "MEMORY_ADDR_TLS_SLEB64",
    "FUNCTION_INDEX_I32",
)
_TYPE_INDEX: Final = "TYPE_INDEX_LEB"
_HAS_ADDEND: Final = ("MEMORY_ADDR", "FUNCTION_OFFSET", "SECTION_OFFSET")


@frozen
class Relocation:
    """A place in the file that a linker changes: its section, the kind of value, and the symbol or type."""

    section: int
    offset: int
    type: str
    index: int
    symbol: str | None
    addend: int = 0

    def __str__(self) -> str:
        name = "" if self.symbol is None else f" <{self.symbol}>"
        return f"R_WASM_{self.type} {self.index}{name}" + (f"{self.addend:+}" if self.addend else "")


def relocations(binary: bytes, module: Module, sections: Sequence[RawSection]) -> list[Relocation]:
    """Return the relocations of a module by offset; a malformed entry ends its section."""
    symbols = _symbols(binary, module, sections)
    found: list[Relocation] = []
    for section in sections:
        if section.name is not None and section.name.startswith(_PREFIX):
            with suppress(DecodeError, LimitError):
                found += _of_section(Reader(binary[section.data : section.end], section.data), sections, symbols)
    return sorted(found, key=lambda it: it.offset)


def _of_section(reader: Reader, sections: Sequence[RawSection], symbols: Sequence[str | None]) -> Iterator[Relocation]:
    target = reader.u32()
    if target >= len(sections):
        raise reader.error(f"relocations of section {target}, of {len(sections)}")
    for _ in range(reader.count(len(reader.data), "relocations")):
        number, offset, index = reader.byte(), reader.u32(), reader.u32()
        if number >= len(_TYPES):
            raise reader.error(f"unknown relocation type {number}")
        type_ = _TYPES[number]
        addend = reader.signed(64 if type_.endswith("64") else 32) if type_.startswith(_HAS_ADDEND) else 0
        symbol = symbols[index] if type_ != _TYPE_INDEX and index < len(symbols) else None
        yield Relocation(target, sections[target].offset + offset, type_, index, symbol, addend)


def _symbols(binary: bytes, module: Module, sections: Sequence[RawSection]) -> list[str | None]:
    """Return the symbol names; a malformed entry ends the list."""
    section = next((it for it in sections if it.name == _LINKING), None)
    found: list[str | None] = []
    if section is None:
        return found
    reader = Reader(binary[section.data : section.end], section.data)
    with suppress(DecodeError, LimitError):
        reader.u32()  # the version
        while reader.left:
            kind, size = reader.byte(), reader.u32()
            if kind != _SYMBOL_TABLE:
                reader.bytes(size)
                continue
            count = reader.count(ModuleLimits().functions, "symbols")
            found.extend(_symbol(reader, module, sections) for _ in range(count))
    return found


def _symbol(reader: Reader, module: Module, sections: Sequence[RawSection]) -> str | None:
    most = ModuleLimits().string_bytes
    kind, flags = reader.byte(), reader.u32()
    if kind == _DATA:
        name = reader.name(most)
        if not flags & _UNDEFINED:
            for _ in range(3):  # segment, offset, size
                reader.u32()
        return name
    index = reader.u32()
    if kind == _SECTION:
        return sections[index].name or sections[index].title if index < len(sections) else None
    if kind not in _KINDS:
        raise reader.error(f"unknown kind of symbol {kind}")
    if not flags & _UNDEFINED or flags & _EXPLICIT_NAME:
        return reader.name(most)
    imports = module.imported(_KINDS[kind])
    return f"{imports[index].module}.{imports[index].name}" if index < len(imports) else None
