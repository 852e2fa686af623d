"""Conversions against exact arithmetic, rounded once (specification, 4.3.4)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.operands import operands

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.numerics.operators import OPERATORS
from zenowasm.interp.types import F32, F64, I32, I64

FROM = {"f32": f32_from_bits, "f64": f64_from_bits}
OPERANDS = {"f32": operands(F32), "f64": operands(F64)}
WIDTH = {"f32": 32, "f64": 64}


def nearest_f32(number: Fraction) -> int:
    """Find the bits of the f32 nearest to a number by searching the ordered, non-negative patterns."""
    sign, number = (0x80000000, -number) if number < 0 else (0, number)
    low, high = 0, 0x7F800000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if Fraction(f32_from_bits(middle)) <= number else (low, middle)
    # The infinity rounds as the power of two that would come next.
    above = Fraction(f32_from_bits(high)) if high < 0x7F800000 else Fraction(2) ** 128
    below = Fraction(f32_from_bits(low))
    if number - below > above - number or (number - below == above - number and low & 1):
        return sign | high
    return sign | low


def floats(type_: str) -> st.SearchStrategy[int]:
    whole = st.integers(-(2**65), 2**65).map(
        lambda it: (f32_to_bits if type_ == "f32" else f64_to_bits)(as_float(type_, it))
    )
    return st.integers(0, 2 ** WIDTH[type_] - 1) | st.sampled_from(OPERANDS[type_]) | whole


def as_float(type_: str, number: int) -> float:
    return f32_from_bits(nearest_f32(Fraction(number))) if type_ == "f32" else float(number)


def result(mnemonic: str, argument: Any) -> Any:
    try:
        return OPERATORS[mnemonic](argument)
    except Trap as trap:
        return trap.code


@pytest.mark.parametrize("source", ["f32", "f64"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("sign", ["s", "u"])
@given(data=st.data())
def test_truncation(source: str, bits: int, sign: str, data: st.DataObject) -> None:
    number = FROM[source](data.draw(floats(source)))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "s" else (0, 2**bits - 1)
    trapping, saturating = f"i{bits}.trunc_{source}_{sign}", f"i{bits}.trunc_sat_{source}_{sign}"
    if number != number:
        assert result(trapping, number) is TrapCode.INVALID_CONVERSION_TO_INTEGER
        assert result(saturating, number) == 0
        return
    infinite = number in (float("inf"), float("-inf"))
    whole = (high + 1 if number > 0 else low - 1) if infinite else int(Fraction(number))
    if low <= whole <= high:
        assert result(trapping, number) == whole % 2**bits
    else:
        assert result(trapping, number) is TrapCode.INTEGER_OVERFLOW
    assert result(saturating, number) == max(low, min(whole, high)) % 2**bits


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("sign", ["s", "u"])
@given(data=st.data())
def test_integers_to_floats(bits: int, sign: str, data: st.DataObject) -> None:
    spread = st.tuples(st.integers(0, 2**bits - 1), st.integers(0, bits - 1)).map(lambda pair: pair[0] >> pair[1])
    value = data.draw(spread | st.sampled_from(operands(I32 if bits == 32 else I64)))
    number = value - 2**bits if sign == "s" and value >= 2 ** (bits - 1) else value
    assert f32_to_bits(result(f"f32.convert_i{bits}_{sign}", value)) == nearest_f32(Fraction(number))
    double = result(f"f64.convert_i{bits}_{sign}", value)
    # No double is nearer, and of two that are as near it is the even one: what Python says of a quotient of integers.
    assert double == number / 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0x4000004000000001, 0x5E800001),  # above a tie by less than a double can say
        (0x4000004000000000, 0x5E800000),  # a tie, down to even
        (0x400000C000000000, 0x5E800002),  # a tie, up to even
        (0x3FFFFFBFFFFFFFFF, 0x5E7FFFFF),  # below a tie by less than a double can say
        (0x7FFFFFBFFFFFFFFF, 0x5EFFFFFF),
        (0x7FFFFFC000000000, 0x5F000000),
        (0x0020000020000001, 0x5A000001),  # the case of the official suite
        (0xFFFFFFFFFFFFFFFF, 0xBF800000),
        (0xBFFFFFBFFFFFFFFF, 0xDE800001),
    ],
)
def test_i64_to_f32_rounds_once(number: int, expected: int) -> None:
    assert hex(f32_to_bits(result("f32.convert_i64_s", number))) == hex(expected)


@given(st.integers(23, 63), st.integers(0, 2**23 - 1), st.integers(-2, 2))
def test_i64_to_f32_around_every_tie(exponent: int, fraction: int, step: int) -> None:
    unit = Fraction(2) ** (exponent - 23)
    tie = int((2**23 + fraction) * unit + unit / 2) + step
    tie = max(0, min(tie, 2**64 - 1))
    assert f32_to_bits(result("f32.convert_i64_u", tie)) == nearest_f32(Fraction(tie))


@given(floats("f64"))
@example(0x47EFFFFFEFFFFFFF)
@example(0x47EFFFFFF0000000)
@example(0x3690000000000000)
@example(0x3690000000000001)
def test_demotion(bits: int) -> None:
    number = f64_from_bits(bits)
    found = f32_to_bits(result("f32.demote_f64", number))
    if number != number:
        assert found == 0x7FC00000
    elif number in (float("inf"), float("-inf")):
        assert found == bits >> 32 & 0x80000000 | 0x7F800000
    else:
        assert found == nearest_f32(Fraction(number)) | bits >> 32 & 0x80000000


@given(floats("f32"))
def test_promotion(bits: int) -> None:
    number = f32_from_bits(bits)
    found = result("f64.promote_f32", number)
    if number != number:
        assert f64_to_bits(found) == 0x7FF8000000000000
    else:
        assert f64_to_bits(found) == f64_to_bits(number)


@given(floats("f32"), floats("f64"))
def test_reinterpretation_keeps_the_bits(single: int, double: int) -> None:
    assert result("i32.reinterpret_f32", result("f32.reinterpret_i32", single)) == single
    assert result("i64.reinterpret_f64", result("f64.reinterpret_i64", double)) == double
