"""The binary format of modules (specification, 5.5): what is refused, where, and at what cost."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import everything, section_ends
from support.wasm import (
    CODE,
    DATA,
    DATA_COUNT,
    ELEMENT,
    EXPORT,
    EXTERNREF,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    HEADER,
    I32,
    IMPORT,
    MEMORY,
    START,
    TABLE,
    TYPE,
    body,
    custom,
    functype,
    module,
    name,
    one_function,
    section,
    sized,
    u,
    vec,
    wat,
)

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError, LimitError, ValidationError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import ExternKind, Module, SegmentMode
from zenowasm.interp.types import GlobalType, Limits, MemType, NumType
from zenowasm.interp.validation import validate_module

ZERO = b"\x41\x00\x0b"
"""``i32.const 0 end``"""


def decode_all(binary: bytes) -> Module:
    """Decode a module with all of its bodies."""
    decoded = decode(binary)
    for code in decoded.codes:
        code.body()
    return decoded


# -- well-formed modules --


def test_the_empty_module() -> None:
    empty = decode(HEADER)
    assert (empty.types, empty.imports, empty.exports, empty.codes, empty.customs) == ((), (), (), (), ())
    assert empty.start is None


def test_everything_is_found() -> None:
    found = decode_all(everything())
    assert [(it.module, it.name, it.kind) for it in found.imports] == [
        ("env", "log", ExternKind.FUNC),
        ("env", "base", ExternKind.GLOBAL),
        ("env", "table", ExternKind.TABLE),
    ]
    assert [(it.name, it.kind, it.index) for it in found.exports] == [
        ("sum", ExternKind.FUNC, 1),
        ("memory", ExternKind.MEM, 0),
        ("table", ExternKind.TABLE, 1),
        ("counter", ExternKind.GLOBAL, 1),
        ("loop", ExternKind.FUNC, 4),
        ("pair", ExternKind.FUNC, 3),
    ]
    assert found.memory_types() == [MemType(Limits(1, 2))]
    assert [type_.limits for type_ in found.table_types()] == [Limits(1), Limits(4, 8)]
    assert found.global_types()[:3] == [
        GlobalType(NumType.I32),
        GlobalType(NumType.I64, True),
        GlobalType(NumType.F32),
    ]
    assert found.start == 2
    assert [segment.mode for segment in found.elements] == [
        SegmentMode.ACTIVE,
        SegmentMode.PASSIVE,
        SegmentMode.DECLARATIVE,
    ]
    assert [(segment.mode, segment.init) for segment in found.data] == [
        (SegmentMode.ACTIVE, b"hello\0\xff"),
        (SegmentMode.PASSIVE, b"bytes"),
    ]
    assert len(found.codes) == 4
    assert found.codes[2].body().locals == ((2, NumType.F32), (1, NumType.I64))
    assert [it.name for it in found.customs] == ["name", "producers"]


def test_offsets_point_at_the_instructions_bytes() -> None:
    binary = everything()
    for code in decode(binary).codes:
        expression = code.body().expression
        assert code.offset < expression.offsets[0]
        assert binary[expression.offsets[-1]] == 0x0B
        assert expression.offsets[-1] == code.offset + code.size - 1
        for instruction, offset in zip(expression.instructions, expression.offsets, strict=True):
            row = instruction.opcode
            assert binary[offset] == (row.code if row.prefix is None else row.prefix)


def test_sections_say_where_they_are() -> None:
    binary = everything()
    ends = section_ends(binary)
    assert [it.offset + it.size for it in decode(binary).sections] == ends[1:]


def test_custom_sections_may_stand_anywhere() -> None:
    types = section(TYPE, vec([functype()]))
    for where in range(3):
        sections = [types, section(MEMORY, vec([b"\0\1"]))]
        sections.insert(where, custom("here", b"\xff\xff"))
        found = decode(module(*sections)).customs
        assert [(it.name, it.data) for it in found] == [("here", b"\xff\xff")]


def test_every_form_of_element_segment() -> None:
    table = section(TABLE, vec([FUNCREF + b"\0\2"]))
    null, function = b"\xd0\x70\x0b", b"\xd2\x00\x0b"
    segments = [
        u(0) + ZERO + vec([u(0)]),
        u(1) + b"\0" + vec([u(0)]),
        u(2) + u(0) + ZERO + b"\0" + vec([u(0)]),
        u(3) + b"\0" + vec([u(0)]),
        u(4) + ZERO + vec([null]),
        u(5) + FUNCREF + vec([function]),
        u(6) + u(0) + ZERO + FUNCREF + vec([null, function]),
        u(7) + EXTERNREF + vec([b"\xd0\x6f\x0b"]),
    ]
    binary = module(
        section(TYPE, vec([functype()])),
        section(FUNCTION, vec([u(0)])),
        table,
        section(ELEMENT, vec(segments)),
        section(CODE, vec([body(b"")])),
    )
    found = validate_module(decode(binary)).module.elements
    active, passive, declarative = SegmentMode.ACTIVE, SegmentMode.PASSIVE, SegmentMode.DECLARATIVE
    assert [it.mode for it in found] == [active, passive, active, declarative, active, passive, active, declarative]
    assert [len(it.init) for it in found] == [1, 1, 1, 1, 1, 1, 2, 1]
    assert [it.init[0].instructions[0].opcode.mnemonic for it in found] == [
        *["ref.func"] * 4,
        "ref.null",
        "ref.func",
        "ref.null",
        "ref.null",
    ]
    assert [str(it.type) for it in found[4:]].count("externref") == 1


def test_every_form_of_data_segment() -> None:
    segments = [u(0) + ZERO + sized(b"a"), u(1) + sized(b"bc"), u(2) + u(0) + ZERO + sized(b"")]
    binary = module(section(MEMORY, vec([b"\0\1"])), section(DATA_COUNT, u(3)), section(DATA, vec(segments)))
    found = validate_module(decode(binary)).module.data
    assert [(it.mode.value, it.init) for it in found] == [("active", b"a"), ("passive", b"bc"), ("active", b"")]


# -- malformed modules --


def at(number: int, before: bytes, offending: bytes, *earlier: bytes) -> tuple[bytes, int]:
    """Put bytes into a section after ``earlier`` ones; return the module and the offset of the offending bytes."""
    prefix = module(*earlier)
    whole = section(number, before + offending)
    return prefix + whole, len(prefix) + len(whole) - len(offending)


TYPES = section(TYPE, vec([functype()]))
ONE_TYPE = u(1)
IMPORT_HEAD = ONE_TYPE + name("m") + name("n")

MALFORMED = {
    "no bytes": ((b"", 0), "unexpected end"),
    "a cut magic": ((b"\0as", 0), "unexpected end"),
    "another magic": ((b"\0ASM\1\0\0\0", 0), "magic header not detected"),
    "no version": ((b"\0asm", 4), "unexpected end"),
    "another version": ((b"\0asm\2\0\0\0", 4), "unknown binary version"),
    "a component": ((b"\0asm\x0d\0\1\0", 4), "unknown binary version"),
    "an unknown section": ((HEADER + b"\x7f\0", 8), "malformed section id"),
    "a section without size": ((HEADER + b"\1", 9), "unexpected end"),
    "a section beyond the end": ((HEADER + b"\1\2\0", 8), "length out of bounds|unexpected end"),
    "a section twice": ((module(TYPES, TYPES), 8 + len(TYPES)), "unexpected content after last section"),
    "sections out of order": (
        (module(section(MEMORY, vec([])), TYPES), 8 + 3),
        "unexpected content after last section",
    ),
    "data count after code": (
        (module(section(CODE, vec([])), section(DATA_COUNT, u(0))), 8 + 3),
        "unexpected content after last section",
    ),
    "bytes after the types": (at(TYPE, vec([functype()]), b"\0"), "section size mismatch"),
    "bytes after the start": (at(START, u(0), b"\0", TYPES), "section size mismatch"),
    "a custom section without a name": ((HEADER + b"\0\0", 10), "unexpected end"),
    "a custom section with a name beyond it": ((HEADER + b"\0\2\x05a", 10), "unexpected end|length out of bounds"),
    "a custom section with a name that is not UTF-8": ((HEADER + b"\0\2\1\xff", 10), "malformed UTF-8 encoding"),
    "a type that is no function type": (at(TYPE, ONE_TYPE, b"\x70\0\0"), "."),
    "a parameter of no type": (at(TYPE, ONE_TYPE + b"\x60\1", b"\x01\0"), "malformed value type"),
    "a result of no type": (at(TYPE, ONE_TYPE + b"\x60\0\1", b"\x40"), "malformed value type"),
    "fewer types than counted": (at(TYPE, u(2) + functype(), b""), "unexpected end"),
    "an import of an unknown kind": (at(IMPORT, IMPORT_HEAD, b"\x7f\0"), "malformed import kind"),
    "an import with a module that is not UTF-8": (at(IMPORT, ONE_TYPE, b"\1\xff\1n\0\0"), "malformed UTF-8 encoding"),
    "an import with a name that is not UTF-8": (
        at(IMPORT, ONE_TYPE + b"\1m", b"\1\xc0\0\0"),
        "malformed UTF-8 encoding",
    ),
    "an import of a function of too long an index": (
        at(IMPORT, IMPORT_HEAD + b"\0", b"\x80\x80\x80\x80\x80\0", TYPES),
        "integer representation too long",
    ),
    "an imported global of odd mutability": (at(IMPORT, IMPORT_HEAD + b"\3\x7f", b"\2"), "malformed mutability"),
    "a table of numbers": (at(TABLE, ONE_TYPE, I32 + b"\0\0"), "malformed reference type"),
    "a table with odd limits": (at(TABLE, ONE_TYPE + FUNCREF, b"\x88\0"), "malformed limits flags|integer"),
    "a memory with odd limits": (at(MEMORY, ONE_TYPE, b"\x88\0"), "malformed limits flags|integer"),
    "a memory without a maximum": (at(MEMORY, ONE_TYPE + b"\1\1", b""), "unexpected end"),
    "a memory of too long a minimum": (
        at(MEMORY, ONE_TYPE + b"\0", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
        "integer representation too long",
    ),
    "a global of odd mutability": (at(GLOBAL, ONE_TYPE + I32, b"\2" + ZERO), "malformed mutability"),
    "a global of no type": (at(GLOBAL, ONE_TYPE, b"\x40\0" + ZERO), "malformed value type"),
    "a global without end": (at(GLOBAL, ONE_TYPE + I32 + b"\0\x41\0", b""), "unexpected end"),
    "an export of an unknown kind": (at(EXPORT, ONE_TYPE + name("e"), b"\x7f\0"), "malformed export kind"),
    "an export with a name that is not UTF-8": (at(EXPORT, ONE_TYPE, b"\1\xff\0\0"), "malformed UTF-8 encoding"),
    "an export without index": (at(EXPORT, ONE_TYPE + name("e") + b"\0", b""), "unexpected end"),
    "an element segment of an unknown form": (at(ELEMENT, ONE_TYPE, u(8)), "malformed element"),
    "an element segment of an unknown kind": (
        at(ELEMENT, ONE_TYPE + u(1), b"\1" + vec([])),
        "malformed element kind",
    ),
    "an element segment of numbers": (at(ELEMENT, ONE_TYPE + u(5), I32 + vec([])), "malformed reference type"),
    "an element segment of fewer functions than counted": (
        at(ELEMENT, ONE_TYPE + u(1) + b"\0", u(2) + u(0)),
        "unexpected end",
    ),
    "a data segment of an unknown form": (at(DATA, ONE_TYPE, u(3)), "malformed data segment"),
    "a data segment beyond its section": (
        at(DATA, ONE_TYPE + u(1) + u(7), b"abcdef"),
        "unexpected end|length out of bounds",
    ),
    "functions without code": (
        (module(TYPES, section(FUNCTION, vec([u(0)]))), 8 + len(TYPES) + 4),
        "function and code section have inconsistent lengths",
    ),
    "code without functions": (
        (module(section(CODE, vec([body(b"")]))), 8 + 6),
        "function and code section have inconsistent lengths",
    ),
    "a data count without data": (
        (module(section(DATA_COUNT, u(1))), 8 + 3),
        "data count and data section have inconsistent lengths",
    ),
    "data of another count": (
        (module(section(DATA_COUNT, u(2)), section(DATA, vec([u(1) + sized(b"")]))), 8 + 3 + 5),
        "data count and data section have inconsistent lengths",
    ),
    "a body beyond the code section": (
        at(CODE, u(1) + u(3), b"\0\x0b", TYPES, section(FUNCTION, vec([u(0)]))),
        "unexpected end|length out of bounds",
    ),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(what: str) -> None:
    (binary, offset), words = MALFORMED[what]
    with pytest.raises(DecodeError, match=words) as caught:
        decode_all(binary)
    assert caught.value.offset == offset
    assert f"0x{offset:x}" in str(caught.value)


def in_body(before: bytes, offending: bytes = b"") -> tuple[bytes, int]:
    """Make the offending bytes the end of a body, whose size says so."""
    prefix = module(TYPES, section(FUNCTION, vec([u(0)])))
    whole = section(CODE, vec([sized(before + offending)]))
    return prefix + whole, len(prefix) + len(whole) - len(offending)


NO_LOCALS = b"\0"
MALFORMED_BODIES = {
    "empty": (in_body(b""), "unexpected end"),
    "without end": (in_body(NO_LOCALS + b"\x01"), "unexpected end"),
    "with an open block": (in_body(NO_LOCALS + b"\x02\x40\x0b"), "unexpected end"),
    "with bytes after the end": (in_body(NO_LOCALS + b"\x0b", b"\x01"), "size mismatch|END opcode expected"),
    "with an end too many": (in_body(NO_LOCALS + b"\x0b", b"\x0b"), "size mismatch|END opcode expected"),
    "with fewer locals than counted": (in_body(b"\2\1" + I32), "unexpected end|malformed value type"),
    "with locals of no type": (in_body(b"\1\1", b"\x40\x0b"), "malformed value type"),
    "with 2**32 locals": (
        in_body(b"\2" + u(2**32 - 1) + I32 + u(1), I32 + b"\x0b"),
        "too many locals",
    ),
    "with an illegal opcode": (in_body(NO_LOCALS, b"\xff\x0b"), "illegal opcode"),
    "with an illegal prefixed opcode": (in_body(NO_LOCALS, b"\xfc\xff\x01\x0b"), "illegal opcode"),
    "with a prefix alone": (in_body(NO_LOCALS + b"\xfc"), "unexpected end"),
    "with else outside of if": (in_body(NO_LOCALS, b"\x05\x0b"), "else|END opcode expected"),
    "with else in a block": (in_body(NO_LOCALS + b"\x02\x40", b"\x05\x0b\x0b"), "else|END opcode expected"),
    "with else twice": (in_body(NO_LOCALS + b"\x41\0\x04\x40\x05", b"\x05\x0b\x0b"), "else|END opcode expected"),
    "with a negative block type": (in_body(NO_LOCALS + b"\x02", b"\x41\x0b\x0b"), "malformed block type|value type"),
    "with too long a block type": (
        in_body(NO_LOCALS + b"\x02", b"\x80\x80\x80\x80\x80\x00\x0b\x0b"),
        "integer representation too long",
    ),
    "with an alignment of 2**64": (in_body(NO_LOCALS + b"\x41\0\x28", b"\xc0\x01\0\x1a\x0b"), "malformed memop flags"),
    "with too large an i32": (in_body(NO_LOCALS + b"\x41", b"\xff\xff\xff\xff\x17\x1a\x0b"), "integer too large"),
    "with too long an i64": (
        in_body(NO_LOCALS + b"\x42", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x1a\x0b"),
        "integer representation too long",
    ),
    "with half an f32": (in_body(NO_LOCALS + b"\x43", b"\0\0"), "unexpected end|length out of bounds"),
    "with half an f64": (in_body(NO_LOCALS + b"\x44", b"\0\0\0\0\0\0\x0b"), "unexpected end|length out of bounds"),
    "with a branch table beyond the end": (in_body(NO_LOCALS + b"\x0e", u(9) + b"\0\0\x0b"), "unexpected end"),
    "with a select of no type": (in_body(NO_LOCALS + b"\x1c\1", b"\x40\x0b"), "malformed value type"),
    "with a null of a number": (in_body(NO_LOCALS + b"\xd0", b"\x7f\x1a\x0b"), "malformed"),
    "with memory.init but no data count": (in_body(NO_LOCALS, b"\xfc\x08\0\0\x0b"), "data count section required"),
    "with data.drop but no data count": (in_body(NO_LOCALS, b"\xfc\x09\0\x0b"), "data count section required"),
}


@pytest.mark.parametrize("what", MALFORMED_BODIES)
def test_malformed_bodies(what: str) -> None:
    (binary, offset), words = MALFORMED_BODIES[what]
    with pytest.raises(DecodeError, match=words) as caught:
        decode_all(binary)
    assert caught.value.offset == offset
    with pytest.raises(DecodeError) as again:
        validate_module(decode(binary))
    assert again.value.offset == offset


def test_the_instructions_of_a_body_are_not_looked_at_until_it_is_asked_for() -> None:
    (binary, _), _ = MALFORMED_BODIES["with half an f32"]
    (code,) = decode(binary).codes
    with pytest.raises(DecodeError):
        code.body()


def test_a_malformed_body_counts_even_where_another_part_is_invalid() -> None:
    binary = module(
        TYPES,
        section(FUNCTION, vec([u(0), u(0)])),
        section(EXPORT, vec([name("f") + b"\0" + u(9)])),
        section(CODE, vec([body(b"\x6a"), sized(b"\0\xff\x0b")])),
    )
    with pytest.raises(DecodeError, match="illegal opcode"):
        validate_module(decode(binary))


# -- laziness --


def test_bodies_are_decoded_when_they_are_asked_for() -> None:
    functions = 2000
    binary = module(
        TYPES,
        section(FUNCTION, vec([u(0)] * functions)),
        section(CODE, vec([body(b"\x01" * 1000)] * functions)),
    )
    tracemalloc.start()
    try:
        decoded = decode(binary)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(binary), "decoding took more than the code section's bytes"
    assert len(decoded.codes[functions - 1].body().expression.instructions) == 1001


def test_a_body_is_the_same_each_time() -> None:
    code = decode(everything()).codes[3]
    assert code.body() == code.body()


# -- cut and damaged modules --


def test_a_module_cut_at_any_byte_is_malformed_or_ends_with_a_section() -> None:
    binary = everything()
    ends = set(section_ends(binary))
    survivors = []
    for length in range(len(binary)):
        try:
            decode_all(binary[:length])
        except DecodeError as error:
            assert error.offset <= length
        else:
            survivors.append(length)
    assert survivors
    assert set(survivors) <= ends


def verdict(binary: bytes) -> None:
    """Decode and validate; no exception but the three that are promised may come out."""
    try:
        validate_module(decode(binary))
    except (DecodeError, ValidationError, LimitError) as error:
        assert str(error)


def test_every_byte_changed_in_turn() -> None:
    binary = everything()
    for index, byte in enumerate(binary):
        for value in {byte ^ 1, byte ^ 0x80, 0, 0x0B, 0x7F, 0xFF, byte + 1 & 0xFF} - {byte}:
            verdict(binary[:index] + bytes((value,)) + binary[index + 1 :])


@given(data=st.data())
def test_mutations(data: st.DataObject) -> None:
    binary = bytearray(everything())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(8, len(binary)))
        end = min(len(binary), start + data.draw(st.integers(0, 12)))
        match data.draw(st.sampled_from(["replace", "delete", "copy"])):
            case "replace":
                binary[start:end] = data.draw(st.binary(max_size=12))
            case "delete":
                del binary[start:end]
            case "copy":
                to = data.draw(st.integers(8, len(binary)))
                binary[to:to] = binary[start:end]
    verdict(bytes(binary))


@given(st.binary(max_size=60))
def test_noise(data: bytes) -> None:
    verdict(HEADER + data)
    verdict(one_function(data))


# -- limits --

HUGE = u(2**32 - 1)
CLAIMS = {
    "types": section(TYPE, HUGE + b"\x60"),
    "parameters": section(TYPE, u(1) + b"\x60" + HUGE),
    "imports": section(IMPORT, HUGE),
    "functions": section(FUNCTION, HUGE),
    "tables": section(TABLE, HUGE),
    "memories": section(MEMORY, HUGE),
    "globals": section(GLOBAL, HUGE),
    "exports": section(EXPORT, HUGE),
    "element segments": section(ELEMENT, HUGE),
    "elements": section(ELEMENT, u(1) + u(1) + b"\0" + HUGE),
    "data segments": section(DATA, HUGE),
    "data": section(DATA, u(1) + u(1) + HUGE),
    "bodies": section(CODE, HUGE),
    "a section": b"\x01" + HUGE,
    "a name": section(0, HUGE),
}
BODY_CLAIMS = {
    "runs of locals": HUGE,
    "locals": u(1) + HUGE + I32 + b"\x0b",
    "bytes": None,
    "labels": b"\0\x0e" + HUGE,
    "select types": b"\0\x1c" + HUGE,
}


def refused_cheaply(binary: bytes) -> None:
    assert len(binary) < 40
    tracemalloc.start()
    try:
        with pytest.raises((DecodeError, LimitError)):
            decode_all(binary)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize("what", CLAIMS)
def test_a_few_bytes_that_claim_a_lot_are_refused_at_once(what: str) -> None:
    refused_cheaply(module(CLAIMS[what]))


@pytest.mark.parametrize("what", BODY_CLAIMS)
def test_a_small_body_that_claims_a_lot_is_refused_at_once(what: str) -> None:
    contents = BODY_CLAIMS[what]
    entry = HUGE if contents is None else sized(contents)
    refused_cheaply(module(TYPES, section(FUNCTION, vec([u(0)])), section(CODE, u(1) + entry)))


def test_limits_name_themselves() -> None:
    three = module(section(TYPE, vec([functype()] * 3)))
    assert len(decode(three, limits=ModuleLimits(types=3)).types) == 3
    with pytest.raises(LimitError, match=r"3 types .* at most 2"):
        decode(three, limits=ModuleLimits(types=2))
    with pytest.raises(LimitError, match="at most 10"):
        decode(three, limits=ModuleLimits(module_bytes=10))


def test_locals_are_limited_in_total() -> None:
    binary = one_function_with_locals(3, 4)
    assert decode(binary, limits=ModuleLimits(locals=7)).codes[0].body().locals == ((3, NumType.I32), (4, NumType.I32))
    with pytest.raises(LimitError, match=r"7 .* at most 6"):
        decode(binary, limits=ModuleLimits(locals=6)).codes[0].body()


def one_function_with_locals(*counts: int) -> bytes:
    return module(
        TYPES, section(FUNCTION, vec([u(0)])), section(CODE, vec([body(b"", *[(count, I32) for count in counts])]))
    )


def test_nesting_is_limited() -> None:
    binary = one_function(b"\x02\x40" * 5 + b"\x0b" * 5)
    decode(binary, limits=ModuleLimits(nesting=5)).codes[0].body()
    with pytest.raises(LimitError, match="4 blocks"):
        decode(binary, limits=ModuleLimits(nesting=4)).codes[0].body()


def test_names_are_limited() -> None:
    with pytest.raises(LimitError, match="name of 9 bytes"):
        decode(module(custom("ninebytes")), limits=ModuleLimits(string_bytes=8))


def test_types_of_tables_and_memories_are_read_whole() -> None:
    found = decode(wat("(module (table 3 externref) (memory 2) (table 4 5 funcref))"))
    assert [str(it) for it in found.table_types()] == ["(table 3 externref)", "(table 4 5 funcref)"]
    assert found.memory_types() == [MemType(Limits(2))]
