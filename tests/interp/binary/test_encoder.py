from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from zenowasm.interp.binary import Names, decode, decode_names, encode, encode_names
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.instructions import TABLE, Immediate, Opcode, Structure
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.syntax.module import (
    Body,
    Cast,
    Catch,
    CustomSection,
    DataSegment,
    ElementSegment,
    Export,
    Expression,
    ExternKind,
    Global,
    Import,
    Instruction,
    MemArg,
    Module,
    SegmentMode,
    Table,
)
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    AbsHeapType,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    PackedType,
    RecType,
    RefType,
    StructType,
    SubType,
    TableType,
)

HEADER = b"\0asm\x01\0\0\0"
END = Instruction(TABLE.by_mnemonic["end"], ())
FUNCTIONS = RefType(False, AbsHeapType.FUNC)
FUNCREF = RefType(True, AbsHeapType.FUNC)


@frozen
class Code:
    known: Body
    offset: int = 0
    size: int = 0

    def body(self) -> Body:
        return self.known


def _instruction(mnemonic: str, *immediates: Any) -> Instruction:
    return Instruction(TABLE.by_mnemonic[mnemonic], immediates)


def _expression(*instructions: Instruction) -> Expression:
    return Expression((*instructions, END), ())


ZERO = _expression(_instruction("i32.const", 0))
FUNCTION = _expression(_instruction("ref.func", 3))


def _section(number: int, contents: bytes) -> bytes:
    return HEADER + bytes((number, len(contents))) + contents


@pytest.mark.parametrize(
    ("value", "unsigned", "signed"),
    [
        (0, "00", "00"),
        (63, "3f", "3f"),
        (64, "40", "c000"),
        (127, "7f", "ff00"),
        (128, "8001", "8001"),
        (2**32 - 1, "ffffffff0f", "ffffffff0f"),
        (2**64 - 1, "ffffffffffffffffff01", "ffffffffffffffffff01"),
    ],
)
def test_integers_take_as_few_bytes_as_they_can(value: int, unsigned: str, signed: str) -> None:
    first, second, third = Writer(), Writer(), Writer()
    first.unsigned(value)
    second.signed(value)
    third.signed(-1)
    assert (first.data.hex(), second.data.hex(), third.data.hex()) == (unsigned, signed, "7f")


def test_a_module_without_anything_has_no_sections() -> None:
    assert encode(Module()) == HEADER


@pytest.mark.parametrize(
    ("segment", "contents"),
    [
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.ACTIVE, 0, ZERO), "00 41000b 01 03"),
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.PASSIVE), "01 00 01 03"),
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.ACTIVE, 1, ZERO), "02 01 41000b 00 01 03"),
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.ACTIVE, 0, ZERO, form=2), "02 00 41000b 00 01 03"),
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.DECLARATIVE), "03 00 01 03"),
        (ElementSegment(FUNCREF, (FUNCTION,), SegmentMode.ACTIVE, 0, ZERO), "04 41000b 01 d2030b"),
        (ElementSegment(FUNCREF, (FUNCTION,), SegmentMode.PASSIVE), "05 70 01 d2030b"),
        (ElementSegment(FUNCTIONS, (FUNCTION,), SegmentMode.PASSIVE, form=4), "05 6470 01 d2030b"),
        (ElementSegment(FUNCTIONS, (ZERO,), SegmentMode.PASSIVE), "05 6470 01 41000b"),
        (ElementSegment(RefType(True, 5), (), SegmentMode.ACTIVE, 0, ZERO), "06 00 41000b 6305 00"),
        (ElementSegment(FUNCREF, (), SegmentMode.DECLARATIVE), "07 70 00"),
    ],
)
def test_an_element_segment_has_the_shortest_form_that_says_all(segment: ElementSegment, contents: str) -> None:
    expected = bytes.fromhex("01" + contents)
    assert encode(Module(elements=(segment,))) == _section(9, expected)


