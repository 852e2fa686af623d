"""Vector operators (specification, 4.3, "Vectors" and "Relaxed Operations"): lane by lane, from number operators.

A v128 is an unsigned ``int``; byte 0 is its least significant byte, lane 0 its lowest bits. The ``Struct`` of all
lanes reads them as the operator requires: signed, unsigned or float. A ``Struct`` of eight bytes represents the low
half of a vector; writing it leaves zeros above.

Relaxed operators follow the deterministic profile, in which every parameter of the section "Relaxed Operations" is 0:
``relaxed_madd`` rounds twice (an engine that fuses it is also correct, outside that profile), ``relaxed_laneselect``
selects bits, and the others are the operators without ``relaxed_``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from struct import Struct
from typing import Any, TypeAlias

from zenowasm.interp.numerics.conversions import conversions
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits, float_operators
from zenowasm.interp.numerics.integers import integer_operators, signed

Operator: TypeAlias = Callable[..., Any]

_ALL = (1 << 128) - 1
_CODES = {
    "u8": "B", "u16": "H", "u32": "I", "u64": "Q",
    "s8": "b", "s16": "h", "s32": "i", "s64": "q",
    "f32": "f", "f64": "d",
}  # fmt: skip


@cache
def _lanes(kind: str, of: int = 128) -> Struct:
    """Return a ``Struct`` for lanes of that kind (``s16``: signed, of 16 bits) in ``of`` bits."""
    return Struct(f"<{of // int(kind[1:])}{_CODES[kind]}")


def _unpack(lanes: Struct, vector: int) -> tuple[Any, ...]:
    return lanes.unpack_from(vector.to_bytes(16, "little"))


def _pack(lanes: Struct, values: Sequence[Any]) -> int:
    return int.from_bytes(lanes.pack(*values), "little")


def _lanewise(function: Callable[..., Any], read: str, write: str = "", *, of: int = 128, to: int = 128) -> Operator:
    """Lift a lane function to vectors; it reads lanes in the low ``of`` bits and writes the low ``to`` bits."""
    unpack, pack = _lanes(read, of).unpack_from, _lanes(write or read, to).pack

    def operator(*vectors: int) -> int:
        operands = [unpack(vector.to_bytes(16, "little")) for vector in vectors]
        return int.from_bytes(pack(*map(function, *operands)), "little")

    return operator


def _high(operator: Operator) -> Operator:
    """Turn an operator on the low halves of vectors into one on their high halves."""
    return lambda *vectors: operator(*[vector >> 64 for vector in vectors])


def _saturating(function: Callable[..., int], kind: str) -> Callable[..., int]:
    """Clamp a function's results to the range of a kind of lane (specification, 4.3, "Conventions")."""
    bits = int(kind[1:])
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind[0] == "s" else (0, (1 << bits) - 1)
    return lambda *lanes: min(max(function(*lanes), low), high)


def splatter(bits: int) -> Callable[[int], int]:
    """Return ``splat`` for integers of that width."""
    mask, ones = (1 << bits) - 1, _ones(bits)
    return lambda value: (value & mask) * ones


def extractor(bits: int, lane: int) -> Callable[[int], int]:
    """Return ``extract_lane`` for unsigned lanes of that width."""
    mask, shift = (1 << bits) - 1, lane * bits
    return lambda vector: vector >> shift & mask


def replacer(bits: int, lane: int) -> Callable[[int, int], int]:
    """Return ``replace_lane`` for lanes of that width."""
    mask, shift = (1 << bits) - 1, lane * bits
    others = _ALL ^ mask << shift
    return lambda vector, value: vector & others | (value & mask) << shift


def extender(bits: int, *, is_signed: bool) -> Callable[[int], int]:
    """Return an operator that extends the lanes of that width in the low half of a vector to twice their width."""
    return _lanewise(int, f"{'su'[not is_signed]}{bits}", f"{'su'[not is_signed]}{2 * bits}", of=64)


def _ones(bits: int) -> int:
    """Return the vector whose lanes of that width are all 1."""
    return _ALL // ((1 << bits) - 1)


# -- bits --


def _bitselect(a: int, b: int, mask: int) -> int:
    return b ^ ((a ^ b) & mask)


