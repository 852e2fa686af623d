"""The binary format of instructions (specification, 5.4) beyond what the table tests of every row show."""

from __future__ import annotations

import pytest
from support.rows import key, row_test
from support.wasm import one_function, s, u, wat

from zenowasm.interp.binary import decode
from zenowasm.interp.binary.instructions import _entries
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.instructions import TABLE, Opcode
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.validation import validate_module

ALL = ~Feature.MVP
GATED = [pytest.param(row, id=key(row)) for row in TABLE.rows if row.feature]


def instructions(code: bytes) -> list[tuple[str, tuple[object, ...]]]:
    """Decode a body of a module; return mnemonics with immediates."""
    found = decode(one_function(code)).codes[0].body().expression.instructions
    return [(it.opcode.mnemonic, it.immediates) for it in found]


@pytest.mark.parametrize("row", GATED)
def test_a_row_is_unknown_without_its_proposal(row: Opcode) -> None:
    written = row_test(row)
    assert written is not None
    binary = wat(written.valid[0])
    validate_module(decode(binary, ALL))
    with pytest.raises(DecodeError, match="illegal opcode"):
        for code in decode(binary, ALL & ~row.feature).codes:
            code.body()


def test_the_error_names_the_proposal() -> None:
    extend8 = one_function(b"\x41\0\xc0\x1a")
    with pytest.raises(DecodeError, match=r"i32\.extend8_s needs SIGN_EXTENSION"):
        decode(extend8, ALL & ~Feature.SIGN_EXTENSION).codes[0].body()


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, -64, -65, 2**31 - 1, -(2**31)])
def test_integer_constants(value: int) -> None:
    assert instructions(b"\x41" + s(value))[0] == ("i32.const", (value & 0xFFFFFFFF,))
    assert instructions(b"\x42" + s(value << 32))[0] == ("i64.const", ((value << 32) & (2**64 - 1),))


@pytest.mark.parametrize("bits", [0x00000000, 0x80000000, 0x7F800001, 0xFFA12345, 0x7FC00000, 0x3F800000, 0x00000001])
def test_float_constants_keep_their_bits(bits: int) -> None:
    ((_, (single,)), *_) = instructions(b"\x43" + bits.to_bytes(4, "little"))
    assert f32_to_bits(single) == bits  # type: ignore[arg-type]
    wide = bits << 32 | 1
    ((_, (double,)), *_) = instructions(b"\x44" + wide.to_bytes(8, "little"))
    assert f64_to_bits(double) == wide  # type: ignore[arg-type]


def test_what_occurs_again_is_the_same_object() -> None:
    code = b"\x41\x05\x1a\x20\x00\x1a\x41\x00\x28\x02\x04\x1a" * 2 + b"\x41\x85\x00\x1a"
    found = decode(one_function(code, b"\x7f")).codes[0].body().expression.instructions
    assert all(one is other for one, other in zip(found[:7], found[7:14], strict=True))
    assert found[14] == found[0]
    assert found[14] is not found[0]
    assert decode(one_function(code, b"\x7f")).codes[0].body().expression.instructions[5] is found[5]


def test_few_instructions_of_a_row_are_remembered() -> None:
    places = [(align, offset) for align in range(8) for offset in range(128)]
    code = b"".join(b"\x41\x00\x2d" + bytes(place) + b"\x1a" for place in places)
    for _ in range(2):
        loads = [it[0] for mnemonic, it in instructions(code) if mnemonic == "i32.load8_u"]
        assert [(it.align, it.offset) for it in loads] == places
    primary, _ = _entries(WASM_3)
    remembered = primary[0x2D]
    assert remembered is not None
    assert len(remembered.short) == 256


def test_a_data_count_is_required_also_of_what_was_read_before() -> None:
    text = '(module (memory 1) (data "a") (func (memory.init 0 0 (i32.const 0) (i32.const 0) (i32.const 0))))'
    binary = wat(text)
    counted = b"\x0c\x01\x01"
    assert binary.count(counted) == 1
    decode(binary).codes[0].body()
    with pytest.raises(DecodeError, match="data count section required"):
        decode(binary.replace(counted, b"")).codes[0].body()


def test_prefixed_opcodes_may_be_padded() -> None:
    padded = b"\x43" + bytes(4) + b"\xfc\x80\x80\x00\x1a"
    assert instructions(padded)[1] == ("i32.trunc_sat_f32_s", ())


def test_memory_arguments() -> None:
    ((_, _), (mnemonic, (argument,)), *_) = instructions(b"\x41\0\x29\x03" + u(2**32 - 1) + b"\x1a")
    assert mnemonic == "i64.load"
    assert argument == (3, 2**32 - 1, 0)


def test_vectors_of_immediates() -> None:
    found = instructions(b"\x02\x40\x02\x40\x41\0\x0e\x02\x00\x01\x00\x0b\x0b")
    assert ("br_table", ((0, 1), 0)) in found


def test_deep_nesting_takes_no_recursion() -> None:
    depth = 100_000
    found = decode(one_function(b"\x02\x40" * depth + b"\x0b" * depth)).codes[0].body().expression.instructions
    assert len(found) == 2 * depth + 1
