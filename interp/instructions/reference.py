"""The rows of typed references, aggregates, exceptions and tail calls (specification, 5.4), in opcode order."""

from __future__ import annotations

from collections.abc import Iterator

from zenowasm.interp.errors import TrapCode
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions.core import CALLS_INDIRECT
from zenowasm.interp.instructions.table import Effect, Immediate, Opcode, Structure

_CONTROL = frozenset({Effect.CONTROL})
_CALLS = frozenset({Effect.CALLS})
_TAIL_CALLS = frozenset({Effect.CALLS, Effect.CONTROL})
_READS = frozenset({Effect.READS_HEAP})
_WRITES = frozenset({Effect.WRITES_HEAP})
_NULL_FUNCTION = (TrapCode.NULL_FUNCTION_REFERENCE,)
_STRUCT = (TrapCode.NULL_STRUCTURE_REFERENCE,)
_ARRAY = (TrapCode.NULL_ARRAY_REFERENCE,)
_ELEMENT = (TrapCode.NULL_ARRAY_REFERENCE, TrapCode.OUT_OF_BOUNDS_ARRAY_ACCESS)


def control_rows() -> Iterator[Opcode]:
    """Yield exceptions, tail calls, calls by reference and branches by reference (specification, 5.4.1)."""
    label = (Immediate.LABELIDX,)
    type_ = (Immediate.TYPEIDX,)
    indirect = (Immediate.TYPEIDX, Immediate.TABLEIDX)
    exceptions, tails, typed = Feature.EXCEPTIONS, Feature.TAIL_CALL, Feature.FUNCTION_REFERENCES
    yield Opcode(None, 0x08, "throw", (Immediate.TAGIDX,), feature=exceptions, effects=_CONTROL)
    yield Opcode(
        None,
        0x0A,
        "throw_ref",
        feature=exceptions,
        traps=(TrapCode.NULL_EXCEPTION_REFERENCE,),
        effects=_CONTROL,
    )
    yield Opcode(None, 0x12, "return_call", (Immediate.FUNCIDX,), feature=tails, effects=_TAIL_CALLS)
    yield Opcode(None, 0x13, "return_call_indirect", indirect, feature=tails, traps=CALLS_INDIRECT, effects=_TAIL_CALLS)
    yield Opcode(None, 0x14, "call_ref", type_, feature=typed, traps=_NULL_FUNCTION, effects=_CALLS)
    yield Opcode(None, 0x15, "return_call_ref", type_, feature=typed | tails, traps=_NULL_FUNCTION, effects=_TAIL_CALLS)
    yield Opcode(
        None,
        0x1F,
        "try_table",
        (Immediate.BLOCKTYPE, Immediate.CATCH_VEC),
        feature=exceptions,
        effects=_CONTROL,
        structure=Structure.BLOCK,
    )
    yield Opcode(None, 0xD3, "ref.eq", feature=Feature.GC)
    yield Opcode(None, 0xD4, "ref.as_non_null", feature=typed, traps=(TrapCode.NULL_REFERENCE,))
    yield Opcode(None, 0xD5, "br_on_null", label, feature=typed, effects=_CONTROL)
    yield Opcode(None, 0xD6, "br_on_non_null", label, feature=typed, effects=_CONTROL)


def aggregate_rows() -> Iterator[Opcode]:
    """Yield the instructions on structures, arrays, casts and small integers (specification, 5.4.3)."""
    type_ = (Immediate.TYPEIDX,)
    field = (Immediate.TYPEIDX, Immediate.FIELDIDX)
    data, elem = (Immediate.TYPEIDX, Immediate.DATAIDX), (Immediate.TYPEIDX, Immediate.ELEMIDX)
    nothing: frozenset[Effect] = frozenset()
    outside_data = (TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS,)
    outside_table = (TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS,)
    cast = (TrapCode.CAST_FAILURE,)
    i31 = (TrapCode.NULL_I31_REFERENCE,)
    rows: tuple[tuple[str, tuple[Immediate, ...], bool, tuple[TrapCode, ...], frozenset[Effect]], ...] = (
        # mnemonic, immediates, constant, traps, effects
        ("struct.new", type_, True, (), _WRITES),
        ("struct.new_default", type_, True, (), _WRITES),
        ("struct.get", field, False, _STRUCT, _READS),
        ("struct.get_s", field, False, _STRUCT, _READS),
        ("struct.get_u", field, False, _STRUCT, _READS),
        ("struct.set", field, False, _STRUCT, _WRITES),
        ("array.new", type_, True, (), _WRITES),
        ("array.new_default", type_, True, (), _WRITES),
        ("array.new_fixed", (Immediate.TYPEIDX, Immediate.COUNT), True, (), _WRITES),
        ("array.new_data", data, False, outside_data, _WRITES),
        ("array.new_elem", elem, False, outside_table, _WRITES),
        ("array.get", type_, False, _ELEMENT, _READS),
        ("array.get_s", type_, False, _ELEMENT, _READS),
        ("array.get_u", type_, False, _ELEMENT, _READS),
        ("array.set", type_, False, _ELEMENT, _WRITES),
        ("array.len", (), False, _ARRAY, _READS),
        ("array.fill", type_, False, _ELEMENT, _WRITES),
        ("array.copy", (Immediate.TYPEIDX, Immediate.TYPEIDX), False, _ELEMENT, _WRITES),
        ("array.init_data", data, False, _ELEMENT + outside_data, _WRITES),
        ("array.init_elem", elem, False, _ELEMENT + outside_table, _WRITES),
        ("ref.test", (Immediate.REFTYPE,), False, (), nothing),
        ("ref.test", (Immediate.NULLABLE_REFTYPE,), False, (), nothing),
        ("ref.cast", (Immediate.REFTYPE,), False, cast, nothing),
        ("ref.cast", (Immediate.NULLABLE_REFTYPE,), False, cast, nothing),
        ("br_on_cast", (Immediate.CAST,), False, (), _CONTROL),
        ("br_on_cast_fail", (Immediate.CAST,), False, (), _CONTROL),
        ("any.convert_extern", (), True, (), nothing),
        ("extern.convert_any", (), True, (), nothing),
        ("ref.i31", (), True, (), nothing),
        ("i31.get_s", (), False, i31, nothing),
        ("i31.get_u", (), False, i31, nothing),
    )
    for code, (mnemonic, immediates, constant, traps, effects) in enumerate(rows):
        yield Opcode(
            0xFB,
            code,
            mnemonic,
            immediates,
            feature=Feature.GC,
            constant=constant,
            traps=traps,
            effects=effects,
        )


def rows() -> Iterator[Opcode]:
    """Yield every row of this file."""
    yield from control_rows()
    yield from aggregate_rows()