def _bitwise() -> dict[str, Operator]:
    return {
        "v128.not": lambda a: a ^ _ALL,
        "v128.and": lambda a, b: a & b,
        "v128.andnot": lambda a, b: a & ~b,
        "v128.or": lambda a, b: a | b,
        "v128.xor": lambda a, b: a ^ b,
        "v128.bitselect": _bitselect,
        "v128.any_true": lambda a: 1 if a else 0,
    }


def _swizzle(a: int, indexes: int) -> int:
    return int.from_bytes(indexes.to_bytes(16, "little").translate(a.to_bytes(16, "little") + bytes(240)), "little")


def _shuffle(indexes: Sequence[int]) -> Operator:
    chosen, rest = bytes(indexes), bytes(224)
    return lambda a, b: int.from_bytes(chosen.translate((a | b << 128).to_bytes(32, "little") + rest), "little")


# -- integers --

# A lane of a comparison's result is all ones or all zeros: -1 or 0, signed.
_COMPARISONS: dict[str, Callable[[Any, Any], int]] = {
    "eq": lambda a, b: -(a == b),
    "ne": lambda a, b: -(a != b),
    "lt": lambda a, b: -(a < b),
    "gt": lambda a, b: -(a > b),
    "le": lambda a, b: -(a <= b),
    "ge": lambda a, b: -(a >= b),
}


def _integer_shape(bits: int) -> dict[str, Operator]:
    """Return the operators of ``i8x16``, ``i16x8``, ``i32x4`` or ``i64x2`` within their shape, by name."""
    s, u = f"s{bits}", f"u{bits}"
    scalar = integer_operators(bits)
    ones = _ones(bits)
    signs = ones << (bits - 1)
    rest = _ALL ^ signs
    signed_lanes, unsigned_lanes = _lanes(s), _lanes(u)

    # All lanes at once: with the top bits cleared, a lane's carry cannot reach the next lane.
    def add(a: int, b: int) -> int:
        return (a & rest) + (b & rest) ^ (a ^ b) & signs

    def sub(a: int, b: int) -> int:
        return (a | signs) - (b & rest) ^ ~(a ^ b) & signs

    def shl(a: int, count: int) -> int:
        count %= bits
        return (a & ones * ((1 << (bits - count)) - 1)) << count

    def shr_u(a: int, count: int) -> int:
        count %= bits
        return a >> count & ones * ((1 << (bits - count)) - 1)

    def shr_s(a: int, count: int) -> int:
        count %= bits
        return _pack(signed_lanes, [lane >> count for lane in _unpack(signed_lanes, a)])

    def bitmask(a: int) -> int:
        return sum((lane < 0) << index for index, lane in enumerate(_unpack(signed_lanes, a)))

    def all_true(a: int) -> int:
        return 1 if all(_unpack(unsigned_lanes, a)) else 0

    operators: dict[str, Operator] = {
        "abs": _lanewise(abs, s, u),
        "neg": lambda a: sub(0, a),
        "add": add,
        "sub": sub,
        "shl": shl,
        "shr_s": shr_s,
        "shr_u": shr_u,
        "all_true": all_true,
        "bitmask": bitmask,
        "splat": splatter(bits),
        "relaxed_laneselect": _bitselect,
    }
    for name, compare in _COMPARISONS.items():
        for kind in (s, u) if bits < 64 else (s,):
            full = name if name in ("eq", "ne") else f"{name}_{kind[0]}"
            operators[full] = _lanewise(compare, kind, s)
    if bits > 8:
        operators["mul"] = _lanewise(scalar["mul"], u)
    if bits == 8:
        operators["popcnt"] = _lanewise(scalar["popcnt"], u)
    if bits < 64:
        for kind in (s, u):
            operators[f"min_{kind[0]}"] = _lanewise(min, kind)
            operators[f"max_{kind[0]}"] = _lanewise(max, kind)
    if bits < 32:
        operators["avgr_u"] = _lanewise(lambda a, b: (a + b + 1) >> 1, u)
        for kind in (s, u):
            operators[f"add_sat_{kind[0]}"] = _lanewise(_saturating(lambda a, b: a + b, kind), kind)
            operators[f"sub_sat_{kind[0]}"] = _lanewise(_saturating(lambda a, b: a - b, kind), kind)
    return {f"i{bits}x{128 // bits}.{name}": operator for name, operator in operators.items()}