@pytest.mark.parametrize(
    ("segment", "contents"),
    [
        (DataSegment(b"a", SegmentMode.ACTIVE, 0, ZERO), "00 41000b 0161"),
        (DataSegment(b"a", SegmentMode.PASSIVE), "01 0161"),
        (DataSegment(b"a", SegmentMode.ACTIVE, 2, ZERO), "02 02 41000b 0161"),
    ],
)
def test_a_data_segment_names_its_memory_where_it_must(segment: DataSegment, contents: str) -> None:
    assert encode(Module(data=(segment,))) == _section(11, bytes.fromhex("01" + contents))


def test_the_number_of_data_segments_is_there_where_an_instruction_needs_it() -> None:
    def module(mnemonic: str, *immediates: int) -> Module:
        body = Body((), _expression(_instruction(mnemonic, *immediates)))
        segment = DataSegment(b"", SegmentMode.PASSIVE)
        return Module(types=(RecType((SubType(FuncType()),)),), functions=(0,), codes=(Code(body),), data=(segment,))

    with_count, without = encode(module("data.drop", 0)), encode(module("elem.drop", 0))
    assert b"\x0c\x01\x01\x0a" in with_count
    assert [section.name for section in decode(without).sections] == ["types", "functions", "codes", "data"]


def test_a_type_alone_in_its_group_may_be_spelled_as_a_group() -> None:
    subtype = SubType(FuncType())
    assert encode(Module(types=(RecType((subtype,)),))) == _section(1, b"\x01\x60\0\0")
    assert encode(Module(types=(RecType((subtype,), as_group=True),))) == _section(1, b"\x01\x4e\x01\x60\0\0")
    assert encode(decode(_section(1, b"\x01\x4e\x01\x60\0\0"))) == _section(1, b"\x01\x4e\x01\x60\0\0")
    assert encode(Module(types=(RecType(()),))) == _section(1, b"\x01\x4e\0")


def test_custom_sections_keep_their_places() -> None:
    customs = (
        CustomSection("a", b"1"),
        CustomSection("b", b"", after="types"),
        CustomSection("c", b"", after="types"),
        CustomSection("d", b"2", after="data"),
    )
    module = Module(types=(RecType(()),), start=0, customs=customs)
    again = decode(encode(module))
    assert [section.name for section in again.sections] == [
        "custom 'a'",
        "types",
        "custom 'b'",
        "custom 'c'",
        "start",
        "custom 'd'",
    ]
    assert again.customs == customs
    assert [custom.after for custom in again.customs] == [None, "types", "types", "start"]
    assert encode(again) == encode(module)


def test_names_come_back() -> None:
    names = Names(
        module="é",
        functions={3: "f", 1: ""},
        locals={2: {1: "b", 0: "a"}},
        labels={0: {7: "l"}},
        types={0: "t"},
        tables={0: "ta"},
        memories={1: "m"},
        globals={300: "g"},
        elements={0: "e"},
        data={0: "d"},
        fields={5: {0: "x"}},
        tags={0: "tag"},
        parameters={1: {2: "p"}},
    )
    assert decode_names(Module(customs=(CustomSection("name", encode_names(names)),))) == names
    assert encode_names(Names()) == b""


# -- any module --

