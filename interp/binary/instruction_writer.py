"""Encodes instructions (specification, 5.4). The instruction table defines the form of an instruction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zenowasm.interp.binary.type_writer import write_blocktype, write_heaptype, write_valtype
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.instructions import TABLE, Immediate, Opcode
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.syntax.module import Cast, Catch, Expression, MemArg
from zenowasm.interp.types import RefType

_ImmediateWriter = Callable[[Writer, Any], None]


def _memarg(writer: Writer, memarg: MemArg) -> None:
    # Bit 6 of the alignment means that a memory index follows.
    writer.unsigned(memarg.align | (0x40 if memarg.memory else 0))
    if memarg.memory:
        writer.unsigned(memarg.memory)
    writer.unsigned(memarg.offset)


def _cast(writer: Writer, cast: Cast) -> None:
    writer.byte(cast.source.nullable | cast.target.nullable << 1)
    writer.unsigned(cast.label)
    write_heaptype(writer, cast.source.heap)
    write_heaptype(writer, cast.target.heap)


def _catch(writer: Writer, catch: Catch) -> None:
    # Bit 0: with the exception reference. Bit 1: for all tags.
    writer.byte(catch.reference | (catch.tag is None) << 1)
    if catch.tag is not None:
        writer.unsigned(catch.tag)
    writer.unsigned(catch.label)


def _signed(bits: int) -> _ImmediateWriter:
    def write(writer: Writer, value: int) -> None:
        writer.signed(value - (1 << bits) if value >> (bits - 1) else value)

    return write


def _reftype(writer: Writer, type_: RefType) -> None:
    write_heaptype(writer, type_.heap)


_WRITERS: Mapping[Immediate, _ImmediateWriter] = {
    Immediate.BLOCKTYPE: write_blocktype,
    Immediate.LABELIDX: Writer.unsigned,
    Immediate.LABELIDX_VEC: Writer.indexes,
    Immediate.LOCALIDX: Writer.unsigned,
    Immediate.GLOBALIDX: Writer.unsigned,
    Immediate.FUNCIDX: Writer.unsigned,
    Immediate.TYPEIDX: Writer.unsigned,
    Immediate.FIELDIDX: Writer.unsigned,
    Immediate.TAGIDX: Writer.unsigned,
    Immediate.COUNT: Writer.unsigned,
    Immediate.TABLEIDX: Writer.unsigned,
    Immediate.MEMIDX: Writer.unsigned,
    Immediate.DATAIDX: Writer.unsigned,
    Immediate.ELEMIDX: Writer.unsigned,
    Immediate.MEMARG: _memarg,
    Immediate.HEAPTYPE: write_heaptype,
    Immediate.REFTYPE: _reftype,
    Immediate.NULLABLE_REFTYPE: _reftype,
    Immediate.CAST: _cast,
    Immediate.CATCH_VEC: lambda writer, catches: writer.vector(catches, _catch),
    Immediate.VALTYPE_VEC: lambda writer, types: writer.vector(types, write_valtype),
    Immediate.I32: _signed(32),
    Immediate.I64: _signed(64),
    Immediate.F32: lambda writer, value: writer.raw(f32_to_bits(value).to_bytes(4, "little")),
    Immediate.F64: lambda writer, value: writer.raw(f64_to_bits(value).to_bytes(8, "little")),
    Immediate.V128: lambda writer, value: writer.raw(value.to_bytes(16, "little")),
    Immediate.LANEIDX: Writer.byte,
    Immediate.LANEIDX_16: lambda writer, lanes: writer.raw(bytes(lanes)),
}


def _opcode_bytes(opcode: Opcode) -> bytes:
    writer = Writer()
    if opcode.prefix is None:
        writer.byte(opcode.code)
    else:
        writer.byte(opcode.prefix)
        writer.unsigned(opcode.code)
    return bytes(writer.data)


_FORMS: Mapping[Opcode, tuple[bytes, tuple[_ImmediateWriter, ...]]] = {
    row: (_opcode_bytes(row), tuple([_WRITERS[kind] for kind in row.immediates])) for row in TABLE.rows
}


def write_expression(writer: Writer, expression: Expression) -> list[int]:
    """Write an expression with its final ``end`` (specification, 5.4.9); return the offset of each instruction."""
    offsets: list[int] = []
    for opcode, immediates in expression.instructions:
        offsets.append(len(writer.data))
        code, writers = _FORMS[opcode]
        writer.data += code
        for write, immediate in zip(writers, immediates, strict=True):
            write(writer, immediate)
    return offsets
