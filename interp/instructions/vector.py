"""The rows of the vector instructions (specification, 5.4.9), including relaxed ones: shapes and their operators.

All of them have the prefix 0xFD. Families are in opcode order; ``-`` marks an opcode of another family or of no
instruction.
"""

from __future__ import annotations

from collections.abc import Iterator

from zenowasm.interp.errors import TrapCode
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions.table import Access, Effect, Immediate, Opcode, VectorForm, signature
from zenowasm.interp.types import V128

_PREFIX = 0xFD
_SHAPES = ("i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2")

_COMPARISONS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
_FLOAT_COMPARISONS = "eq ne lt gt le ge"
_SHIFTS_AND_SUMS = "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"
_SHIFTS_AND_WRAPPING_SUMS = "shl shr_s shr_u add - - sub - -"
_EXTREMES = "min_s min_u max_s max_u"
_EXTEND = "extend_low_{0}_s extend_high_{0}_s extend_low_{0}_u extend_high_{0}_u"
_EXTMUL = "extmul_low_{0}_s extmul_high_{0}_s extmul_low_{0}_u extmul_high_{0}_u"
_EXTADD = "extadd_pairwise_{0}_s extadd_pairwise_{0}_u"
_NARROW = "narrow_{0}_s narrow_{0}_u"
_FLOAT_ARITHMETIC = "abs neg - sqrt add sub mul div min max pmin pmax"

_OPERATORS = (
    (0x0E, "i8x16", "swizzle"),
    (0x23, "i8x16", _COMPARISONS),
    (0x2D, "i16x8", _COMPARISONS),
    (0x37, "i32x4", _COMPARISONS),
    (0x41, "f32x4", _FLOAT_COMPARISONS),
    (0x47, "f64x2", _FLOAT_COMPARISONS),
    (0x4D, "v128", "not and andnot or xor bitselect any_true"),
    (0x5E, "f32x4", "demote_f64x2_zero"),
    (0x5F, "f64x2", "promote_low_f32x4"),
    (0x60, "i8x16", f"abs neg popcnt all_true bitmask {_NARROW}", "i16x8"),
    (0x67, "f32x4", "ceil floor trunc nearest"),
    (0x6B, "i8x16", f"{_SHIFTS_AND_SUMS} - - {_EXTREMES} - avgr_u"),
    (0x74, "f64x2", "ceil floor - - - - trunc"),
    (0x7C, "i16x8", _EXTADD, "i8x16"),
    (0x7E, "i32x4", _EXTADD, "i16x8"),
    (0x80, "i16x8", f"abs neg q15mulr_sat_s all_true bitmask {_NARROW}", "i32x4"),
    (0x87, "i16x8", f"{_EXTEND} {_SHIFTS_AND_SUMS} - mul {_EXTREMES} - avgr_u {_EXTMUL}", "i8x16"),
    (0x94, "f64x2", "nearest"),
    (0xA0, "i32x4", "abs neg - all_true bitmask"),
    (0xA7, "i32x4", f"{_EXTEND} {_SHIFTS_AND_WRAPPING_SUMS} - mul {_EXTREMES} dot_i16x8_s - {_EXTMUL}", "i16x8"),
    (0xC0, "i64x2", "abs neg - all_true bitmask"),
    (0xC7, "i64x2", f"{_EXTEND} {_SHIFTS_AND_WRAPPING_SUMS} - mul eq ne lt_s gt_s le_s ge_s {_EXTMUL}", "i32x4"),
    (0xE0, "f32x4", _FLOAT_ARITHMETIC),
    (0xEC, "f64x2", _FLOAT_ARITHMETIC),
    (0xF8, "i32x4", "trunc_sat_f32x4_s trunc_sat_f32x4_u"),
    (0xFA, "f32x4", "convert_i32x4_s convert_i32x4_u"),
    (0xFC, "i32x4", "trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero"),
    (0xFE, "f64x2", "convert_low_i32x4_s convert_low_i32x4_u"),
    (0x100, "i8x16", "relaxed_swizzle"),
    (0x101, "i32x4", "relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u"),
    (0x103, "i32x4", "relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero"),
    (0x105, "f32x4", "relaxed_madd relaxed_nmadd"),
    (0x107, "f64x2", "relaxed_madd relaxed_nmadd"),
    (0x109, "i8x16", "relaxed_laneselect"),
    (0x10A, "i16x8", "relaxed_laneselect"),
    (0x10B, "i32x4", "relaxed_laneselect"),
    (0x10C, "i64x2", "relaxed_laneselect"),
    (0x10D, "f32x4", "relaxed_min relaxed_max"),
    (0x10F, "f64x2", "relaxed_min relaxed_max"),
    (0x111, "i16x8", "relaxed_q15mulr_s relaxed_dot_i8x16_i7x16_s"),
    (0x113, "i32x4", "relaxed_dot_i8x16_i7x16_add_s"),
)
"""First opcode, shape, and operators; ``{0}`` in their names stands for the other shape, which comes last."""

