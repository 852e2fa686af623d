"""Conversions between number types (specification, 4.3.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.numerics.floats import (
    canonical,
    f32_from_bits,
    f32_to_bits,
    f64_from_bits,
    f64_to_bits,
    round_to_f32,
)
from zenowasm.interp.numerics.integers import signed


def _integer_range(bits: int, is_signed: bool) -> tuple[int, int]:
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)


def truncate(bits: int, is_signed: bool) -> Callable[[float], int]:
    """Return ``trunc_s`` or ``trunc_u`` to that width; it traps on a NaN and on a value outside the integer's range."""
    low, high = _integer_range(bits, is_signed)
    mask = (1 << bits) - 1

    def operator(a: float) -> int:
        if a != a:
            raise Trap(TrapCode.INVALID_CONVERSION_TO_INTEGER)
        if a in (math.inf, -math.inf):
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        integer = math.trunc(a)
        if not low <= integer <= high:
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        return integer & mask

    return operator


def truncate_saturating(bits: int, is_signed: bool) -> Callable[[float], int]:
    """Return ``trunc_sat_s`` or ``trunc_sat_u`` to that width: a NaN becomes 0, other values are clamped."""
    low, high = _integer_range(bits, is_signed)
    mask = (1 << bits) - 1

    def operator(a: float) -> int:
        if a != a:
            return 0
        if a <= low:
            return low & mask
        if a >= high:
            return high & mask
        return math.trunc(a) & mask

    return operator


def _convert_to_f64(bits: int, is_signed: bool) -> Callable[[int], float]:
    def operator(a: int) -> float:
        return float(signed(a, bits) if is_signed else a)

    return operator


def integer_to_f32(integer: int) -> float:
    """Round an integer to the nearest f32 in one step, ties to even."""
    # An intermediate double would round twice. 40 bits and a sticky bit are exact in a double and decide every tie.
    excess = integer.bit_length() - 40
    if excess <= 0:
        return round_to_f32(float(integer))
    kept = integer >> excess << 1 | (1 if integer & ((1 << excess) - 1) else 0)
    return round_to_f32(math.ldexp(float(kept), excess - 1))


def _convert_to_f32(bits: int, is_signed: bool) -> Callable[[int], float]:
    def operator(a: int) -> float:
        return integer_to_f32(signed(a, bits) if is_signed else a)

    return operator


def _wrap(a: int) -> int:
    return a & 0xFFFFFFFF


def _extend_s(a: int) -> int:
    return signed(a, 32) & 0xFFFFFFFFFFFFFFFF


def _extend_u(a: int) -> int:
    return a


def conversions() -> dict[str, Callable[[Any], Any]]:
    """Return all conversions by mnemonic."""
    operators: dict[str, Callable[[Any], Any]] = {
        "i32.wrap_i64": _wrap,
        "i64.extend_i32_s": _extend_s,
        "i64.extend_i32_u": _extend_u,
        "f32.demote_f64": round_to_f32,
        "f64.promote_f32": canonical,
        "i32.reinterpret_f32": f32_to_bits,
        "i64.reinterpret_f64": f64_to_bits,
        "f32.reinterpret_i32": f32_from_bits,
        "f64.reinterpret_i64": f64_from_bits,
    }
    for bits in (32, 64):
        for suffix, is_signed in (("s", True), ("u", False)):
            for source in ("f32", "f64"):
                operators[f"i{bits}.trunc_{source}_{suffix}"] = truncate(bits, is_signed)
                operators[f"i{bits}.trunc_sat_{source}_{suffix}"] = truncate_saturating(bits, is_signed)
            operators[f"f32.convert_i{bits}_{suffix}"] = _convert_to_f32(bits, is_signed)
            operators[f"f64.convert_i{bits}_{suffix}"] = _convert_to_f64(bits, is_signed)
    return operators