_INDEX = st.integers(0, 2**32 - 1)
_HEAPTYPES = st.sampled_from(list(AbsHeapType)) | _INDEX
_REFTYPES = st.builds(RefType, st.booleans(), _HEAPTYPES)
_VALTYPES = st.sampled_from([I32, I64, F32, F64, V128]) | _REFTYPES
_RESULTS = st.lists(_VALTYPES, max_size=4).map(tuple)
_U64 = st.integers(0, 2**64 - 1)
_LIMITS = st.builds(Limits, _U64, st.none() | _U64)
_ADDRESSES = st.sampled_from([I32, I64])
_TABLETYPES = st.builds(TableType, _REFTYPES, _LIMITS, _ADDRESSES)
_MEMTYPES = st.builds(MemType, _LIMITS, _ADDRESSES)
_GLOBALTYPES = st.builds(GlobalType, _VALTYPES, st.booleans())
_FIELDTYPES = st.builds(FieldType, st.sampled_from(list(PackedType)) | _VALTYPES, st.booleans())
_COMPTYPES = (
    st.builds(FuncType, _RESULTS, _RESULTS)
    | st.builds(StructType, st.lists(_FIELDTYPES, max_size=3).map(tuple))
    | st.builds(ArrayType, _FIELDTYPES)
)
_SUBTYPES = st.builds(SubType, _COMPTYPES, st.booleans(), st.lists(_INDEX, max_size=2).map(tuple))
_CATCHES = st.builds(Catch, st.none() | _INDEX, st.booleans(), _INDEX)
_IMMEDIATES = {
    **dict.fromkeys(Immediate, _INDEX),
    Immediate.BLOCKTYPE: st.just(()) | st.tuples(_VALTYPES) | _INDEX,
    Immediate.LABELIDX_VEC: st.lists(_INDEX, max_size=3).map(tuple),
    # Alignments are below 2**6 in the format, as bit 6 says whether a memory is named.
    Immediate.MEMARG: st.builds(MemArg, st.integers(0, 63), _U64, _INDEX),
    Immediate.HEAPTYPE: _HEAPTYPES,
    Immediate.REFTYPE: st.builds(RefType, st.just(False), _HEAPTYPES),
    Immediate.NULLABLE_REFTYPE: st.builds(RefType, st.just(True), _HEAPTYPES),
    Immediate.CAST: st.builds(Cast, _INDEX, _REFTYPES, _REFTYPES),
    Immediate.CATCH_VEC: st.lists(_CATCHES, max_size=3).map(tuple),
    Immediate.VALTYPE_VEC: _RESULTS,
    Immediate.I64: _U64,
    Immediate.F32: _INDEX.map(f32_from_bits),
    Immediate.F64: _U64.map(f64_from_bits),
    Immediate.V128: st.integers(0, 2**128 - 1),
    Immediate.LANEIDX: st.integers(0, 255),
    Immediate.LANEIDX_16: st.tuples(*[st.integers(0, 255)] * 16),
}
_FLAT = [row for row in TABLE.rows if row.structure is None]
_BLOCKS = [row for row in TABLE.rows if row.structure is Structure.BLOCK]


def _with_immediates(row: Opcode) -> st.SearchStrategy[Instruction]:
    return st.tuples(*[_IMMEDIATES[kind] for kind in row.immediates]).map(lambda found: Instruction(row, found))


@st.composite
def _sequences(draw: st.DrawFn) -> list[Instruction]:
    out = [draw(_with_immediates(row)) for row in draw(st.lists(st.sampled_from(_FLAT), max_size=4))]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(out)))
        out = [draw(_with_immediates(draw(st.sampled_from(_BLOCKS)))), *out[:at], END, *out[at:]]
    return out


_EXPRESSIONS = _sequences().map(lambda instructions: _expression(*instructions))
_BODIES = st.builds(Body, st.lists(st.tuples(st.integers(0, 100), _VALTYPES), max_size=3).map(tuple), _EXPRESSIONS)
_PLACES = st.just(ZERO) | _EXPRESSIONS
_NAMES = st.text(st.characters(codec="utf-8"), max_size=5)
_KINDS = st.sampled_from(list(ExternKind))


@st.composite
def _imports(draw: st.DrawFn) -> Import:
    kind = draw(_KINDS)
    types = {ExternKind.TABLE: _TABLETYPES, ExternKind.MEM: _MEMTYPES, ExternKind.GLOBAL: _GLOBALTYPES}
    return Import(draw(_NAMES), draw(_NAMES), kind, draw(types.get(kind, _INDEX)))