def _widening(bits: int) -> dict[str, Operator]:
    """Return the operators between the integer shapes of that width and of twice that width."""
    narrow, wide = f"i{bits}x{128 // bits}", f"i{2 * bits}x{64 // bits}"
    operators: dict[str, Operator] = {}
    for sign in "su":
        source, target = f"{sign}{bits}", f"{sign}{2 * bits}"
        extend = extender(bits, is_signed=sign == "s")
        multiply = _lanewise(lambda a, b: a * b, source, target, of=64)
        operators |= {
            f"{wide}.extend_low_{narrow}_{sign}": extend,
            f"{wide}.extend_high_{narrow}_{sign}": _high(extend),
            f"{wide}.extmul_low_{narrow}_{sign}": multiply,
            f"{wide}.extmul_high_{narrow}_{sign}": _high(multiply),
        }
        if bits < 32:
            operators[f"{wide}.extadd_pairwise_{narrow}_{sign}"] = _pairwise(source, target)
            # Both variants narrow signed lanes; the sign applies to the result.
            operators[f"{narrow}.narrow_{wide}_{sign}"] = _narrow(f"s{2 * bits}", source)
    return operators


def _pairwise(source: str, target: str) -> Operator:
    lanes, pairs = _lanes(source), _lanes(target)

    def operator(a: int) -> int:
        values = _unpack(lanes, a)
        return _pack(pairs, [*map(int.__add__, values[::2], values[1::2])])

    return operator


def _narrow(source: str, target: str) -> Operator:
    lanes, halves, clamp = _lanes(source), _lanes(target), _saturating(int, target)
    return lambda a, b: _pack(halves, [*map(clamp, _unpack(lanes, a) + _unpack(lanes, b))])


def _dot(source: str, target: str, cut: Callable[[int], int]) -> Operator:
    """Return an operator that multiplies signed lanes and adds adjacent products; ``cut`` makes the sum fit."""
    lanes, sums = _lanes(source), _lanes(target)

    def operator(a: int, b: int) -> int:
        products = [*map(int.__mul__, _unpack(lanes, a), _unpack(lanes, b))]
        return _pack(sums, [cut(even + odd) for even, odd in zip(products[::2], products[1::2], strict=True)])

    return operator


def _integers() -> dict[str, Operator]:
    operators: dict[str, Operator] = {}
    for bits in (8, 16, 32, 64):
        operators |= _integer_shape(bits)
    for bits in (8, 16, 32):
        operators |= _widening(bits)
    q15mulr = _lanewise(_saturating(lambda a, b: (a * b + 0x4000) >> 15, "s16"), "s16")
    relaxed_dot = _dot("s8", "s16", _saturating(int, "s16"))
    widen, add = operators["i32x4.extadd_pairwise_i16x8_s"], operators["i32x4.add"]
    return operators | {
        "i8x16.swizzle": _swizzle,
        "i8x16.relaxed_swizzle": _swizzle,
        "i16x8.q15mulr_sat_s": q15mulr,
        "i16x8.relaxed_q15mulr_s": q15mulr,
        "i32x4.dot_i16x8_s": _dot("s16", "u32", lambda total: total & 0xFFFFFFFF),
        "i16x8.relaxed_dot_i8x16_i7x16_s": relaxed_dot,
        "i32x4.relaxed_dot_i8x16_i7x16_add_s": lambda a, b, c: add(widen(relaxed_dot(a, b)), c),
    }


# -- floats --


