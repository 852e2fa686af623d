"""Numbers as text: exact in both directions, and strict."""

from __future__ import annotations

import math
import random

import pytest
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.text.values import exact_text, parse_number, readable_text, signed
from zenowasm.interp.types import F32, F64, I32, I64

EDGES_32 = [
    0,
    1,
    0x7FFFFF,
    0x800000,
    0x3F800000,
    0x7F7FFFFF,
    0x7F800000,
    0x7F800001,
    0x7FA00000,
    0x7FC00000,
    0x7FFFFFFF,
]
EDGES_64 = [0, 1, 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000]
EDGES_64 += [0x7FF0000000000001, 0x7FF4000000000000, 0x7FF8000000000000, 0x7FFFFFFFFFFFFFFF]


def _patterns(bits: int, edges: list[int]) -> list[int]:
    source = random.Random(bits)
    negative = [edge | 1 << (bits - 1) for edge in edges]
    return edges + negative + [source.getrandbits(bits) for _ in range(300)]


@pytest.mark.parametrize("text", [exact_text, readable_text])
def test_every_f32_comes_back_with_the_same_bits(text) -> None:
    for bits in _patterns(32, EDGES_32):
        assert f32_to_bits(parse_number(F32, text(F32, f32_from_bits(bits)))) == bits, hex(bits)


@pytest.mark.parametrize("text", [exact_text, readable_text])
def test_every_f64_comes_back_with_the_same_bits(text) -> None:
    for bits in _patterns(64, EDGES_64):
        assert f64_to_bits(parse_number(F64, text(F64, f64_from_bits(bits)))) == bits, hex(bits)


def test_floats_mean_the_same_to_another_parser_of_the_text_format() -> None:
    for bits in _patterns(32, EDGES_32):
        module = decode(wat(f"(module (func f32.const {exact_text(F32, f32_from_bits(bits))} drop))"))
        (value,) = module.codes[0].body().expression.instructions[0].immediates
        assert f32_to_bits(value) == bits, hex(bits)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (I32, "0", 0),
        (I32, "+7", 7),
        (I32, "-1", 0xFFFFFFFF),
        (I32, "-0x80000000", 0x80000000),
        (I32, "4294967295", 0xFFFFFFFF),
        (I32, "1_000", 1000),
        (I64, "0xffff_ffff_ffff_ffff", 2**64 - 1),
        (I64, "-9223372036854775808", 2**63),
        (F64, "1.5", 1.5),
        (F64, "1.", 1.0),
        (F64, "0x1.8p1", 3.0),
        (F64, "0x1.8p-1_0", 1.5 * 2**-10),
        (F64, "-inf", -math.inf),
        (F64, "1e-400", 0.0),
        (F32, "0.1", 0.10000000149011612),
    ],
)
def test_numbers_are_read(type_, text, value) -> None:
    assert parse_number(type_, text) == value


@pytest.mark.parametrize("type_", [I32, I64, F32, F64])
@pytest.mark.parametrize("text", ["", "x", "1x", "0x", "_1", "1__0", "--1", " 1", "1 ", "٣", "1" * 401, "0b1", "nan:1"])
def test_what_is_no_number_is_refused(type_, text) -> None:
    with pytest.raises(ValueError, match=str(type_)):
        parse_number(type_, text)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (I32, "4294967296"),
        (I32, "-2147483649"),
        (I64, "0x10000000000000000"),
        (F32, "1e39"),
        (F64, "1e309"),
        (F64, "0x1p1024"),
        (F32, "nan:0x800000"),
        (F32, "nan:0x0"),
        (F64, "nan:0x10000000000000"),
        (I32, "1.0"),
        (I32, "nan"),
    ],
)
def test_what_does_not_fit_is_refused(type_, text) -> None:
    with pytest.raises(ValueError, match=str(type_)):
        parse_number(type_, text)


def test_integers_are_shown_signed() -> None:
    assert exact_text(I32, 0xFFFFFFFF) == readable_text(I32, 0xFFFFFFFF) == "-1"
    assert signed(I64, 2**63) == -(2**63)
    assert signed(I64, 2**63 - 1) == 2**63 - 1


def test_the_two_forms_of_a_float() -> None:
    assert exact_text(F64, 3.0) == "0x1.8p+1"
    assert readable_text(F64, 3.0) == "3.0"
    assert exact_text(F64, -0.0) == "-0x0p+0"
    assert exact_text(F32, f32_from_bits(0xFFA00000)) == "-nan:0x200000"
    assert exact_text(F32, f32_from_bits(0x7FC00000)) == "nan"
