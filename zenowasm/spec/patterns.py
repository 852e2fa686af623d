"""Compares results with the patterns of a script, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence

from zenowasm.interp.matching import matches_heaptype
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits, round_to_f32
from zenowasm.interp.runtime.values import ExternRef, Value, matches_reference
from zenowasm.interp.types import AbsHeapType, NumType, RefType, ValType, VecType
from zenowasm.spec.script import (
    Bits,
    EitherPattern,
    HostRefPattern,
    NanKind,
    NullPattern,
    NumPattern,
    Pattern,
    RefPattern,
    VecPattern,
)

_WIDTHS = {NumType.I32: 32, NumType.I64: 64, NumType.F32: 32, NumType.F64: 64}
_MANTISSAS = {32: 23, 64: 52}
_AGGREGATES = frozenset({AbsHeapType.EQ, AbsHeapType.I31, AbsHeapType.STRUCT, AbsHeapType.ARRAY})


def matches_all(values: Sequence[Value], patterns: Sequence[Pattern]) -> bool:
    """Return whether there are as many values as patterns and each matches."""
    return len(values) == len(patterns) and all(map(matches, values, patterns))


def matches(value: Value, pattern: Pattern) -> bool:
    """Return whether a value, in the representation of ``interp.runtime.values``, matches a pattern."""
    match pattern:
        case NumPattern(type_, expected):
            found = number_bits(type_, value)
            return found is not None and _matches_bits(found, expected, _WIDTHS[type_])
        case VecPattern(width, lanes):
            if type(value) is not int or not 0 <= value < 1 << 128:
                return False
            mask = (1 << width) - 1
            return all(_matches_bits(value >> width * i & mask, lane, width) for i, lane in enumerate(lanes))
        case NullPattern():
            return value is None
        case RefPattern(heap):
            return value is not None and _refers_to(value, heap)
        case HostRefPattern(number):
            return isinstance(value, ExternRef) and value.value == number
        case EitherPattern(alternatives):
            return any(matches(value, it) for it in alternatives)


def fits(type_: ValType, pattern: Pattern) -> bool:
    """Return whether a result of a type can match a pattern at all."""
    match pattern:
        case NumPattern(expected, _):
            return type_ is expected
        case VecPattern():
            return type_ is VecType.V128
        case EitherPattern(alternatives):
            return any(fits(type_, it) for it in alternatives)
        case _:
            return isinstance(type_, RefType)


def number_bits(type_: NumType, value: Value) -> int | None:
    """Return the bits of a number, or ``None`` if the value does not have that type."""
    if type_ in (NumType.I32, NumType.I64):
        return value if type(value) is int and 0 <= value < 1 << _WIDTHS[type_] else None
    if type(value) is not float:
        return None
    if type_ is NumType.F64:
        return f64_to_bits(value)
    # A double that is not an f32 is not rounded here: an engine that returns one has forgotten to round.
    return f32_to_bits(value) if value != value or round_to_f32(value) == value else None


def describe_all(values: Sequence[Value]) -> str:
    """Return values as text; the types of a pattern are not known here."""
    return f"[{', '.join(map(_describe, values))}]"


def describe_patterns(patterns: Sequence[Pattern]) -> str:
    """Return patterns in almost the syntax of a script."""
    return f"[{', '.join(map(_describe_pattern, patterns))}]"


def _matches_bits(found: int, expected: Bits, width: int) -> bool:
    if not isinstance(expected, NanKind):
        return found == expected
    mantissa = _MANTISSAS[width]
    # The exponent's ones and the payload's first bit make a quiet NaN; a canonical one has no other payload bits.
    quiet = (1 << width - mantissa) - 1 << mantissa - 1
    unsigned = found & (1 << width - 1) - 1
    return unsigned == quiet if expected is NanKind.CANONICAL else unsigned & quiet == quiet


def _refers_to(value: Value, heap: AbsHeapType) -> bool:
    """Return whether a non-null reference refers to an object of this heap type."""
    is_function = hasattr(value, "call")
    if heap is AbsHeapType.FUNC:
        return is_function
    if heap in _AGGREGATES:
        # An engine need not expose objects on its own heap; a reference to one has its kind.
        kind = getattr(value, "kind", None)
        return matches_reference(value, RefType(False, heap)) if kind is None else matches_heaptype(kind, heap)
    return not is_function


def _describe(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, ExternRef):
        return f"ref {value.value}"
    if isinstance(value, float):
        return f"{value!r} (0x{f64_to_bits(value):016x})"
    if isinstance(value, int):
        return f"{value} (0x{value:x})"
    return f"a {type(value).__name__}"


def _describe_pattern(pattern: Pattern) -> str:
    match pattern:
        case NumPattern(type_, bits):
            return f"{type_} {_describe_bits(bits)}"
        case VecPattern(width, lanes):
            return f"v128 {128 // width}x{width} {' '.join(map(_describe_bits, lanes))}"
        case NullPattern():
            return "null"
        case RefPattern(heap):
            return f"a {heap} reference"
        case HostRefPattern(number):
            return f"ref {number}"
        case EitherPattern(alternatives):
            return f"either {' or '.join(map(_describe_pattern, alternatives))}"


def _describe_bits(bits: Bits) -> str:
    return bits.value if isinstance(bits, NanKind) else f"0x{bits:x}"
