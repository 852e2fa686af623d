"""Numbers in the words of the text format (specification, 6.3.1 and 6.3.2), exact in both directions."""

from __future__ import annotations

import re
from typing import Any

from zenowasm.interp.numerics.floats import (
    CANONICAL_NAN_32,
    CANONICAL_NAN_64,
    f32_from_bits,
    f32_to_bits,
    f64_from_bits,
    f64_to_bits,
    round_to_f32,
)
from zenowasm.interp.types import F32, F64, I32, I64, NumType

_DIGITS = r"[0-9](?:_?[0-9])*"
_HEX = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_INTEGER = re.compile(rf"[+-]?(?:0x{_HEX}|{_DIGITS})")
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}(?:\.(?:{_DIGITS})?)?(?:[eE][+-]?{_DIGITS})?")
_HEXFLOAT = re.compile(rf"[+-]?0x{_HEX}(?:\.(?:{_HEX})?)?(?:[pP][+-]?{_DIGITS})?")
_SPECIAL = re.compile(rf"([+-]?)(?:(inf)|nan(?::0x({_HEX}))?)")
_BITS = {I32: 32, I64: 64}
_MANTISSA = {F32: 23, F64: 52}
_MOST_CHARACTERS = 400
"""Of a number; more would cost time that grows with the square."""


def float_bits(type_: NumType, value: float) -> int:
    """Return the bits of an f32 or f64."""
    return f32_to_bits(value) if type_ is F32 else f64_to_bits(value)


def exact_text(type_: NumType, value: Any) -> str:
    """Return a number so that reading it gives the same bits: integers signed, floats in hexadecimal.

    A NaN that is not the canonical one carries its payload: ``-nan:0x200000``.
    """
    if type_ in _BITS:
        return str(signed(type_, value))
    if value != value:
        return _nan_text(type_, value)
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    mantissa, _, exponent = float(value).hex().partition("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}"


def readable_text(type_: NumType, value: Any) -> str:
    """Return a number for people: floats in the shortest decimals that mean the same value, the rest exactly."""
    if type_ in _MANTISSA and value == value:
        return repr(float(value))
    return exact_text(type_, value)


def signed(type_: NumType, value: int) -> int:
    """Return an integer value, which is kept unsigned, as a signed one."""
    bits = _BITS[type_]
    return value - (1 << bits) if value >> (bits - 1) else value


def parse_number(type_: NumType, text: str) -> Any:
    """Return the value that ``text`` means: an integer signed or unsigned, decimal or hexadecimal, or a float.

    Floats are decimal or hexadecimal, ``inf``, ``nan`` or ``nan:0x`` with a payload; an f32 is rounded from the
    nearest f64. Raises ``ValueError``, which says what was expected.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"expected {type_}, found {len(text)} characters")
    return _parse_integer(type_, text) if type_ in _BITS else _parse_float(type_, text)


def _parse_integer(type_: NumType, text: str) -> int:
    bits = _BITS[type_]
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"expected {type_}, an integer such as 42, -1 or 0x2a, found {text!r}")
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    magnitude = int(digits[2:], 16) if digits.startswith("0x") else int(digits)
    value = -magnitude if sign == "-" else magnitude
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise ValueError(f"{text} does not fit into {type_}: expected -2^{bits - 1} to 2^{bits}-1")
    return value & ((1 << bits) - 1)


def _parse_float(type_: NumType, text: str) -> float:
    special = _SPECIAL.fullmatch(text)
    if special is not None:
        return _special(type_, text, *special.groups())
    plain = text.replace("_", "")
    if _DECIMAL.fullmatch(text):
        value = float(plain)
    elif _HEXFLOAT.fullmatch(text):
        try:
            value = float.fromhex(plain)
        except OverflowError:
            raise ValueError(f"{text} does not fit into {type_}") from None
    else:
        raise ValueError(f"expected {type_}, a number such as 1.5, 0x1.8p+0, inf or nan, found {text!r}")
    value = round_to_f32(value) if type_ is F32 else value
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} does not fit into {type_}")
    return value


def _special(type_: NumType, text: str, sign: str, infinity: str | None, payload: str | None) -> float:
    if infinity is not None:
        return float("-inf") if sign == "-" else float("inf")
    mantissa = _MANTISSA[type_]
    canonical = CANONICAL_NAN_32 if type_ is F32 else CANONICAL_NAN_64
    bits = canonical
    if payload is not None:
        number = int(payload.replace("_", ""), 16)
        if not 0 < number < 1 << mantissa:
            raise ValueError(f"{text} has no payload of {type_}: expected 0x1 to 0x{(1 << mantissa) - 1:x}")
        bits = canonical & ~((1 << mantissa) - 1) | number
    if sign == "-":
        bits |= 1 << (31 if type_ is F32 else 63)
    return f32_from_bits(bits) if type_ is F32 else f64_from_bits(bits)


def _nan_text(type_: NumType, value: float) -> str:
    bits = float_bits(type_, value)
    payload = bits & ((1 << _MANTISSA[type_]) - 1)
    sign = "-" if bits >> (31 if type_ is F32 else 63) else ""
    canonical = payload == 1 << (_MANTISSA[type_] - 1)
    return f"{sign}nan" if canonical else f"{sign}nan:0x{payload:x}"