_SIGNATURES = {
    "v128 -> i32": ("any_true", "all_true", "bitmask"),
    "v128 i32 -> v128": ("shl", "shr_s", "shr_u"),
    "v128 -> v128": (
        "not", "abs", "neg", "popcnt", "ceil", "floor", "trunc", "nearest", "sqrt",
        "extend_", "extadd_", "demote_", "promote_", "convert_", "trunc_sat_", "relaxed_trunc_",
    ),
    "v128 v128 v128 -> v128": (
        "bitselect", "relaxed_laneselect", "relaxed_madd", "relaxed_nmadd", "relaxed_dot_i8x16_i7x16_add_s",
    ),
}  # fmt: skip
"""The operators that do not map two vectors to one; a name ending in ``_`` covers all names with that prefix."""


def _signature_of(operator: str) -> str:
    for text, names in _SIGNATURES.items():
        if operator in names or any(name.endswith("_") and operator.startswith(name) for name in names):
            return text
    return "v128 v128 -> v128"


def _row(
    code: int,
    mnemonic: str,
    text: str,
    immediates: tuple[Immediate, ...] = (),
    *,
    lanes: int = 0,
    constant: bool = False,
) -> Opcode:
    feature = Feature.SIMD if code < 0x100 else Feature.RELAXED_SIMD
    parameters, results = signature(text)
    return Opcode(
        _PREFIX, code, mnemonic, immediates, parameters, results, lanes=lanes, feature=feature, constant=constant
    )


def operator_rows() -> Iterator[Opcode]:
    """Yield every instruction whose operands are all on the stack, except ``splat``."""
    for first, shape, names, *other in _OPERATORS:
        for code, name in enumerate(names.format(*other).split(), start=first):
            if name != "-":
                yield _row(code, f"{shape}.{name}", _signature_of(name))


def lane_rows() -> Iterator[Opcode]:
    """Yield constants, ``shuffle``, and the instructions that convert between numbers and vectors."""
    yield _row(0x0C, "v128.const", "-> v128", (Immediate.V128,), constant=True)
    yield _row(0x0D, "i8x16.shuffle", "v128 v128 -> v128", (Immediate.LANEIDX_16,), lanes=32)
    code = 0x15
    for index, shape in enumerate(_SHAPES):
        bits, _, lanes = shape[1:].partition("x")
        number = f"{shape[0]}{max(int(bits), 32)}"
        yield _row(0x0F + index, f"{shape}.splat", f"{number} -> v128")
        names = ["extract_lane_s", "extract_lane_u"] if int(bits) < 32 else ["extract_lane"]
        for name in (*names, "replace_lane"):
            text = f"v128 {number} -> v128" if name == "replace_lane" else f"v128 -> {number}"
            yield _row(code, f"{shape}.{name}", text, (Immediate.LANEIDX,), lanes=int(lanes))
            code += 1


def memory_rows() -> Iterator[Opcode]:
    """Yield loads and stores of vectors and of their lanes (specification, 5.4.5)."""
    extends = [
        (f"load{width}x{64 // width}_{sign}", Access(V128, 64, sign == "s", VectorForm.EXTEND, 64 // width))
        for width in (8, 16, 32)
        for sign in "su"
    ]
    splats = [(f"load{width}_splat", Access(V128, width, vector=VectorForm.SPLAT)) for width in (8, 16, 32, 64)]
    lanes = [
        (f"{verb}{width}_lane", Access(V128, width, vector=VectorForm.LANE))
        for verb in ("load", "store")
        for width in (8, 16, 32, 64)
    ]
    zeros = [(f"load{width}_zero", Access(V128, width)) for width in (32, 64)]
    whole = Access(V128, 128)
    for first, accesses in ((0x00, [("load", whole), *extends, *splats, ("store", whole)]), (0x54, [*lanes, *zeros])):
        for code, (name, access) in enumerate(accesses, start=first):
            has_lane = access.vector is VectorForm.LANE
            yield Opcode(
                _PREFIX,
                code,
                f"v128.{name}",
                (Immediate.MEMARG, Immediate.LANEIDX) if has_lane else (Immediate.MEMARG,),
                lanes=128 // access.width if has_lane else 0,
                feature=Feature.SIMD,
                traps=(TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS,),
                effects=frozenset({Effect.WRITES_MEMORY if "store" in name else Effect.READS_MEMORY}),
                access=access,
            )


def rows() -> Iterator[Opcode]:
    """Yield every row of this file."""
    yield from memory_rows()
    yield from lane_rows()
    yield from operator_rows()
