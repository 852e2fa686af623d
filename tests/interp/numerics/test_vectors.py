"""Vector operators against definitions lane by lane that share nothing with them but the meaning of a lane."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from struct import pack

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.numerics.operators import LANE_OPERATORS, OPERATORS

SHAPES = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64}


def lanes(vector: int, bits: int, *, signed: bool = False) -> list[int]:
    found = [vector >> shift & (1 << bits) - 1 for shift in range(0, 128, bits)]
    return [lane - (1 << bits) if signed and lane >= 1 << (bits - 1) else lane for lane in found]


def vector(values: Sequence[int], bits: int) -> int:
    return sum((value & (1 << bits) - 1) << index * bits for index, value in enumerate(values))


def floats(code: str, *values: float) -> int:
    return int.from_bytes(pack(f"<{len(values)}{code}", *values), "little")


def clamp(value: int, bits: int, signed: bool) -> int:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return low if value < low else high if value > high else value


# Lanes at the ends of their ranges more often than chance would have them.
VECTORS = st.one_of(
    st.integers(0, (1 << 128) - 1),
    *[
        st.lists(
            st.sampled_from([0, 1, 2, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << (bits - 1)) + 1]),
            min_size=128 // bits,
            max_size=128 // bits,
        ).map(lambda values, bits=bits: vector(values, bits))
        for bits in SHAPES.values()
    ],
)


def both(name: str) -> list[tuple[str, bool]]:
    return [(f"{name}_s", True), (f"{name}_u", False)]


LANEWISE: dict[str, tuple[bool, Callable[[int, int, int], int]]] = {
    "add": (False, lambda a, b, bits: a + b),
    "sub": (False, lambda a, b, bits: a - b),
    "mul": (False, lambda a, b, bits: a * b),
    "eq": (False, lambda a, b, bits: -1 if a == b else 0),
    "ne": (False, lambda a, b, bits: -1 if a != b else 0),
    "avgr_u": (False, lambda a, b, bits: (a + b + 1) // 2),
    "q15mulr_sat_s": (True, lambda a, b, bits: clamp((a * b + 2**14) >> 15, 16, True)),
    "relaxed_q15mulr_s": (True, lambda a, b, bits: clamp((a * b + 2**14) >> 15, 16, True)),
}
for _signed, _suffix in ((True, "s"), (False, "u")):
    LANEWISE |= {
        f"lt_{_suffix}": (_signed, lambda a, b, bits: -1 if a < b else 0),
        f"gt_{_suffix}": (_signed, lambda a, b, bits: -1 if a > b else 0),
        f"le_{_suffix}": (_signed, lambda a, b, bits: 0 if a > b else -1),
        f"ge_{_suffix}": (_signed, lambda a, b, bits: 0 if a < b else -1),
        f"min_{_suffix}": (_signed, lambda a, b, bits: a if a < b else b),
        f"max_{_suffix}": (_signed, lambda a, b, bits: b if a < b else a),
        f"add_sat_{_suffix}": (_signed, lambda a, b, bits, signed=_signed: clamp(a + b, bits, signed)),
        f"sub_sat_{_suffix}": (_signed, lambda a, b, bits, signed=_signed: clamp(a - b, bits, signed)),
    }
BINARY = [(shape, name) for shape in SHAPES for name in LANEWISE if f"{shape}.{name}" in OPERATORS]


@pytest.mark.parametrize(("shape", "name"), BINARY)
@given(a=VECTORS, b=VECTORS)
def test_binary(shape: str, name: str, a: int, b: int) -> None:
    bits = SHAPES[shape]
    signed, definition = LANEWISE[name]
    pairs = zip(lanes(a, bits, signed=signed), lanes(b, bits, signed=signed), strict=True)
    assert OPERATORS[f"{shape}.{name}"](a, b) == vector([definition(x, y, bits) for x, y in pairs], bits)


@pytest.mark.parametrize("shape", SHAPES)
@given(a=VECTORS, count=st.integers(0, (1 << 32) - 1))
def test_unary_and_shifts(shape: str, a: int, count: int) -> None:
    bits = SHAPES[shape]
    unsigned, signed = lanes(a, bits), lanes(a, bits, signed=True)
    by = count % bits
    assert OPERATORS[f"{shape}.abs"](a) == vector([abs(x) for x in signed], bits)
    assert OPERATORS[f"{shape}.neg"](a) == vector([-x for x in signed], bits)
    assert OPERATORS[f"{shape}.shl"](a, count) == vector([x * 2**by for x in unsigned], bits)
    assert OPERATORS[f"{shape}.shr_u"](a, count) == vector([x // 2**by for x in unsigned], bits)
    assert OPERATORS[f"{shape}.shr_s"](a, count) == vector([x // 2**by for x in signed], bits)
    assert OPERATORS[f"{shape}.all_true"](a) == (0 not in unsigned)
    assert OPERATORS[f"{shape}.bitmask"](a) == int("".join("01"[x < 0] for x in reversed(signed)), 2)


@pytest.mark.parametrize("bits", [8, 16, 32])
@given(a=VECTORS, b=VECTORS)
def test_widening(bits: int, a: int, b: int) -> None:
    narrow, wide = f"i{bits}x{128 // bits}", f"i{2 * bits}x{64 // bits}"
    half = 64 // bits
    for suffix, signed in both(""):
        x, y = lanes(a, bits, signed=signed), lanes(b, bits, signed=signed)
        for place, part in (("low", slice(half)), ("high", slice(half, None))):
            products = [p * q for p, q in zip(x[part], y[part], strict=True)]
            assert OPERATORS[f"{wide}.extend_{place}_{narrow}{suffix}"](a) == vector(x[part], 2 * bits)
            assert OPERATORS[f"{wide}.extmul_{place}_{narrow}{suffix}"](a, b) == vector(products, 2 * bits)
        if bits < 32:
            sums = [x[i] + x[i + 1] for i in range(0, len(x), 2)]
            assert OPERATORS[f"{wide}.extadd_pairwise_{narrow}{suffix}"](a) == vector(sums, 2 * bits)
            wide_lanes = lanes(a, 2 * bits, signed=True) + lanes(b, 2 * bits, signed=True)
            clamped = [clamp(value, bits, signed) for value in wide_lanes]
            assert OPERATORS[f"{narrow}.narrow_{wide}{suffix}"](a, b) == vector(clamped, bits)


@given(a=VECTORS, b=VECTORS, c=VECTORS)
# Twice -128 * -128 saturates. (wasmtime wraps it: right with unsigned second lanes, outside of the profile.)
@example(int("80" * 16, 16), int("80" * 16, 16), (1 << 128) - 1)
@example(int("8000" * 8, 16), int("8000" * 8, 16), 0)
def test_dot_products(a: int, b: int, c: int) -> None:
    x, y = lanes(a, 16, signed=True), lanes(b, 16, signed=True)
    dot = [x[i] * y[i] + x[i + 1] * y[i + 1] for i in range(0, 8, 2)]
    assert OPERATORS["i32x4.dot_i16x8_s"](a, b) == vector(dot, 32)
    x, y = lanes(a, 8, signed=True), lanes(b, 8, signed=True)
    relaxed = [clamp(x[i] * y[i] + x[i + 1] * y[i + 1], 16, True) for i in range(0, 16, 2)]
    assert OPERATORS["i16x8.relaxed_dot_i8x16_i7x16_s"](a, b) == vector(relaxed, 16)
    sums = [relaxed[2 * i] + relaxed[2 * i + 1] + z for i, z in enumerate(lanes(c, 32))]
    assert OPERATORS["i32x4.relaxed_dot_i8x16_i7x16_add_s"](a, b, c) == vector(sums, 32)


@given(a=VECTORS, b=VECTORS, mask=VECTORS)
def test_bits_and_bytes(a: int, b: int, mask: int) -> None:
    selected = int(
        "".join(x if m == "1" else y for x, y, m in zip(*[f"{it:0128b}" for it in (a, b, mask)], strict=True)), 2
    )
    for name in ("v128.bitselect", "i8x16.relaxed_laneselect", "i64x2.relaxed_laneselect"):
        assert OPERATORS[name](a, b, mask) == selected
    assert OPERATORS["v128.andnot"](a, b) == a & (b ^ (1 << 128) - 1)
    assert OPERATORS["v128.not"](OPERATORS["v128.xor"](a, b)) == OPERATORS["v128.xor"](OPERATORS["v128.not"](a), b)
    assert OPERATORS["v128.any_true"](a) == (a != 0)
    assert OPERATORS["i8x16.popcnt"](a) == vector([f"{x:b}".count("1") for x in lanes(a, 8)], 8)
    table = lanes(a, 8)
    swizzled = vector([table[i] if i < 16 else 0 for i in lanes(b, 8)], 8)
    assert OPERATORS["i8x16.swizzle"](a, b) == OPERATORS["i8x16.relaxed_swizzle"](a, b) == swizzled
    indexes = tuple(i % 32 for i in lanes(mask, 8))
    both_tables = lanes(a, 8) + lanes(b, 8)
    assert LANE_OPERATORS["i8x16.shuffle"](indexes)(a, b) == vector([both_tables[i] for i in indexes], 8)


@pytest.mark.parametrize("shape", SHAPES)
@given(a=VECTORS, value=st.integers(0, (1 << 64) - 1), data=st.data())
def test_lanes(shape: str, a: int, value: int, data: st.DataObject) -> None:
    bits = SHAPES[shape]
    value &= (1 << max(bits, 32)) - 1
    lane = data.draw(st.integers(0, 128 // bits - 1))
    expected = lanes(a, bits)
    if bits < 32:
        assert LANE_OPERATORS[f"{shape}.extract_lane_u"](lane)(a) == expected[lane]
        assert LANE_OPERATORS[f"{shape}.extract_lane_s"](lane)(a) == lanes(a, bits, signed=True)[lane] & 0xFFFFFFFF
    else:
        assert LANE_OPERATORS[f"{shape}.extract_lane"](lane)(a) == expected[lane]
    assert OPERATORS[f"{shape}.splat"](value) == vector([value] * (128 // bits), bits)
    expected[lane] = value
    assert LANE_OPERATORS[f"{shape}.replace_lane"](lane)(a, value) == vector(expected, bits)


SIGNALLING_32, SIGNALLING_64 = 0xFF812345, 0x7FF0000000000001


def test_what_moves_floats_keeps_their_payloads() -> None:
    single, double = f32_from_bits(SIGNALLING_32), f64_from_bits(SIGNALLING_64)
    assert OPERATORS["f32x4.splat"](single) == vector([SIGNALLING_32] * 4, 32)
    assert OPERATORS["f64x2.splat"](double) == vector([SIGNALLING_64] * 2, 64)
    at = vector([SIGNALLING_32, 0, SIGNALLING_32, 0], 32)
    assert LANE_OPERATORS["f32x4.replace_lane"](2)(SIGNALLING_32, single) == at
    assert f32_to_bits(LANE_OPERATORS["f32x4.extract_lane"](2)(at)) == SIGNALLING_32
    assert f64_to_bits(LANE_OPERATORS["f64x2.extract_lane"](1)(SIGNALLING_64 << 64)) == SIGNALLING_64
    assert OPERATORS["f32x4.abs"](at) == at & ~(0x80000000 << 64 | 0x80000000)
    assert OPERATORS["f64x2.neg"](SIGNALLING_64) == (1 << 127 | 1 << 63) ^ SIGNALLING_64


@pytest.mark.parametrize("name", ["pmin", "pmax"])
def test_pseudo_extremes_are_comparisons(name: str) -> None:
    # Neither operand is less where one is a NaN, nor of two zeros: the first one is the result, as it is.
    first, second = (
        vector([SIGNALLING_32, 0x3F800000, 0, 1 << 31], 32),
        vector([0x3F800000, SIGNALLING_32, 1 << 31, 0], 32),
    )
    assert OPERATORS[f"f32x4.{name}"](first, second) == first
    one, two = floats("d", 1.0, 2.0), floats("d", 2.0, 1.0)
    assert OPERATORS[f"f64x2.{name}"](one, two) == floats("d", *([1.0, 1.0] if name == "pmin" else [2.0, 2.0]))


def test_arithmetic_makes_canonical_nans() -> None:
    canonical = vector([0x7FC00000] * 4, 32)
    signalling = vector([SIGNALLING_32] * 4, 32)
    for name in ("add", "sub", "mul", "div", "min", "max", "relaxed_min", "relaxed_max"):
        assert OPERATORS[f"f32x4.{name}"](signalling, 0) == canonical, name
    for name in ("sqrt", "ceil", "floor", "trunc", "nearest"):
        assert OPERATORS[f"f32x4.{name}"](signalling) == canonical, name
    assert OPERATORS["f64x2.promote_low_f32x4"](signalling) == vector([0x7FF8000000000000] * 2, 64)
    assert OPERATORS["f32x4.demote_f64x2_zero"](vector([SIGNALLING_64] * 2, 64)) == vector([0x7FC00000] * 2, 32)
    assert OPERATORS["f32x4.relaxed_nmadd"](0, 0, signalling) == canonical


def test_comparisons_of_floats() -> None:
    a, b = floats("f", 1.0, -0.0, math.nan, 2.0), floats("f", 2.0, 0.0, math.nan, 1.0)
    expected = {
        "eq": [0, -1, 0, 0],
        "ne": [-1, 0, -1, -1],
        "lt": [-1, 0, 0, 0],
        "le": [-1, -1, 0, 0],
        "gt": [0, 0, 0, -1],
        "ge": [0, -1, 0, -1],
    }
    for name, result in expected.items():
        assert OPERATORS[f"f32x4.{name}"](a, b) == vector(result, 32), name


def test_conversions() -> None:
    high = 0x0123456789ABCDEF << 64
    assert OPERATORS["f32x4.convert_i32x4_s"](vector([-1, 1, 2**31, 0x01000001], 32)) == floats(
        "f", -1, 1, -(2**31), 2**24
    )
    assert OPERATORS["f64x2.convert_low_i32x4_u"](high | 0xFFFFFFFF) == floats("d", 4294967295.0, 0.0)
    assert OPERATORS["f64x2.promote_low_f32x4"](high | floats("f", 1.5, -2.0)) == floats("d", 1.5, -2.0)
    # What is written in the low half has zeros above.
    assert OPERATORS["f32x4.demote_f64x2_zero"](floats("d", 1e300, -1.5)) == floats("f", math.inf, -1.5, 0, 0)
    for prefix in ("trunc_sat", "relaxed_trunc"):
        ends = OPERATORS[f"i32x4.{prefix}_f64x2_s_zero"](floats("d", math.nan, -3e9))
        assert ends == vector([0, 2**31, 0, 0], 32)
        ends = OPERATORS[f"i32x4.{prefix}_f32x4_u"](floats("f", -1.5, 5e9, 3.9, math.nan))
        assert ends == vector([0, 2**32 - 1, 3, 0], 32)


def test_multiply_add_rounds_twice() -> None:
    """The deterministic profile's choice, where a fused operation would give 2**-37 and a large finite number."""
    x, y, z = 1 + 2**-22, 1 + 2**-15, -(1 + 2**-15 + 2**-22)
    assert OPERATORS["f32x4.relaxed_madd"](*[floats("f", *[it] * 4) for it in (x, y, z)]) == 0
    assert OPERATORS["f32x4.relaxed_nmadd"](*[floats("f", *[it] * 4) for it in (-x, y, z)]) == 0
    big = 1.7976931348623157e308
    assert OPERATORS["f64x2.relaxed_madd"](*[floats("d", it, it) for it in (big, 2.0, -big)]) == floats(
        "d", math.inf, math.inf
    )
