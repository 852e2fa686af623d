"""Floating-point operators (specification, 4.3.3), on the representation of ``runtime.values``.

Python's ``float`` is an IEEE 754 double. An f32 operation is computed in double precision and rounded once more,
which is exact for the operators below: a double holds more than twice an f32's digits. An operator that produces a
NaN produces the canonical one with a positive sign (the specification's deterministic profile); ``neg``, ``abs`` and
``copysign`` only change bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from struct import Struct
from typing import Any

_F32 = Struct("<f")
_F64 = Struct("<d")
_U32 = Struct("<I")
_U64 = Struct("<Q")

CANONICAL_NAN_32 = 0x7FC00000
CANONICAL_NAN_64 = 0x7FF8000000000000
_INTEGRAL = 2.0**52
"""From this value on, every double is an integer."""


def f64_from_bits(bits: int) -> float:
    """Return the double with these 64 bits."""
    value: float = _F64.unpack(_U64.pack(bits))[0]
    return value


def f64_to_bits(value: float) -> int:
    """Return the 64 bits of a double."""
    bits: int = _U64.unpack(_F64.pack(value))[0]
    return bits


def f32_from_bits(bits: int) -> float:
    """Return the f32 with these 32 bits; a NaN's payload moves to the top of the double's."""
    value: float = _F32.unpack(_U32.pack(bits))[0]
    if value != value:
        return f64_from_bits((bits & 0x80000000) << 32 | 0x7FF0000000000000 | (bits & 0x7FFFFF) << 29)
    return value


def f32_to_bits(value: float) -> int:
    """Return the 32 bits of an f32; a host NaN whose payload does not fit becomes the canonical NaN."""
    bits: int
    if value != value:
        wide = f64_to_bits(value)
        payload = wide >> 29 & 0x7FFFFF
        return wide >> 32 & 0x80000000 | 0x7F800000 | payload if payload else CANONICAL_NAN_32
    bits = _U32.unpack(_F32.pack(value))[0]
    return bits


NAN = f64_from_bits(CANONICAL_NAN_64)
"""The canonical NaN, both for f64 and (in the representation of ``runtime.values``) for f32."""


def round_to_f32(value: float) -> float:
    """Round a double to the nearest f32, ties to even; a NaN becomes the canonical one."""
    if value != value:
        return NAN
    try:
        rounded: float = _F32.unpack(_F32.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded


def canonical(value: float) -> float:
    """Return the value, with every NaN replaced by the canonical one."""
    return value if value == value else NAN


def _divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0.0 or a != a:
            return NAN
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _integral(function: Callable[[float], int]) -> Callable[[float], float]:
    def operator(a: float) -> float:
        if -_INTEGRAL < a < _INTEGRAL:
            return math.copysign(float(function(a)), a)
        return canonical(a)

    return operator


def _arithmetic_32() -> tuple[Callable[[float, float], float], ...]:
    def add(a: float, b: float) -> float:
        return round_to_f32(a + b)

    def sub(a: float, b: float) -> float:
        return round_to_f32(a - b)

    def mul(a: float, b: float) -> float:
        return round_to_f32(a * b)

    def div(a: float, b: float) -> float:
        return round_to_f32(_divide(a, b))

    return add, sub, mul, div


def _arithmetic_64() -> tuple[Callable[[float, float], float], ...]:
    # ``canonical``, inlined: the call would take longer than the operation.
    def add(a: float, b: float) -> float:
        c = a + b
        return c if c == c else NAN

    def sub(a: float, b: float) -> float:
        c = a - b
        return c if c == c else NAN

    def mul(a: float, b: float) -> float:
        c = a * b
        return c if c == c else NAN

    def div(a: float, b: float) -> float:
        c = a / b if b else _divide(a, b)
        return c if c == c else NAN

    return add, sub, mul, div


def float_operators(bits: int) -> dict[str, Callable[..., Any]]:
    """Return the operators for f32 (``bits`` 32) or f64 (``bits`` 64) by their names in the specification."""
    rounded = canonical if bits == 64 else round_to_f32

    def sqrt(a: float) -> float:
        return NAN if a < 0.0 else rounded(math.sqrt(a))

    def min_(a: float, b: float) -> float:
        if a != a or b != b:
            return NAN
        if a == b:
            return a if math.copysign(1.0, a) < 0 else b
        return a if a < b else b

    def max_(a: float, b: float) -> float:
        if a != a or b != b:
            return NAN
        if a == b:
            return b if math.copysign(1.0, a) < 0 else a
        return a if a > b else b

    def abs_(a: float) -> float:
        return math.copysign(a, 1.0)

    def neg(a: float) -> float:
        return math.copysign(a, -math.copysign(1.0, a))

    def eq(a: float, b: float) -> int:
        return 1 if a == b else 0

    def ne(a: float, b: float) -> int:
        return 1 if a != b else 0

    def lt(a: float, b: float) -> int:
        return 1 if a < b else 0

    def gt(a: float, b: float) -> int:
        return 1 if a > b else 0

    def le(a: float, b: float) -> int:
        return 1 if a <= b else 0

    def ge(a: float, b: float) -> int:
        return 1 if a >= b else 0

    def copysign(a: float, b: float) -> float:
        return math.copysign(a, b)

    arithmetic = _arithmetic_64() if bits == 64 else _arithmetic_32()
    functions: tuple[Callable[..., Any], ...] = (
        *arithmetic,
        sqrt,
        min_,
        max_,
        abs_,
        neg,
        eq,
        ne,
        lt,
        gt,
        le,
        ge,
        copysign,
    )
    return {function.__name__.rstrip("_"): function for function in functions} | {
        "ceil": _integral(math.ceil),
        "floor": _integral(math.floor),
        "trunc": _integral(math.trunc),
        "nearest": _integral(round),
    }
