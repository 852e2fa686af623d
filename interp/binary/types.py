"""Decodes types (specification, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping

from zenowasm.interp import proposals
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    AbsHeapType,
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

HEAPTYPES: Mapping[int, AbsHeapType] = {
    0x74: AbsHeapType.NOEXN,
    0x73: AbsHeapType.NOFUNC,
    0x72: AbsHeapType.NOEXTERN,
    0x71: AbsHeapType.NONE,
    0x70: AbsHeapType.FUNC,
    0x6F: AbsHeapType.EXTERN,
    0x6E: AbsHeapType.ANY,
    0x6D: AbsHeapType.EQ,
    0x6C: AbsHeapType.I31,
    0x6B: AbsHeapType.STRUCT,
    0x6A: AbsHeapType.ARRAY,
    0x69: AbsHeapType.EXN,
}
REF, REF_NULL = 0x64, 0x63
VALTYPES: Mapping[int, ValType] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    **{byte: RefType(True, heap) for byte, heap in HEAPTYPES.items()},
}
PACKED: Mapping[int, PackedType] = {0x78: PackedType.I8, 0x77: PackedType.I16}
FUNC, STRUCT, ARRAY = 0x60, 0x5F, 0x5E
SUB, SUB_FINAL, REC = 0x50, 0x4F, 0x4E
TABLE_WITH_INIT = 0x40
TYPE_BYTES = 2_000
"""The maximum memory of a type with its closed form, in bytes."""


def valtype(reader: Reader) -> ValType:
    """Read a value type (specification, 5.3.5)."""
    byte = reader.byte()
    found = VALTYPES.get(byte)
    if found is not None:
        return found
    if byte in (REF, REF_NULL):
        return RefType(byte == REF_NULL, heaptype(reader))
    raise reader.error(f"malformed value type 0x{byte:02x}{proposals.of_type(byte)}", reader.pos - 1)


def heaptype(reader: Reader) -> HeapType:
    """Read a heap type (specification, 5.3.3): an abstract one, or a type index as a signed 33-bit integer."""
    if reader.left and (found := HEAPTYPES.get(reader.data[reader.pos])) is not None:
        reader.pos += 1
        return found
    start = reader.pos
    index = reader.signed(33)
    if index < 0:
        raise reader.error(
            f"malformed heap type 0x{reader.data[start]:02x}{proposals.of_type(reader.data[start])}", start
        )
    return index


def reftype(reader: Reader) -> RefType:
    """Read a reference type (specification, 5.3.4)."""
    start = reader.pos
    type_ = valtype(reader)
    if not isinstance(type_, RefType):
        raise reader.error("malformed reference type", start)
    return type_


def rectype(reader: Reader, limits: ModuleLimits) -> RecType:
    """Read a recursive type (specification, 5.3.9)."""
    if reader.left and reader.data[reader.pos] == REC:
        reader.pos += 1
        return RecType(reader.vector(limits.types, "types", lambda r: _subtype(r, limits), TYPE_BYTES), as_group=True)
    return RecType((_subtype(reader, limits),))


def _subtype(reader: Reader, limits: ModuleLimits) -> SubType:
    byte = reader.byte()
    if byte not in (SUB, SUB_FINAL):
        return SubType(_comptype(reader, byte, limits))
    supertypes = reader.vector(limits.parameters, "supertypes", Reader.u32)
    return SubType(_comptype(reader, reader.byte(), limits), byte == SUB_FINAL, supertypes)


def _comptype(reader: Reader, byte: int, limits: ModuleLimits) -> CompType:
    """Read a composite type that begins with ``byte`` (specification, 5.3.8)."""
    if byte == FUNC:
        parameters = reader.vector(limits.parameters, "parameters", valtype)
        return FuncType(parameters, reader.vector(limits.results, "results", valtype))
    if byte == STRUCT:
        return StructType(reader.vector(limits.fields, "fields", _fieldtype))
    if byte == ARRAY:
        return ArrayType(_fieldtype(reader))
    # By the specification, a byte with the continuation bit begins a number whose representation is too long.
    too_long = "integer representation too long: " if byte & 0x80 else ""
    raise reader.error(f"{too_long}unknown type 0x{byte:02x}{proposals.of_type(byte)}", reader.pos - 1)


def _fieldtype(reader: Reader) -> FieldType:
    packed = PACKED.get(reader.data[reader.pos]) if reader.left else None
    if packed is not None:
        reader.pos += 1
    return FieldType(packed or valtype(reader), _mutability(reader))


def _mutability(reader: Reader) -> bool:
    if (mutability := reader.byte()) > 1:
        raise reader.error("malformed mutability", reader.pos - 1)
    return bool(mutability)


def _limits(reader: Reader) -> tuple[Limits, NumType]:
    """Read the limits of a table or memory and its address type (specification, 5.3.12)."""
    flags = reader.byte()
    if flags not in (0, 1, 4, 5):
        raise reader.error(f"malformed limits flags: integer too large{proposals.of_limits(flags)}", reader.pos - 1)
    minimum = reader.unsigned(64)
    maximum = reader.unsigned(64) if flags & 1 else None
    return Limits(minimum, maximum), I64 if flags & 4 else I32


def tabletype(reader: Reader) -> TableType:
    """Read a table type (specification, 5.3.14)."""
    element = reftype(reader)
    return TableType(element, *_limits(reader))


def table_has_init(reader: Reader) -> bool:
    """Read the mark of a table with an initial value, if present (specification, 5.5.7)."""
    if not reader.left or reader.data[reader.pos] != TABLE_WITH_INIT:
        return False
    reader.pos += 1
    if reader.byte():
        raise reader.error("malformed table: zero byte expected", reader.pos - 1)
    return True


def memtype(reader: Reader) -> MemType:
    """Read a memory type (specification, 5.3.13)."""
    return MemType(*_limits(reader))


def tagtype(reader: Reader) -> int:
    """Read a tag type (specification, 5.3.15): a type index."""
    if reader.byte():
        raise reader.error("malformed tag attribute: zero byte expected", reader.pos - 1)
    return reader.u32()


def globaltype(reader: Reader) -> GlobalType:
    """Read a global type (specification, 5.3.11)."""
    type_ = valtype(reader)
    return GlobalType(type_, _mutability(reader))


def blocktype(reader: Reader) -> int | ResultType:
    """Read a block type (specification, 5.4.1): nothing, one value type, or a type index."""
    byte = reader.data[reader.pos] if reader.left else reader.byte()
    if byte == 0x40:
        reader.pos += 1
        return ()
    if byte in VALTYPES or byte in (REF, REF_NULL):
        return (valtype(reader),)
    start = reader.pos
    index = reader.signed(33)
    if index < 0:
        raise reader.error("malformed block type", start)
    return index
