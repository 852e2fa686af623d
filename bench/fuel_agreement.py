"""Compares the fuel of the instructions new in WebAssembly 3.0 on wasmtime and on the reference engine.

Run with ``python bench/fuel_agreement.py``; it prints the cost of each instruction, and where the engines differ. Every
figure comes from a call that finishes.
"""

# ruff: noqa: E501 - one body, one line

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import cast

import wasmtime

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Engine, Func
from zenowasm.interp.errors import Trap
from zenowasm.interp.instructions import TABLE, Immediate, Opcode
from zenowasm.interp.instructions.table import VectorForm
from zenowasm.interp.types import V128

_ZERO_VECTOR = "v128.const i64x2 0 0"
BODY = "BODY"

FIELDS = f"""
  (type $v (func)) (type $ii (func (param i32) (result i32)))
  (type $p (sub (struct (field $x (mut i32)) (field $y (mut i8)))))
  (type $q (sub $p (struct (field (mut i32)) (field (mut i8)) (field i64))))
  (type $a (array (mut i32))) (type $b (array (mut i8))) (type $r (array (mut anyref)))
  (rec (type $fs (func (result (ref $n)))) (type $n (struct)))
  (tag $t) (tag $ti (param i32))
  (memory 2 10) (memory $wide i64 1 10) (table $table 10 20 funcref) (table $wide_table i64 10 20 funcref)
  (table $any 10 20 anyref)
  (data $d "{"0123456789" * 200}") (elem $e anyref {"(ref.null any) " * 300}) (elem declare func $empty $id)
  (elem (table $table) (i32.const 0) func $empty $id)
  (global $k (mut i32) (i32.const 0)) (global $ka (mut (ref null $a)) (ref.null $a)) (global $kr (mut (ref null $r)) (ref.null $r))
  (func $empty) (func $id (param i32) (result i32) local.get 0)
  (func $tail return_call $empty) (func $tail_id (param i32) (result i32) local.get 0 return_call $id)
  (func $tail_indirect i32.const 0 return_call_indirect $table (type $v))
  (func $tail_ref ref.func $empty return_call_ref $v)
  (func $throw throw $t) (func $throw_deep call $throw)
  (func $count (param i32) (local.get 0) (if (then (return_call $count (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "setup") (global.set $ka (array.new_default $a (i32.const 300)))
    (global.set $kr (array.new_default $r (i32.const 300))))
  (func (export "f") {BODY})
"""

