"""Integer operators against definitions on mathematical integers, taken from the specification's words (4.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import trunc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.operands import operands

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.numerics.operators import OPERATORS
from zenowasm.interp.types import I32, I64

WIDTHS = {32: I32, 64: I64}


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1) | st.sampled_from(operands(WIDTHS[bits]))


def as_signed(value: int, bits: int) -> int:
    return int.from_bytes(value.to_bytes(bits // 8, "little"), "little", signed=True)


def digits(value: int, bits: int) -> str:
    return format(value, f"0{bits}b")


BINARY: dict[str, Callable[[int, int, int], int | TrapCode]] = {
    "add": lambda a, b, n: (a + b) % 2**n,
    "sub": lambda a, b, n: (a - b) % 2**n,
    "mul": lambda a, b, n: (a * b) % 2**n,
    "div_u": lambda a, b, n: trunc(Fraction(a, b)) if b else TrapCode.INTEGER_DIVIDE_BY_ZERO,
    "rem_u": lambda a, b, n: a - b * trunc(Fraction(a, b)) if b else TrapCode.INTEGER_DIVIDE_BY_ZERO,
    "and": lambda a, b, n: int("".join(min(x, y) for x, y in zip(digits(a, n), digits(b, n), strict=True)), 2),
    "or": lambda a, b, n: int("".join(max(x, y) for x, y in zip(digits(a, n), digits(b, n), strict=True)), 2),
    "xor": lambda a, b, n: int("".join(str(int(x != y)) for x, y in zip(digits(a, n), digits(b, n), strict=True)), 2),
    "shl": lambda a, b, n: int((digits(a, n) + "0" * (b % n))[-n:], 2),
    "shr_u": lambda a, b, n: int(("0" * (b % n) + digits(a, n))[:n], 2),
    "shr_s": lambda a, b, n: int((digits(a, n)[0] * (b % n) + digits(a, n))[:n], 2),
    "rotl": lambda a, b, n: int(digits(a, n)[b % n :] + digits(a, n)[: b % n], 2),
    "rotr": lambda a, b, n: int((digits(a, n) * 2)[n - b % n : 2 * n - b % n], 2),
    "eq": lambda a, b, n: int(a == b),
    "ne": lambda a, b, n: int(a != b),
    "lt_u": lambda a, b, n: int(a < b),
    "gt_u": lambda a, b, n: int(a > b),
    "le_u": lambda a, b, n: int(a <= b),
    "ge_u": lambda a, b, n: int(a >= b),
    "lt_s": lambda a, b, n: int(as_signed(a, n) < as_signed(b, n)),
    "gt_s": lambda a, b, n: int(as_signed(a, n) > as_signed(b, n)),
    "le_s": lambda a, b, n: int(as_signed(a, n) <= as_signed(b, n)),
    "ge_s": lambda a, b, n: int(as_signed(a, n) >= as_signed(b, n)),
}


def _div_s(a: int, b: int, n: int) -> int | TrapCode:
    if b == 0:
        return TrapCode.INTEGER_DIVIDE_BY_ZERO
    quotient = trunc(Fraction(as_signed(a, n), as_signed(b, n)))
    return TrapCode.INTEGER_OVERFLOW if quotient == 2 ** (n - 1) else quotient % 2**n


def _rem_s(a: int, b: int, n: int) -> int | TrapCode:
    if b == 0:
        return TrapCode.INTEGER_DIVIDE_BY_ZERO
    a, b = as_signed(a, n), as_signed(b, n)
    return (a - b * trunc(Fraction(a, b))) % 2**n


BINARY |= {"div_s": _div_s, "rem_s": _rem_s}

UNARY: dict[str, Callable[[int, int], int]] = {
    "clz": lambda a, n: len(digits(a, n)) - len(digits(a, n).lstrip("0")),
    "ctz": lambda a, n: len(digits(a, n)) - len(digits(a, n).rstrip("0")),
    "popcnt": lambda a, n: digits(a, n).count("1"),
    "eqz": lambda a, n: int(a == 0),
    "extend8_s": lambda a, n: as_signed(a % 2**8, 8) % 2**n,
    "extend16_s": lambda a, n: as_signed(a % 2**16, 16) % 2**n,
}


def result(mnemonic: str, *arguments: Any) -> Any:
    try:
        return OPERATORS[mnemonic](*arguments)
    except Trap as trap:
        return trap.code


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_binary(name: str, bits: int, data: st.DataObject) -> None:
    a, b = data.draw(integers(bits)), data.draw(integers(bits))
    assert result(f"i{bits}.{name}", a, b) == BINARY[name](a, b, bits)


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
def test_unary(name: str, bits: int, data: st.DataObject) -> None:
    a = data.draw(integers(bits))
    assert result(f"i{bits}.{name}", a) == UNARY[name](a, bits)


@given(integers(64))
@example(0x80000000)
@example(0xFFFFFFFF)
def test_between_the_widths(a: int) -> None:
    assert result("i32.wrap_i64", a) == a % 2**32
    assert result("i64.extend32_s", a) == as_signed(a % 2**32, 32) % 2**64
    assert result("i64.extend_i32_u", a % 2**32) == a % 2**32
    assert result("i64.extend_i32_s", a % 2**32) == as_signed(a % 2**32, 32) % 2**64


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_traps_of_division(bits: int) -> None:
    lowest, minus_one = 2 ** (bits - 1), 2**bits - 1
    for name in ("div_s", "div_u", "rem_s", "rem_u"):
        assert result(f"i{bits}.{name}", 1, 0) is TrapCode.INTEGER_DIVIDE_BY_ZERO
    assert result(f"i{bits}.div_s", lowest, minus_one) is TrapCode.INTEGER_OVERFLOW
    assert result(f"i{bits}.rem_s", lowest, minus_one) == 0
    assert result(f"i{bits}.div_u", lowest, minus_one) == 0


def test_every_integer_operator_is_tested() -> None:
    for bits in WIDTHS:
        names = {it.partition(".")[2] for it in OPERATORS if it.startswith(f"i{bits}.")}
        names = {it for it in names if "_i" not in it and "_f" not in it} - {"extend32_s"}
        assert names <= set(BINARY) | set(UNARY), "an operator without an independent definition"
