"""Decodes the contents of every section except the code section (specification, 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zenowasm.interp.binary.instructions import expression
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.types import (
    TYPE_BYTES,
    globaltype,
    memtype,
    rectype,
    reftype,
    table_has_init,
    tabletype,
    tagtype,
)
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import (
    DataSegment,
    ElementSegment,
    Export,
    Expression,
    ExternKind,
    Global,
    Import,
    Instruction,
    SegmentMode,
    Table,
)
from zenowasm.interp.types import FUNCREF, AbsHeapType, GlobalType, MemType, RecType, RefType, TableType

_REF_FUNC = TABLE.by_mnemonic["ref.func"]
_END = Instruction(TABLE.by_mnemonic["end"], ())
_END_BYTE = bytes([_END.opcode.code])
_I32_CONST = TABLE.by_mnemonic["i32.const"]
_I32_CONST_BYTE = bytes([_I32_CONST.code])
_MASK_32 = 0xFFFF_FFFF
_FUNCTIONS = RefType(False, AbsHeapType.FUNC)
"""The type of a segment that lists functions: none of its entries is null."""
MAGIC = b"\0asm"
VERSION = b"\x01\0\0\0"
CUSTOM = 0
CODE = 10
SECTIONS: Mapping[int, str] = {
    1: "types",
    2: "imports",
    3: "functions",
    4: "tables",
    5: "memories",
    13: "tags",
    6: "globals",
    7: "exports",
    8: "start",
    9: "elements",
    12: "data_count",
    CODE: "codes",
    11: "data",
}
"""The module parts that the sections hold, by section number, in their prescribed order."""
_KINDS = {kind.value: kind for kind in ExternKind}


def section_header(reader: Reader) -> tuple[int, int]:
    """Read a section's number and the size of its contents (5.5.2); check that the contents are complete."""
    start = reader.pos
    number = reader.byte()
    size = reader.u32()
    if number != CUSTOM and number not in SECTIONS:
        raise reader.error(f"malformed section id {number}", start)
    if size > reader.left:
        raise reader.error("length out of bounds: unexpected end", start)
    return number, size