def _float_shape(bits: int) -> dict[str, Operator]:
    """Return the operators of ``f32x4`` or ``f64x2`` within their shape, by name."""
    f = f"f{bits}"
    scalar = float_operators(bits)
    signs = _ones(bits) << (bits - 1)
    rest = _ALL ^ signs
    splat, to_bits = splatter(bits), f32_to_bits if bits == 32 else f64_to_bits
    add, mul = scalar["add"], scalar["mul"]
    # Reading f32 lanes as floats would quiet a signalling NaN, so operators that keep payloads work on bits.
    operators: dict[str, Operator] = {
        "abs": lambda a: a & rest,
        "neg": lambda a: a ^ signs,
        "splat": lambda value: splat(to_bits(value)),
        "relaxed_madd": _lanewise(lambda a, b, c: add(mul(a, b), c), f),
        "relaxed_nmadd": _lanewise(lambda a, b, c: add(mul(-a, b), c), f),
    }
    for name in ("add", "sub", "mul", "div", "min", "max", "sqrt", "ceil", "floor", "trunc", "nearest"):
        operators[name] = _lanewise(scalar[name], f)
    for name, compare in _COMPARISONS.items():
        operators[name] = _lanewise(compare, f, f"s{bits}")
    less = operators["lt"]
    operators |= {
        "pmin": lambda a, b: _bitselect(b, a, less(b, a)),
        "pmax": lambda a, b: _bitselect(b, a, less(a, b)),
        "relaxed_min": operators["min"],
        "relaxed_max": operators["max"],
    }
    return {f"f{bits}x{128 // bits}.{name}": operator for name, operator in operators.items()}


def _conversions() -> dict[str, Operator]:
    scalar = conversions()
    operators: dict[str, Operator] = {
        "f32x4.demote_f64x2_zero": _lanewise(scalar["f32.demote_f64"], "f64", "f32", to=64),
        "f64x2.promote_low_f32x4": _lanewise(scalar["f64.promote_f32"], "f32", "f64", of=64),
    }
    for sign in "su":
        single = _lanewise(scalar[f"i32.trunc_sat_f32_{sign}"], "f32", "u32")
        double = _lanewise(scalar[f"i32.trunc_sat_f64_{sign}"], "f64", "u32", to=64)
        operators |= {
            f"i32x4.trunc_sat_f32x4_{sign}": single,
            f"i32x4.relaxed_trunc_f32x4_{sign}": single,
            f"i32x4.trunc_sat_f64x2_{sign}_zero": double,
            f"i32x4.relaxed_trunc_f64x2_{sign}_zero": double,
            f"f32x4.convert_i32x4_{sign}": _lanewise(scalar[f"f32.convert_i32_{sign}"], "u32", "f32"),
            f"f64x2.convert_low_i32x4_{sign}": _lanewise(scalar[f"f64.convert_i32_{sign}"], "u32", "f64", of=64),
        }
    return operators


def vector_operators() -> dict[str, Operator]:
    """Return the operators whose operands are all on the stack, by mnemonic."""
    return _bitwise() | _integers() | _float_shape(32) | _float_shape(64) | _conversions()


# -- with immediates --


def _extract_signed(bits: int, lane: int) -> Operator:
    extract = extractor(bits, lane)
    return lambda vector: signed(extract(vector), bits) & 0xFFFFFFFF


def _extract_float(bits: int, lane: int) -> Operator:
    extract, from_bits = extractor(bits, lane), f32_from_bits if bits == 32 else f64_from_bits
    return lambda vector: from_bits(extract(vector))


def _replace_float(bits: int, lane: int) -> Operator:
    replace, to_bits = replacer(bits, lane), f32_to_bits if bits == 32 else f64_to_bits
    return lambda vector, value: replace(vector, to_bits(value))


def lane_operators() -> dict[str, Callable[..., Operator]]:
    """Return functions that map lane immediates to an operator, by mnemonic."""

    def of_lane(make: Callable[[int, int], Operator], bits: int) -> Callable[..., Operator]:
        return lambda lane: make(bits, lane)

    makers: dict[str, Callable[..., Operator]] = {"i8x16.shuffle": _shuffle}
    for bits in (8, 16, 32, 64):
        shape = f"i{bits}x{128 // bits}"
        makers[f"{shape}.replace_lane"] = of_lane(replacer, bits)
        if bits < 32:
            makers[f"{shape}.extract_lane_s"] = of_lane(_extract_signed, bits)
            makers[f"{shape}.extract_lane_u"] = of_lane(extractor, bits)
        else:
            makers[f"{shape}.extract_lane"] = of_lane(extractor, bits)
            makers[f"f{bits}x{128 // bits}.extract_lane"] = of_lane(_extract_float, bits)
            makers[f"f{bits}x{128 // bits}.replace_lane"] = of_lane(_replace_float, bits)
    return makers
