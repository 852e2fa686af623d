"""Decodes instructions (specification, 5.4). The instruction table defines the form of an instruction."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from zenowasm.interp import proposals
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.types import blocktype, heaptype, valtype
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions import TABLE, Immediate, Opcode, Structure
from zenowasm.interp.numerics.floats import f32_from_bits, f64_from_bits
from zenowasm.interp.syntax.module import Cast, Catch, Expression, Instruction, MemArg
from zenowasm.interp.types import RefType

_VECTOR_LIMIT = 1 << 20
"""The maximum number of entries in one branch table or one type annotation."""

INSTRUCTION_BYTES = 300
"""The maximum memory of one decoded instruction with its immediates, in bytes."""
_ATOMIC = 0xFE
"""The prefix of instructions on shared memories, which are not part of WebAssembly 3.0."""
_MOST_SHORT = 256
"""The maximum number of cached instructions for one row."""
_CHUNK = 256
"""The number of instructions between two progress checks."""

_ImmediateReader = Callable[[Reader], Any]


def _memarg(reader: Reader) -> MemArg:
    # Bit 6 of the alignment means that a memory index follows.
    start = reader.pos
    align = reader.u32()
    if align >= 0x80:
        raise reader.error("malformed memop flags", start)
    memory = reader.u32() if align & 0x40 else 0
    return MemArg(align & 0x3F, reader.unsigned(64), memory)


def _cast(reader: Reader) -> Cast:
    flags = reader.byte()
    if flags > 3:
        raise reader.error("malformed cast flags", reader.pos - 1)
    label = reader.u32()
    return Cast(label, RefType(bool(flags & 1), heaptype(reader)), RefType(bool(flags & 2), heaptype(reader)))


def _catch(reader: Reader) -> Catch:
    # Bit 0: with the exception reference. Bit 1: for all tags.
    flags = reader.byte()
    if flags > 3:
        raise reader.error("malformed catch clause", reader.pos - 1)
    tag = None if flags & 2 else reader.u32()
    return Catch(tag, bool(flags & 1), reader.u32())


def _catches(reader: Reader) -> tuple[Catch, ...]:
    return reader.vector(_VECTOR_LIMIT, "catch clauses", _catch)


def _labels(reader: Reader) -> tuple[int, ...]:
    return reader.vector(_VECTOR_LIMIT, "labels", Reader.u32)


def _valtypes(reader: Reader) -> tuple[Any, ...]:
    return reader.vector(_VECTOR_LIMIT, "types", valtype)


_READERS: Mapping[Immediate, _ImmediateReader] = {
    Immediate.BLOCKTYPE: blocktype,
    Immediate.LABELIDX: Reader.u32,
    Immediate.LABELIDX_VEC: _labels,
    Immediate.LOCALIDX: Reader.u32,
    Immediate.GLOBALIDX: Reader.u32,
    Immediate.FUNCIDX: Reader.u32,
    Immediate.TYPEIDX: Reader.u32,
    Immediate.FIELDIDX: Reader.u32,
    Immediate.TAGIDX: Reader.u32,
    Immediate.COUNT: Reader.u32,
    Immediate.TABLEIDX: Reader.u32,
    Immediate.MEMIDX: Reader.u32,
    Immediate.DATAIDX: Reader.u32,
    Immediate.ELEMIDX: Reader.u32,
    Immediate.MEMARG: _memarg,
    Immediate.HEAPTYPE: heaptype,
    Immediate.REFTYPE: lambda reader: RefType(False, heaptype(reader)),
    Immediate.NULLABLE_REFTYPE: lambda reader: RefType(True, heaptype(reader)),
    Immediate.CAST: _cast,
    Immediate.CATCH_VEC: _catches,
    Immediate.VALTYPE_VEC: _valtypes,
    Immediate.I32: lambda reader: reader.signed(32) & 0xFFFFFFFF,
    Immediate.I64: lambda reader: reader.signed(64) & 0xFFFFFFFFFFFFFFFF,
    Immediate.F32: lambda reader: f32_from_bits(int.from_bytes(reader.bytes(4), "little")),
    Immediate.F64: lambda reader: f64_from_bits(int.from_bytes(reader.bytes(8), "little")),
    Immediate.V128: lambda reader: int.from_bytes(reader.bytes(16), "little"),
    Immediate.LANEIDX: Reader.byte,
    Immediate.LANEIDX_16: lambda reader: tuple(reader.bytes(16)),
}


class _Entry:
    """A row of the instruction table in the form that the decoder's loop uses.

    ``short`` caches instructions by the bytes of their immediates if these have ``width`` bytes, as most do. Such an
    instruction depends on nothing else, so every occurrence is the same object.
    """

    __slots__ = ("needs_data_count", "opcode", "readers", "short", "structure", "width")

    def __init__(self, opcode: Opcode) -> None:
        self.opcode = opcode
        self.readers = tuple(_READERS[kind] for kind in opcode.immediates)
        self.width = 2 if Immediate.MEMARG in opcode.immediates else len(opcode.immediates)
        self.short: dict[bytes, Instruction] = {}
        self.structure = opcode.structure
        self.needs_data_count = Immediate.DATAIDX in opcode.immediates

    def read(self, reader: Reader) -> Instruction:
        """Read the immediates; cache the instruction if it is short."""
        start = reader.pos
        instruction = Instruction(self.opcode, tuple([read(reader) for read in self.readers]))
        if reader.pos - start == self.width and not self.needs_data_count and len(self.short) < _MOST_SHORT:
            self.short[reader.data[start : reader.pos]] = instruction
        return instruction


@cache
def _entries(features: Feature) -> tuple[list[_Entry | None], Mapping[int, Mapping[int, _Entry]]]:
    """Return the rows that these features allow: those without a prefix by byte, the others by prefix and number."""
    allowed = [row for row in TABLE.rows if row.feature in features]
    primary: list[_Entry | None] = [None] * 256
    prefixed: dict[int, dict[int, _Entry]] = {prefix: {} for prefix in TABLE.prefixes}
    for row in allowed:
        if row.prefix is None:
            primary[row.code] = _Entry(row)
        else:
            prefixed[row.prefix][row.code] = _Entry(row)
    return primary, prefixed


def _illegal(reader: Reader, start: int, *opcode: int) -> DecodeError:
    code = reader.data[start : reader.pos].hex(" ")
    row = next((row for row in TABLE.rows if row.prefix is None and row.code == reader.data[start]), None)
    needed = f": {row} needs {row.feature.name}" if row else proposals.of_opcode(*opcode)
    return reader.error(f"illegal opcode {code}{needed}", start)


def _number(reader: Reader, byte: int) -> tuple[int, ...]:
    """Return the number after a prefix that no row of the table has."""
    return (reader.data[reader.pos],) if byte == _ATOMIC and reader.left else ()


def expression(reader: Reader, features: Feature, *, nesting_limit: int, has_data_count: bool = True) -> Expression:
    """Read an expression with its final ``end`` (specification, 5.4.9).

    Raises ``DecodeError`` if it is malformed or uses an instruction outside ``features``.
    """
    primary, prefixed = _entries(features)
    data, base, progress = reader.data, reader.base, reader.progress
    instructions: list[Instruction] = []
    offsets = array("I")
    open_ifs: list[bool] = []
    while True:
        start = reader.pos
        try:
            byte = data[start]
        except IndexError:
            raise reader.error("unexpected end of section or function: END opcode expected") from None
        reader.pos = start + 1
        entry = primary[byte]
        if entry is None:
            if byte not in prefixed:
                raise _illegal(reader, start, byte, *_number(reader, byte))
            number = reader.u32()
            entry = prefixed[byte].get(number)
            if entry is None:
                raise _illegal(reader, start, byte, number)
        offsets.append(base + start)
        if not len(offsets) % _CHUNK:
            progress.hold(_CHUNK * INSTRUCTION_BYTES)
        end = reader.pos + entry.width
        instruction = entry.short.get(data[reader.pos : end])
        if instruction is not None:
            reader.pos = end
        else:
            if entry.needs_data_count and not has_data_count:
                raise reader.error("data count section required", start)
            instruction = entry.read(reader)
        instructions.append(instruction)
        structure = entry.structure
        if structure is None:
            continue
        if structure is Structure.END:
            if not open_ifs:
                progress.hold(len(offsets) % _CHUNK * INSTRUCTION_BYTES)
                return Expression(instructions, offsets)
            open_ifs.pop()
        elif structure is Structure.ELSE:
            if not open_ifs or not open_ifs[-1]:
                raise reader.error("else without if: END opcode expected", start)
            open_ifs[-1] = False
        elif len(open_ifs) >= nesting_limit:
            raise LimitError(f"more than {nesting_limit} blocks inside one another at byte 0x{base + start:x}")
        else:
            open_ifs.append(structure is Structure.IF)
