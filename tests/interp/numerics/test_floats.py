"""Float operators against exact arithmetic on fractions, rounded once (specification, 4.3.3)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from math import floor, isqrt
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.operands import operands

from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.numerics.operators import OPERATORS
from zenowasm.interp.types import F32, F64


class Format:
    """A binary interchange format of IEEE 754, by its numbers of bits."""

    def __init__(self, exponent: int, fraction: int) -> None:
        self.exponent, self.fraction = exponent, fraction
        self.bits = 1 + exponent + fraction
        self.bias = (1 << (exponent - 1)) - 1
        self.infinity = ((1 << exponent) - 1) << fraction
        self.nan = self.infinity | 1 << (fraction - 1)
        self.sign = 1 << (self.bits - 1)

    def is_nan(self, bits: int) -> bool:
        return bits & ~self.sign > self.infinity

    def is_infinite(self, bits: int) -> bool:
        return bits & ~self.sign == self.infinity

    def exact(self, bits: int) -> Fraction:
        """Return the number that finite bits stand for."""
        exponent = bits >> self.fraction & (1 << self.exponent) - 1
        digits = bits & (1 << self.fraction) - 1
        if exponent:
            digits |= 1 << self.fraction
        else:
            exponent = 1
        number = Fraction(digits) * Fraction(2) ** (exponent - self.bias - self.fraction)
        return -number if bits & self.sign else number

    def rounded(self, number: Fraction, *, negative_zero: bool = False) -> int:
        """Round a number to the nearest value, ties to even, in one step."""
        if number == 0:
            return self.sign if negative_zero else 0
        sign, number = (self.sign, -number) if number < 0 else (0, number)
        exponent = number.numerator.bit_length() - number.denominator.bit_length()
        if Fraction(2) ** exponent > number:
            exponent -= 1
        unit = Fraction(2) ** (max(exponent, 1 - self.bias) - self.fraction)
        digits = nearest_even(number / unit)
        # The digits' carry into the exponent is how the format counts.
        biased = max(exponent + self.bias, 1)
        bits = (biased - 1 << self.fraction) + digits if digits >= 1 << self.fraction or biased > 1 else digits
        return sign | min(bits, self.infinity)

    def root(self, number: Fraction) -> int:
        """Round a square root."""
        # Enough digits that what is cut off decides no tie, with a sticky bit.
        shift = 4 * (self.bias + self.fraction)
        scaled = floor(number * Fraction(4) ** shift)
        digits = isqrt(scaled)
        exactly = digits * digits == scaled and scaled == number * Fraction(4) ** shift
        return self.rounded(Fraction(2 * digits + (0 if exactly else 1), 2) / Fraction(2) ** shift)


def nearest_even(number: Fraction) -> int:
    below = floor(number)
    rest = number - below
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2):
        return below + 1
    return below


SINGLE, DOUBLE = Format(8, 23), Format(11, 52)
FORMATS = {"f32": SINGLE, "f64": DOUBLE}
TO = {"f32": f32_to_bits, "f64": f64_to_bits}
FROM = {"f32": f32_from_bits, "f64": f64_from_bits}


def patterns(type_: str) -> st.SearchStrategy[int]:
    return st.integers(0, 2 ** FORMATS[type_].bits - 1) | st.sampled_from(operands(F32 if type_ == "f32" else F64))


def run(type_: str, name: str, *arguments: int) -> Any:
    """Apply an operator to bits; return bits, or the number of a comparison."""
    found = OPERATORS[f"{type_}.{name}"](*[FROM[type_](bits) for bits in arguments])
    return found if isinstance(found, int) else TO[type_](found)


def arithmetic(form: Format, name: str, a: int, b: int) -> int:
    """Do what the specification says of fadd, fsub, fmul and fdiv."""
    if form.is_nan(a) or form.is_nan(b):
        return form.nan
    if name == "sub":
        return arithmetic(form, "add", a, b ^ form.sign)
    sign = (a ^ b) & form.sign
    zero_a, zero_b = not a & ~form.sign, not b & ~form.sign
    if name == "add":
        if form.is_infinite(a) or form.is_infinite(b):
            if form.is_infinite(a) and form.is_infinite(b) and sign:
                return form.nan
            return a if form.is_infinite(a) else b
        return form.rounded(form.exact(a) + form.exact(b), negative_zero=bool(a & b & form.sign) and zero_a and zero_b)
    if name == "mul":
        if form.is_infinite(a) or form.is_infinite(b):
            return form.nan if zero_a or zero_b else sign | form.infinity
        product = form.exact(a) * form.exact(b)
        return form.rounded(product) or sign if product else sign
    if form.is_infinite(a):
        return form.nan if form.is_infinite(b) else sign | form.infinity
    if form.is_infinite(b):
        return sign
    if zero_b:
        return form.nan if zero_a else sign | form.infinity
    quotient = form.exact(a) / form.exact(b)
    return form.rounded(quotient) if quotient else sign


def order(form: Format, bits: int) -> Fraction:
    """Map all but NaNs into the order of numbers, with both zeros on one point."""
    if form.is_infinite(bits):
        return Fraction(-1 if bits & form.sign else 1) * Fraction(2) ** (2 * form.bias)
    return form.exact(bits)


def extreme(form: Format, name: str, a: int, b: int) -> int:
    if form.is_nan(a) or form.is_nan(b):
        return form.nan
    if order(form, a) == order(form, b):
        return a | b if name == "min" else a & b  # the zeros differ in their signs, equal numbers in nothing
    first_is_less = order(form, a) < order(form, b)
    return a if first_is_less == (name == "min") else b


def integral(form: Format, name: str, a: int) -> int:
    if form.is_nan(a):
        return form.nan
    if form.is_infinite(a):
        return a
    number = form.exact(a)
    whole = {
        "floor": lambda: floor(number),
        "ceil": lambda: -floor(-number),
        "trunc": lambda: int(number),
        "nearest": lambda: nearest_even(number),
    }[name]()
    return form.rounded(Fraction(whole), negative_zero=bool(a & form.sign))


COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
}


@pytest.mark.parametrize("type_", FORMATS)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
@given(data=st.data())
def test_arithmetic(type_: str, name: str, data: st.DataObject) -> None:
    a, b = data.draw(patterns(type_)), data.draw(patterns(type_))
    assert run(type_, name, a, b) == arithmetic(FORMATS[type_], name, a, b), (hex(a), hex(b))


@given(a=patterns("f32"), scale=st.integers(-30, 30))
def test_f32_arithmetic_near_each_other_rounds_once(a: int, scale: int) -> None:
    b = max(0, min((a & 0x7FFFFFFF) + (scale << 23) ^ scale & 7, 0x7F800000))
    for name in ("add", "sub", "mul", "div"):
        assert run("f32", name, a, b) == arithmetic(SINGLE, name, a, b), (name, hex(a), hex(b))


@pytest.mark.parametrize("type_", FORMATS)
@pytest.mark.parametrize("name", ["min", "max"])
@given(data=st.data())
def test_extremes(type_: str, name: str, data: st.DataObject) -> None:
    a, b = data.draw(patterns(type_)), data.draw(patterns(type_))
    assert run(type_, name, a, b) == extreme(FORMATS[type_], name, a, b), (hex(a), hex(b))


@pytest.mark.parametrize("type_", FORMATS)
def test_the_zeros_have_an_order(type_: str) -> None:
    minus = FORMATS[type_].sign
    for a, b in ((0, minus), (minus, 0)):
        assert run(type_, "min", a, b) == minus
        assert run(type_, "max", a, b) == 0
    assert run(type_, "max", minus, minus) == minus
    assert run(type_, "min", 0, 0) == 0
    assert run(type_, "eq", 0, minus) == 1


@pytest.mark.parametrize("type_", FORMATS)
@pytest.mark.parametrize("name", ["ceil", "floor", "trunc", "nearest"])
@given(data=st.data())
def test_rounding_to_integers(type_: str, name: str, data: st.DataObject) -> None:
    a = data.draw(patterns(type_))
    assert run(type_, name, a) == integral(FORMATS[type_], name, a), hex(a)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.5, 0.0),
        (1.5, 2.0),
        (2.5, 2.0),
        (-0.5, -0.0),
        (-2.5, -2.0),
        (-3.5, -4.0),
        (0.49999999999999994, 0.0),
        (4503599627370495.5, 4503599627370496.0),
    ],
)
def test_nearest_takes_ties_to_even(number: float, expected: float) -> None:
    found = OPERATORS["f64.nearest"](number)
    assert f64_to_bits(found) == f64_to_bits(expected)


@pytest.mark.parametrize("type_", FORMATS)
@given(data=st.data())
def test_square_roots(type_: str, data: st.DataObject) -> None:
    form, a = FORMATS[type_], data.draw(patterns(type_))
    if form.is_nan(a) or (a & form.sign and a != form.sign):
        expected = form.nan
    elif form.is_infinite(a) or not a & ~form.sign:
        expected = a
    else:
        expected = form.root(form.exact(a))
    assert run(type_, "sqrt", a) == expected, hex(a)


@pytest.mark.parametrize("type_", FORMATS)
@given(data=st.data())
def test_signs_are_bits_also_of_nans(type_: str, data: st.DataObject) -> None:
    form, a, b = FORMATS[type_], data.draw(patterns(type_)), data.draw(patterns(type_))
    assert run(type_, "abs", a) == a & ~form.sign
    assert run(type_, "neg", a) == a ^ form.sign
    assert run(type_, "copysign", a, b) == a & ~form.sign | b & form.sign


@pytest.mark.parametrize("type_", FORMATS)
@pytest.mark.parametrize("name", COMPARISONS)
@given(data=st.data())
def test_comparisons(type_: str, name: str, data: st.DataObject) -> None:
    form, a, b = FORMATS[type_], data.draw(patterns(type_)), data.draw(patterns(type_))
    if form.is_nan(a) or form.is_nan(b):
        expected = name == "ne"
    else:
        expected = COMPARISONS[name](order(form, a), order(form, b))
    assert run(type_, name, a, b) == int(expected)


@given(patterns("f32"))
@example(0x7F800001)
@example(0xFFBFFFFF)
def test_f32_bits_survive_the_way_through_a_double(bits: int) -> None:
    assert f32_to_bits(f32_from_bits(bits)) == bits


@given(patterns("f64"))
def test_f64_bits_survive(bits: int) -> None:
    assert f64_to_bits(f64_from_bits(bits)) == bits
    assert struct.pack("<d", f64_from_bits(bits)) == bits.to_bytes(8, "little")


@given(patterns("f32"))
def test_the_double_of_an_f32_has_its_value(bits: int) -> None:
    if not SINGLE.is_nan(bits) and not SINGLE.is_infinite(bits):
        assert Fraction(f32_from_bits(bits)) == SINGLE.exact(bits)
