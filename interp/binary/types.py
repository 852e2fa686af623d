"""Decodes types (specification, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    AbsHeapType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemType,
    RefType,
    ResultType,
    TableType,
    ValType,
)

NUMTYPES: Mapping[int, ValType] = {0x7F: I32, 0x7E: I64, 0x7D: F32, 0x7C: F64}
HEAPTYPES: Mapping[int, HeapType] = {0x70: AbsHeapType.FUNC, 0x6F: AbsHeapType.EXTERN}
VALTYPES: Mapping[int, ValType] = {**NUMTYPES, **{byte: RefType(True, heap) for byte, heap in HEAPTYPES.items()}}
_FUNC = 0x60


def valtype(reader: Reader) -> ValType:
    """Read a value type (specification, 5.3.5)."""
    found = VALTYPES.get(byte := reader.byte())
    if found is None:
        raise reader.error(f"malformed value type 0x{byte:02x}", reader.pos - 1)
    return found


def heaptype(reader: Reader) -> HeapType:
    """Read a heap type (specification, 5.3.3)."""
    found = HEAPTYPES.get(byte := reader.byte())
    if found is None:
        raise reader.error(f"malformed reference type 0x{byte:02x}", reader.pos - 1)
    return found


def reftype(reader: Reader) -> RefType:
    """Read a reference type (specification, 5.3.4)."""
    return RefType(True, heaptype(reader))


def functype(reader: Reader, limits: ModuleLimits) -> FuncType:
    """Read a function type (specification, 5.3.8)."""
    if (byte := reader.byte()) != _FUNC:
        raise reader.error(f"integer representation too long: 0x{byte:02x} begins no function type", reader.pos - 1)
    parameters = reader.vector(limits.parameters, "parameters", valtype)
    return FuncType(parameters, reader.vector(limits.results, "results", valtype))


def limits_(reader: Reader) -> Limits:
    """Read the limits of a table or memory (specification, 5.3.12)."""
    flags = reader.byte()
    if flags > 1:
        raise reader.error("malformed limits flags: integer too large", reader.pos - 1)
    return Limits(reader.u32(), reader.u32() if flags else None)


def tabletype(reader: Reader) -> TableType:
    """Read a table type (specification, 5.3.14)."""
    return TableType(reftype(reader), limits_(reader))


def memtype(reader: Reader) -> MemType:
    """Read a memory type (specification, 5.3.13)."""
    return MemType(limits_(reader))


def globaltype(reader: Reader) -> GlobalType:
    """Read a global type (specification, 5.3.11)."""
    type_ = valtype(reader)
    if (mutability := reader.byte()) > 1:
        raise reader.error("malformed mutability", reader.pos - 1)
    return GlobalType(type_, bool(mutability))


def blocktype(reader: Reader) -> int | ResultType:
    """Read a block type (specification, 5.4.1): nothing, one value type, or a type index."""
    byte = reader.data[reader.pos] if reader.left else reader.byte()
    if byte == 0x40:
        reader.pos += 1
        return ()
    if byte in VALTYPES:
        reader.pos += 1
        return (VALTYPES[byte],)
    start = reader.pos
    index = reader.signed(33)
    if index < 0:
        raise reader.error("malformed block type", start)
    return index