@st.composite
def _element_segments(draw: st.DrawFn) -> ElementSegment:
    mode = draw(st.sampled_from(SegmentMode))
    is_active = mode is SegmentMode.ACTIVE
    functions = st.tuples(st.just(FUNCTIONS), st.lists(st.just(FUNCTION), max_size=2).map(tuple))
    expressions = st.tuples(_REFTYPES, st.lists(_EXPRESSIONS, max_size=2).map(tuple))
    type_, init = draw(functions | expressions)
    table, place = (draw(_INDEX), draw(_PLACES)) if is_active else (0, None)
    return ElementSegment(type_, init, mode, table, place, form=draw(st.sampled_from([0, 2, 4, 6])))


@st.composite
def _data_segments(draw: st.DrawFn) -> DataSegment:
    memory, place = draw(st.just((0, None)) | st.tuples(_INDEX, _PLACES))
    mode = SegmentMode.PASSIVE if place is None else SegmentMode.ACTIVE
    return DataSegment(draw(st.binary(max_size=5)), mode, memory, place)


def _some(entries: st.SearchStrategy[Any], count: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(entries, max_size=count).map(tuple)


@st.composite
def _modules(draw: st.DrawFn) -> Module:
    bodies = draw(_some(_BODIES))
    return Module(
        types=draw(_some(st.builds(RecType, _some(_SUBTYPES), st.booleans()))),
        imports=draw(_some(_imports())),
        functions=tuple(draw(_INDEX) for _ in bodies),
        tables=draw(_some(st.builds(Table, _TABLETYPES, st.none() | _EXPRESSIONS))),
        memories=draw(_some(_MEMTYPES)),
        tags=draw(_some(_INDEX)),
        globals=draw(_some(st.builds(Global, _GLOBALTYPES, _EXPRESSIONS))),
        exports=draw(_some(st.builds(Export, _NAMES, _KINDS, _INDEX))),
        start=draw(st.none() | _INDEX),
        elements=draw(_some(_element_segments())),
        data=draw(_some(_data_segments())),
        codes=tuple(Code(body) for body in bodies),
        customs=draw(_some(st.builds(CustomSection, _NAMES, st.binary(max_size=3)))),
    )


def _comparable(it: Any) -> Any:
    """Return something that is equal where the bits are: no NaN equals itself."""
    if isinstance(it, Expression):
        return [
            (opcode, [_bits(kind, value) for kind, value in zip(opcode.immediates, immediates, strict=True)])
            for opcode, immediates in it.instructions
        ]
    if isinstance(it, tuple | list):
        return [_comparable(entry) for entry in it]
    if isinstance(it, Global | Table):
        return it.type, _comparable(it.init)
    if isinstance(it, ElementSegment):
        return it.type, it.mode, it.table, _comparable(it.place), _comparable(it.init)
    if isinstance(it, DataSegment):
        return it.init, it.mode, it.memory, _comparable(it.place)
    return (it.locals, _comparable(it.expression)) if isinstance(it, Body) else it


def _bits(kind: Immediate, value: Any) -> Any:
    if kind is Immediate.F32:
        return f32_to_bits(value)
    return f64_to_bits(value) if kind is Immediate.F64 else value


@settings(max_examples=600, deadline=None)
@given(_modules())
def test_an_encoded_module_decodes_to_itself(module: Module) -> None:
    encoded = encode(module)
    again = decode(encoded)
    for part in ("types", "imports", "functions", "memories", "tags", "exports", "start", "customs"):
        assert getattr(again, part) == getattr(module, part), part
    for part in ("tables", "globals", "elements", "data"):
        assert _comparable(getattr(again, part)) == _comparable(getattr(module, part)), part
    assert _comparable([code.body() for code in again.codes]) == _comparable([code.body() for code in module.codes])
    assert encode(again) == encoded
