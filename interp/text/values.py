"""Numbers in the text format (specification, 6.3.1 and 6.3.2), exact in both directions."""

from __future__ import annotations

import re
from decimal import Decimal
from math import nextafter
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
_INTEGER = re.compile(rf"([+-]?)(?:0x({_HEX})|({_DIGITS}))")
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}(?:\.(?:{_DIGITS})?)?(?:[eE][+-]?{_DIGITS})?")
_HEXFLOAT = re.compile(rf"([+-]?)0x({_HEX})(?:\.({_HEX})?)?(?:[pP]([+-]?{_DIGITS}))?")
_SPECIAL = re.compile(rf"([+-]?)(?:(inf)|nan(?::0x({_HEX}))?)")
_BITS = {I32: 32, I64: 64}
_MANTISSA = {F32: 23, F64: 52}
_DECIMAL_DIGITS = 64
_MOST_SHOWN = 80


def float_bits(type_: NumType, value: float) -> int:
    """Return the bits of an f32 or f64."""
    return f32_to_bits(value) if type_ is F32 else f64_to_bits(value)


def exact_text(type_: NumType, value: Any) -> str:
    """Return a number in a form that parses to the same bits: integers signed, floats in hexadecimal.

    A NaN that is not canonical includes its payload: ``-nan:0x200000``.
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
    """Return a number for people: floats in the shortest decimal form that has the same value, the rest exactly."""
    if type_ in _MANTISSA and value == value:
        return repr(float(value))
    return exact_text(type_, value)


def signed(type_: NumType, value: int) -> int:
    """Return an integer value, which is stored unsigned, as a signed one."""
    bits = _BITS[type_]
    return value - (1 << bits) if value >> (bits - 1) else value


def is_number(text: str) -> bool:
    """Return whether a text is a number of any type and size."""
    return any(form.fullmatch(text) for form in (_INTEGER, _DECIMAL, _HEXFLOAT, _SPECIAL))


def parse_number(type_: NumType, text: str) -> Any:
    """Return the value of ``text``: an integer, signed or unsigned, decimal or hexadecimal, or a float.

    Floats are decimal or hexadecimal, ``inf``, ``nan`` or ``nan:0x`` with a payload, and are rounded once. Raises
    ``ValueError``, whose message says what was expected.
    """
    return parse_integer(_BITS[type_], text) if type_ in _BITS else _parse_float(type_, text)


def parse_integer(bits: int, text: str) -> int:
    """Return an integer of ``bits`` bits, written signed or unsigned, as unsigned; raises ``ValueError``."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise ValueError(f"expected i{bits}, an integer such as 42, -1 or 0x2a, found {_shown(text)!r}")
    sign, hexadecimal, decimal = match.groups()
    value = _magnitude(bits, hexadecimal, decimal)
    if value >> bits or (sign == "-" and value > 1 << (bits - 1)):
        raise ValueError(f"{_shown(text)} does not fit into i{bits}: expected -2^{bits - 1} to 2^{bits}-1")
    return -value & ((1 << bits) - 1) if sign == "-" else value


def parse_unsigned(bits: int, text: str) -> int:
    """Return an integer of ``bits`` bits without a sign; raises ``ValueError``."""
    match = _INTEGER.fullmatch(text)
    if match is None or match.group(1):
        raise ValueError(f"expected u{bits}, an integer such as 42 or 0x2a, found {_shown(text)!r}")
    value = _magnitude(bits, match.group(2), match.group(3))
    if value >> bits:
        raise ValueError(f"{_shown(text)} does not fit into u{bits}: expected 0 to 2^{bits}-1")
    return value


def _magnitude(bits: int, hexadecimal: str | None, decimal: str) -> int:
    # Converting decimal digits takes quadratic time, so integers with too many digits are rejected first.
    if hexadecimal is not None:
        return int(hexadecimal, 16)
    digits = decimal if len(decimal) <= _DECIMAL_DIGITS else decimal.lstrip("0_") or "0"
    return int(digits) if len(digits) <= _DECIMAL_DIGITS else 1 << bits


def _shown(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


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
            value = float("inf")
    else:
        raise ValueError(f"expected {type_}, a number such as 1.5, 0x1.8p+0, inf or nan, found {_shown(text)!r}")
    value = _nearest_f32(plain, value) if type_ is F32 else value
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{_shown(text)} does not fit into {type_}")
    return value


def _nearest_f32(text: str, near: float) -> float:
    """Round a number to f32 once; ``near`` is the f64 nearest to it.

    Rounding ``near`` is wrong only if the f64 is half way between two f32 and the number is not. The last digit of such
    an f64 is 0; its neighbour on the number's side rounds like the number itself.
    """
    rounded = round_to_f32(near)
    if rounded == near or near in (float("inf"), float("-inf")) or f64_to_bits(near) & 1:
        return rounded
    difference = _compare(text, near)
    if not difference:
        return rounded
    return round_to_f32(nextafter(near, float("inf") if difference > 0 else float("-inf")))


def _compare(text: str, value: float) -> int:
    """Compare the number in ``text`` with ``value``: return 1, 0 or -1 if it is greater, equal or less."""
    match = _HEXFLOAT.fullmatch(text)
    if match is None:
        return int(Decimal(text).compare(Decimal(value)))
    sign, whole, fraction, exponent = match.groups()
    fraction = fraction or ""
    mantissa = int(whole + fraction, 16) * (-1 if sign == "-" else 1)
    numerator, denominator = value.as_integer_ratio()
    digits = (exponent or "0").lstrip("+-0") or "0"
    power = -int(digits) if exponent and exponent[0] == "-" else int(digits)
    # The value is numerator / 2**k: scale both to the same power of 2. It is neither 0 nor infinite, so the number's
    # exponent is at most what its length allows.
    shift = power - 4 * len(fraction) + denominator.bit_length() - 1
    left, right = (mantissa << shift, numerator) if shift >= 0 else (mantissa, numerator << -shift)
    return (left > right) - (left < right)


def _special(type_: NumType, text: str, sign: str, infinity: str | None, payload: str | None) -> float:
    if infinity is not None:
        return float("-inf") if sign == "-" else float("inf")
    mantissa = _MANTISSA[type_]
    canonical = CANONICAL_NAN_32 if type_ is F32 else CANONICAL_NAN_64
    bits = canonical
    if payload is not None:
        number = int(payload.replace("_", ""), 16)
        if not 0 < number < 1 << mantissa:
            raise ValueError(f"{_shown(text)} has no payload of {type_}: expected 0x1 to 0x{(1 << mantissa) - 1:x}")
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