BODIES: tuple[tuple[str, str], ...] = (
    ("return_call", "call $tail"),
    ("return_call, 10 times", "i32.const 10 call $count"),
    ("return_call with an argument", "i32.const 1 call $tail_id drop"),
    ("return_call_indirect", "call $tail_indirect"),
    ("return_call_ref", "call $tail_ref"),
    ("call_ref", "ref.func $empty call_ref $v"),
    ("call_ref with an argument", "i32.const 1 ref.func $id call_ref $ii drop"),
    ("try_table that nothing is thrown in", "block try_table (catch_all 0) end end"),
    ("try_table with a result", "block try_table (result i32) (catch_all 0) i32.const 1 end drop end"),
    ("br out of try_table", "block try_table (catch_all 0) br 1 end end"),
    ("throw, catch_all in the same function", "block try_table (catch_all 0) throw $t end end"),
    ("throw, catch in the same function", "block try_table (catch $t 0) throw $t end end"),
    (
        "throw, catch with a value",
        "block (result i32) try_table (catch $ti 0) i32.const 1 throw $ti end unreachable end drop",
    ),
    ("throw, catch_ref", "block (result exnref) try_table (catch_ref $t 0) throw $t end unreachable end drop"),
    (
        "throw, the second clause catches",
        "block block (result i32) try_table (catch $ti 0) (catch $t 1) throw $t end unreachable end drop end",
    ),
    (
        "throw, an outer try_table catches",
        "block try_table (catch_all 0) block (result i32) try_table (catch $ti 0) throw $t end unreachable end drop end end",
    ),
    ("throw in a callee", "block try_table (catch_all 0) call $throw end end"),
    ("throw two calls deep", "block try_table (catch_all 0) call $throw_deep end end"),
    (
        "throw_ref",
        "block try_table (catch_all 0) block (result exnref) try_table (catch_all_ref 0) throw $t end unreachable end throw_ref end end",
    ),
    ("ref.as_non_null", "ref.func $empty ref.as_non_null drop"),
    ("br_on_null, null", "block ref.null any br_on_null 0 drop end"),
    ("br_on_null, not null", "block i32.const 1 ref.i31 br_on_null 0 drop end"),
    ("br_on_non_null, null", "block (result (ref any)) ref.null any br_on_non_null 0 i32.const 1 ref.i31 end drop"),
    ("br_on_non_null, not null", "block (result (ref any)) i32.const 1 ref.i31 br_on_non_null 0 unreachable end drop"),
    ("ref.eq", "ref.null eq ref.null eq ref.eq drop"),
    ("ref.i31", "i32.const 1 ref.i31 drop"),
    ("i31.get_s", "i32.const 1 ref.i31 i31.get_s drop"),
    ("i31.get_u", "i32.const 1 ref.i31 i31.get_u drop"),
    ("struct.new", "i32.const 1 i32.const 2 struct.new $p drop"),
    ("struct.new, three fields", "i32.const 1 i32.const 2 i64.const 3 struct.new $q drop"),
    ("struct.new_default", "struct.new_default $p drop"),
    ("struct.get", "struct.new_default $p struct.get $p 0 drop"),
    ("struct.get_s", "struct.new_default $p struct.get_s $p 1 drop"),
    ("struct.get_u", "struct.new_default $p struct.get_u $p 1 drop"),
    ("struct.set", "struct.new_default $p i32.const 1 struct.set $p 0"),
    ("array.get", "i32.const 3 array.new_default $a i32.const 1 array.get $a drop"),
    ("array.get_s", "i32.const 3 array.new_default $b i32.const 1 array.get_s $b drop"),
    ("array.get_u", "i32.const 3 array.new_default $b i32.const 1 array.get_u $b drop"),
    ("array.set", "i32.const 3 array.new_default $a i32.const 1 i32.const 1 array.set $a"),
    ("array.len", "i32.const 3 array.new_default $a array.len drop"),
    ("array.new_fixed 0", "array.new_fixed $a 0 drop"),
    ("array.new_fixed 5", "i32.const 1 i32.const 1 i32.const 1 i32.const 1 i32.const 1 array.new_fixed $a 5 drop"),
    ("ref.test, abstract", "struct.new_default $q ref.test (ref struct) drop"),
    ("ref.test, defined, its own type", "struct.new_default $q ref.test (ref $q) drop"),
    ("ref.test, defined, a supertype", "struct.new_default $q ref.test (ref $p) drop"),
    ("ref.test, fails", "struct.new_default $p ref.test (ref $q) drop"),
    ("ref.test, null", "ref.null any ref.test (ref null $q) drop"),
    ("ref.cast, abstract", "struct.new_default $q ref.cast (ref struct) drop"),
    ("ref.cast, defined", "struct.new_default $q ref.cast (ref $p) drop"),
    ("ref.cast, null", "ref.null any ref.cast (ref null $q) drop"),
    (
        "br_on_cast, taken",
        "block (result (ref $q)) struct.new_default $q br_on_cast 0 (ref $p) (ref $q) unreachable end drop",
    ),
    (
        "br_on_cast, not taken",
        "block (result (ref $q)) struct.new_default $p br_on_cast 0 (ref $p) (ref $q) drop struct.new_default $q end drop",
    ),
    (
        "br_on_cast_fail, taken",
        "block (result (ref $p)) struct.new_default $p br_on_cast_fail 0 (ref $p) (ref $q) unreachable end drop",
    ),
    (
        "br_on_cast_fail, not taken",
        "block (result (ref $p)) struct.new_default $q br_on_cast_fail 0 (ref $p) (ref $q) end drop",
    ),
    ("any.convert_extern", "ref.null extern any.convert_extern drop"),
    ("extern.convert_any", "ref.null any extern.convert_any drop"),
    ("extern.convert_any, any.convert_extern", "i32.const 1 ref.i31 extern.convert_any any.convert_extern drop"),
    ("memory.size, grow, 64-bit", "memory.size $wide drop i64.const 1 memory.grow $wide drop"),
    ("i32.load and store, 64-bit", "i64.const 0 i64.const 0 i32.load $wide i32.store $wide"),
    ("memory.copy between a 32-bit and a 64-bit memory", "i64.const 0 i32.const 0 i32.const 200 memory.copy $wide 0"),
    ("memory.fill 5, 64-bit", "i64.const 0 i32.const 0 i64.const 5 memory.fill $wide"),
    ("memory.copy 5, 64-bit", "i64.const 0 i64.const 0 i64.const 5 memory.copy $wide $wide"),
    ("memory.grow 50, 64-bit (fails)", "i64.const 50 memory.grow $wide drop"),
    ("memory.fill 200, 64-bit", "i64.const 0 i32.const 0 i64.const 200 memory.fill $wide"),
    ("table.get and set, 64-bit", "i64.const 0 i64.const 1 table.get $wide_table table.set $wide_table"),
    ("table.fill 5, 64-bit", "i64.const 0 ref.null func i64.const 5 table.fill $wide_table"),
    ("table.grow 5, 64-bit", "ref.null func i64.const 5 table.grow $wide_table drop"),
    ("table.copy 5, 64-bit", "i64.const 0 i64.const 0 i64.const 5 table.copy $wide_table $wide_table"),
    ("table.copy 5 to a 64-bit table", "i64.const 0 i32.const 0 i32.const 5 table.copy $wide_table $table"),
    ("table.init 5 of anyref", "i32.const 0 i32.const 0 i32.const 5 table.init $any $e"),
    ("table.fill 5 of anyref", "i32.const 0 ref.null any i32.const 5 table.fill $any"),
)

