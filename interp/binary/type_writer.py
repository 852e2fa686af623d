"""Encodes types (specification, 5.3): the inverse of ``types``."""

from __future__ import annotations

from collections.abc import Mapping

from zenowasm.interp.binary.types import (
    ARRAY,
    FUNC,
    HEAPTYPES,
    PACKED,
    REC,
    REF,
    REF_NULL,
    STRUCT,
    SUB,
    SUB_FINAL,
    TABLE_WITH_INIT,
    VALTYPES,
)
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.types import (
    I64,
    ArrayType,
    CompType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemType,
    NumType,
    PackedType,
    RecType,
    RefType,
    ResultType,
    StructType,
    SubType,
    TableType,
    ValType,
)

_HEAPTYPES: Mapping[HeapType, int] = {heap: byte for byte, heap in HEAPTYPES.items()}
_VALTYPES: Mapping[ValType, int] = {type_: byte for byte, type_ in VALTYPES.items()}
_PACKED: Mapping[PackedType, int] = {packed: byte for byte, packed in PACKED.items()}
_EMPTY_BLOCK = 0x40


def write_heaptype(writer: Writer, heap: HeapType) -> None:
    """Write a heap type (5.3.3)."""
    byte = _HEAPTYPES.get(heap)
    if byte is not None:
        writer.byte(byte)
        return
    assert isinstance(heap, int)
    writer.signed(heap)


def write_valtype(writer: Writer, type_: ValType) -> None:
    """Write a value type (5.3.5), with a reference type's short form where one exists."""
    byte = _VALTYPES.get(type_)
    if byte is not None:
        writer.byte(byte)
        return
    assert isinstance(type_, RefType)
    writer.byte(REF_NULL if type_.nullable else REF)
    write_heaptype(writer, type_.heap)


def write_rectype(writer: Writer, rectype: RecType) -> None:
    """Write a recursive type (5.3.9)."""
    if len(rectype.subtypes) == 1 and not rectype.as_group:
        _subtype(writer, rectype.subtypes[0])
        return
    writer.byte(REC)
    writer.vector(rectype.subtypes, _subtype)


def _subtype(writer: Writer, subtype: SubType) -> None:
    if not subtype.final or subtype.supertypes:
        writer.byte(SUB_FINAL if subtype.final else SUB)
        writer.indexes([heap for heap in subtype.supertypes if isinstance(heap, int)])
    _comptype(writer, subtype.composite)


def _comptype(writer: Writer, type_: CompType) -> None:
    match type_:
        case FuncType(parameters, results):
            writer.byte(FUNC)
            writer.vector(parameters, write_valtype)
            writer.vector(results, write_valtype)
        case StructType(fields):
            writer.byte(STRUCT)
            writer.vector(fields, _fieldtype)
        case ArrayType(element):
            writer.byte(ARRAY)
            _fieldtype(writer, element)


def _fieldtype(writer: Writer, type_: FieldType) -> None:
    if isinstance(type_.storage, PackedType):
        writer.byte(_PACKED[type_.storage])
    else:
        write_valtype(writer, type_.storage)
    writer.byte(type_.mutable)


def _limits(writer: Writer, limits: Limits, address: NumType) -> None:
    """Write the limits of a table or memory and its address type (5.3.12)."""
    writer.byte((0 if limits.maximum is None else 1) | (4 if address is I64 else 0))
    writer.unsigned(limits.minimum)
    if limits.maximum is not None:
        writer.unsigned(limits.maximum)


def write_tabletype(writer: Writer, type_: TableType) -> None:
    """Write a table type (5.3.14)."""
    write_valtype(writer, type_.element)
    _limits(writer, type_.limits, type_.address)


def write_table_with_init(writer: Writer) -> None:
    """Write the mark of a table with an initial value (5.5.7)."""
    writer.byte(TABLE_WITH_INIT)
    writer.byte(0)


def write_memtype(writer: Writer, type_: MemType) -> None:
    """Write a memory type (5.3.13)."""
    _limits(writer, type_.limits, type_.address)


def write_tagtype(writer: Writer, type_: int) -> None:
    """Write a tag type (5.3.15)."""
    writer.byte(0)
    writer.unsigned(type_)


def write_globaltype(writer: Writer, type_: GlobalType) -> None:
    """Write a global type (5.3.11)."""
    write_valtype(writer, type_.value)
    writer.byte(type_.mutable)


def write_blocktype(writer: Writer, type_: int | ResultType) -> None:
    """Write a block type (5.4.1)."""
    if isinstance(type_, int):
        writer.signed(type_)
    elif type_:
        write_valtype(writer, type_[0])
    else:
        writer.byte(_EMPTY_BLOCK)
