"""Every way that a value can take leaves its bits alone, also those of signalling NaNs."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

import pytest
from support.engines import ENGINES, Guest, host_imports
from support.wasm import wat

from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.types import F32, F64, FuncType

PATTERNS_32 = (0x7F800001, 0xFFA00000, 0x7FBFFFFF, 0x7FC00000, 0xFFC12345, 0x80000000, 0x00000001)
PATTERNS_64 = (0x7FF0000000000001, 0xFFF4000000000000, 0x7FF7FFFFFFFFFFFF, 0x7FF8000000000000, 1 << 63, 1)

WAYS = {
    "locals": "local.set $x local.get $x local.tee $x",
    "globals": "global.set $g global.get $g",
    "memory": "local.set $x (fN.store (i32.const 8) (local.get $x)) (fN.load (i32.const 8))",
    "unaligned memory": "local.set $x (fN.store offset=3 (i32.const 8) (local.get $x)) (fN.load offset=4 (i32.const 7))",
    "select": "fN.const 1 i32.const 1 select",
    "select, the other": "local.set $x fN.const 1 local.get $x i32.const 0 select",
    "select with a type": "fN.const 1 i32.const 1 select (result fN)",
    "a block": "block (param fN) (result fN) br 0 end",
    "a loop": "loop (param fN) (result fN) end",
    "an if": "i32.const 1 if (param fN) (result fN) else end",
    "a branch table": "block $b (param fN) (result fN) i32.const 7 br_table $b $b end",
    "a call": "call $same",
    "an indirect call": "i32.const 0 call_indirect (param fN) (result fN)",
    "several results": "call $twice drop",
    "a return": "call $returns",
    "the host": "call $host",
    "both signs": "fN.neg fN.neg",
}


def text(way: str, bits: int) -> str:
    integer, float_ = f"i{bits}", f"f{bits}"
    return f"""(module (import "env" "host" (func $host (param fN) (result fN)))
      (memory (export "memory") 1) (global $g (export "g") (mut fN) (fN.const 0)) (table funcref (elem $same))
      (func $same (export "same") (param fN) (result fN) local.get 0)
      (func $twice (param fN) (result fN fN) local.get 0 local.get 0)
      (func $returns (param fN) (result fN) fN.const 0 local.get 0 return)
      (func (export "f") (param iN) (result iN) (local $x fN) local.get 0 fN.reinterpret_iN {WAYS[way]} iN.reinterpret_fN))
    """.replace("iN", integer).replace("fN", float_)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("way", WAYS)
def test_bits_survive(name: str, bits: int, way: str) -> None:
    type_ = F32 if bits == 32 else F64
    same = host_imports({"host": (FuncType((type_,), (type_,)), lambda _, arguments: arguments)})
    guest = Guest(wat(text(way, bits)), name, imports=same)
    for pattern in PATTERNS_32 if bits == 32 else PATTERNS_64:
        assert [hex(it) for it in guest("f", pattern)] == [hex(pattern)]


@pytest.mark.parametrize("name", ENGINES)
def test_bits_survive_between_host_and_guest(name: str) -> None:
    for bits, patterns, into, out in (
        (32, PATTERNS_32, f32_from_bits, f32_to_bits),
        (64, PATTERNS_64, f64_from_bits, f64_to_bits),
    ):
        type_ = F32 if bits == 32 else F64
        same = host_imports({"host": (FuncType((type_,), (type_,)), lambda _, arguments: arguments)})
        guest = Guest(wat(text("globals", bits)), name, imports=same)
        for pattern in patterns:
            assert out(guest("same", into(pattern))[0]) == pattern
            guest["g"].set(into(pattern))
            assert out(guest["g"].get()) == pattern


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "operation",
    ["f32.const 1 f32.add", "f32.const 1 f32.min", "f32.sqrt", "f32.nearest", "f64.promote_f32 f32.demote_f64"],
)
def test_arithmetic_makes_the_canonical_nan(name: str, operation: str) -> None:
    guest = Guest(
        wat(
            f'(module (func (export "f") (param i32) (result i32) local.get 0 f32.reinterpret_i32 {operation} i32.reinterpret_f32))'
        ),
        name,
    )
    for pattern in PATTERNS_32[:5]:
        assert guest("f", pattern) == (0x7FC00000,)


def test_integers_are_unsigned_everywhere() -> None:
    guest = Guest(
        wat(
            '(module (global (export "g") (mut i64) (i64.const -1)) (func (export "f") (result i32 i64) i32.const -1 i64.const -1))'
        )
    )
    assert guest("f") == (2**32 - 1, 2**64 - 1)
    assert guest["g"].get() == 2**64 - 1
    guest["g"].set(-2)
    assert guest["g"].get() == 2**64 - 2