ARRAYS: tuple[tuple[str, str], ...] = (
    ("array.new", "i32.const 7 {n} array.new $a drop"),
    ("array.new of anyref", "ref.null any {n} array.new $r drop"),
    ("array.new_default", "{n} array.new_default $a drop"),
    ("array.new_default of i8", "{n} array.new_default $b drop"),
    ("array.new_data", "i32.const 0 {n} array.new_data $a $d drop"),
    ("array.new_data of i8", "i32.const 0 {n} array.new_data $b $d drop"),
    ("array.new_elem", "i32.const 0 {n} array.new_elem $r $e drop"),
    ("array.fill", "global.get $ka i32.const 0 i32.const 7 {n} array.fill $a"),
    ("array.copy", "global.get $ka i32.const 0 global.get $ka i32.const 0 {n} array.copy $a $a"),
    ("array.init_data", "global.get $ka i32.const 0 i32.const 0 {n} array.init_data $a $d"),
    ("array.init_elem", "global.get $kr i32.const 0 i32.const 0 {n} array.init_elem $r $e"),
)
"""The operations without their length. The arrays to fill have 300 elements."""

LENGTHS = ("i32.const {}", "(i32.add (i32.const {}) (i32.const 0))")
"""A length as a constant and as a computed value."""


def measure(engine: Engine, body: str) -> tuple[int, int]:
    """Return the fuel that a call of ``f`` with this body consumes, and the least budget with which it finishes."""
    module = engine.compile(bytes(wasmtime.wat2wasm(f"(module {FIELDS.replace(BODY, body)})")))

    def run(budget: Budget) -> int | None:
        store = engine.new_store()
        exports = store.instantiate(module, {}).exports
        cast(Func, exports["setup"]).call()
        before = store.fuel_consumed
        store.set_budget(budget)
        try:
            cast(Func, exports["f"]).call()
        except Trap:
            return None
        return store.fuel_consumed - before

    consumed = run(Budget())
    assert consumed is not None, body
    low, high = -1, consumed + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if run(Budget(fuel=middle)) is None else (low, middle)
    return consumed, high


def vectors() -> Iterator[tuple[str, str]]:
    """Yield every vector instruction with a body that applies it to zeros."""
    immediates = {Immediate.LANEIDX: "0", Immediate.LANEIDX_16: "0 " * 16, Immediate.V128: "i64x2 0 0"}
    for row in TABLE.rows:
        if row.prefix == 0xFD:
            written = " ".join(immediates.get(it, "") for it in row.immediates)
            drop = "" if ".store" in row.mnemonic else "drop"
            yield row.mnemonic, f"{_operands(row)} {row.mnemonic} {written} {drop}"


def _operands(row: Opcode) -> str:
    if row.access is not None:
        value = ".store" in row.mnemonic or row.access.vector is VectorForm.LANE
        return f"i32.const 0 {_ZERO_VECTOR if value else ''}"
    return " ".join(_ZERO_VECTOR if it is V128 else f"{it}.const 0" for it in row.parameters or ())


def arrays() -> Iterator[tuple[str, str]]:
    """Yield the operations on whole arrays, by length and by how the length is written."""
    for label, template in ARRAYS:
        for length in (0, 128, 129, 200):
            for written in LENGTHS:
                number = written.format(length)
                yield f"{label}, {number}", template.format(n=number)


def main() -> None:
    """Print the figures."""
    engines = [registry.engine(name) for name in ("wasmtime", "reference")]
    print(f"wasmtime-py {version('wasmtime')}\n")
    print("| call of | fuel: wasmtime | reference | first budget that finishes: wasmtime | reference | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for label, body in (*BODIES, *arrays()):
        one, other = (measure(engine, body) for engine in engines)
        print(f"| {label} | {one[0]} | {other[0]} | {one[1]} | {other[1]} | {'' if one == other else 'differ'} |")
    found = {label: [measure(engine, body) for engine in engines] for label, body in vectors()}
    differing = {label: pair for label, pair in found.items() if pair[0] != pair[1]}
    print(f"\n{len(found)} vector instructions, {len(differing)} of which differ: {differing}")


if __name__ == "__main__":
    main()