class SectionReader:
    """A reader of sections under one set of features and limits."""

    def __init__(self, features: Feature, limits: ModuleLimits) -> None:
        """Set the features and the limits that apply."""
        self.features = features
        self.limits = limits

    def expression(self, reader: Reader) -> Expression:
        """Read a constant expression; the validator checks whether it is constant."""
        start, data = reader.pos, reader.data
        # A fast path for the placement of data by compilers: Go's makes ten thousands of these.
        if data[start : start + 1] == _I32_CONST_BYTE:
            reader.pos = start + 1
            value = reader.signed(32) & _MASK_32
            end = reader.pos
            if data[end : end + 1] == _END_BYTE:
                reader.pos = end + 1
                offsets = (reader.base + start, reader.base + end)
                return Expression((Instruction(_I32_CONST, (value,)), _END), offsets)
            reader.pos = start
        return expression(reader, self.features, nesting_limit=self.limits.nesting)

    def types(self, reader: Reader) -> tuple[RecType, ...]:
        """Read the type section (5.5.4)."""
        return reader.vector(self.limits.types, "types", lambda r: rectype(r, self.limits), TYPE_BYTES)

    def imports(self, reader: Reader) -> tuple[Import, ...]:
        """Read the import section (5.5.5)."""
        return reader.vector(self.limits.imports, "imports", self._import)

    def functions(self, reader: Reader) -> tuple[int, ...]:
        """Read the function section (5.5.6)."""
        return reader.vector(self.limits.functions, "functions", Reader.u32)

    def tables(self, reader: Reader) -> tuple[Table, ...]:
        """Read the table section (5.5.7)."""
        return reader.vector(self.limits.tables, "tables", self._table)

    def tags(self, reader: Reader) -> tuple[int, ...]:
        """Read the tag section (5.5.16)."""
        return reader.vector(self.limits.tags, "tags", tagtype)

    def memories(self, reader: Reader) -> tuple[MemType, ...]:
        """Read the memory section (5.5.8)."""
        return reader.vector(self.limits.memories, "memories", memtype)

    def globals(self, reader: Reader) -> tuple[Global, ...]:
        """Read the global section (5.5.9)."""
        return reader.vector(self.limits.globals, "globals", lambda r: Global(globaltype(r), self.expression(r)))

    def exports(self, reader: Reader) -> tuple[Export, ...]:
        """Read the export section (5.5.10)."""
        return reader.vector(self.limits.exports, "exports", self._export)

    def start(self, reader: Reader) -> int:
        """Read the start section (5.5.11)."""
        return reader.u32()

    def elements(self, reader: Reader) -> tuple[ElementSegment, ...]:
        """Read the element section (5.5.12)."""
        return reader.vector(self.limits.element_segments, "element segments", self._element_segment)

    def data(self, reader: Reader) -> tuple[DataSegment, ...]:
        """Read the data section (5.5.14)."""
        return reader.vector(self.limits.data_segments, "data segments", self._data_segment)

    def data_count(self, reader: Reader) -> int:
        """Read the data count section (5.5.15)."""
        return reader.u32()

    def _kind(self, reader: Reader, what: str) -> ExternKind:
        kind = _KINDS.get(byte := reader.byte())
        if kind is None:
            raise reader.error(f"malformed {what} kind 0x{byte:02x}", reader.pos - 1)
        return kind

    def _table(self, reader: Reader) -> Table:
        has_init = table_has_init(reader)
        type_ = tabletype(reader)
        return Table(type_, self.expression(reader) if has_init else None)

    def _import(self, reader: Reader) -> Import:
        offset = reader.offset
        module = reader.name(self.limits.string_bytes)
        name = reader.name(self.limits.string_bytes)
        kind = self._kind(reader, "import")
        type_: int | TableType | MemType | GlobalType
        match kind:
            case ExternKind.FUNC:
                type_ = reader.u32()
            case ExternKind.TABLE:
                type_ = tabletype(reader)
            case ExternKind.MEM:
                type_ = memtype(reader)
            case ExternKind.GLOBAL:
                type_ = globaltype(reader)
            case ExternKind.TAG:
                type_ = tagtype(reader)
        return Import(module, name, kind, type_, offset)

    def _export(self, reader: Reader) -> Export:
        offset = reader.offset
        name = reader.name(self.limits.string_bytes)
        return Export(name, self._kind(reader, "export"), reader.u32(), offset)

    def _function_element(self, reader: Reader) -> Expression:
        offset = reader.offset
        index = reader.u32()
        return Expression((Instruction(_REF_FUNC, (index,)), _END), (offset, reader.offset))

    def _element_segment(self, reader: Reader) -> ElementSegment:
        offset = reader.offset
        # Bit 0: passive or declarative. Bit 1: declarative, or an explicit table. Bit 2: expressions, not indices.
        flags = reader.u32()
        if flags > 7:
            raise reader.error("malformed elements segment kind", reader.pos - 1)
        mode, table, place = SegmentMode.PASSIVE, 0, None
        if not flags & 1:
            mode = SegmentMode.ACTIVE
            table = reader.u32() if flags & 2 else 0
            place = self.expression(reader)
        elif flags & 2:
            mode = SegmentMode.DECLARATIVE
        type_ = FUNCREF if flags & 4 else _FUNCTIONS
        if flags & 3 and flags & 4:
            type_ = reftype(reader)
        elif flags & 3 and reader.byte():
            raise reader.error("malformed element kind", reader.pos - 1)
        entry = self.expression if flags & 4 else self._function_element
        init = reader.vector(self.limits.elements, "elements", entry)
        return ElementSegment(type_, init, mode, table, place, offset, flags & (4 if flags & 1 else 6))

    def _data_segment(self, reader: Reader) -> DataSegment:
        offset = reader.offset
        flags = reader.u32()
        if flags > 2:
            raise reader.error("malformed data segment kind", reader.pos - 1)
        mode = SegmentMode.PASSIVE if flags == 1 else SegmentMode.ACTIVE
        memory = reader.u32() if flags == 2 else 0
        place = None if flags == 1 else self.expression(reader)
        return DataSegment(reader.bytes(reader.u32()), mode, memory, place, offset)


READERS: Mapping[str, Callable[[SectionReader, Reader], Any]] = {
    "types": SectionReader.types,
    "imports": SectionReader.imports,
    "functions": SectionReader.functions,
    "tables": SectionReader.tables,
    "memories": SectionReader.memories,
    "tags": SectionReader.tags,
    "globals": SectionReader.globals,
    "exports": SectionReader.exports,
    "start": SectionReader.start,
    "elements": SectionReader.elements,
    "data_count": SectionReader.data_count,
    "data": SectionReader.data,
}
"""The reader of each section except the code section, by the module part that the section holds."""
