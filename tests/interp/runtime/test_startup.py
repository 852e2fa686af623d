"""The fuel of instantiation, and where a budget ends it: each module on both engines (``bench/fuel-facts.md``)."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.engines import ENGINES, engine, first_budget
from support.wasm import wat

from zenowasm.backends.protocol import Budget, FuncType, GlobalType, MemType, Store, TableType
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.types import FUNCREF, I32, Limits

PLUGINS = Path(__file__).parents[3] / "examples" / "plugins"

FUNCTION = "(func $f)"
GLOBAL = '(import "" "g" (global $g i32))'
MEMORY = '(import "" "m" (memory $m 1))'
TABLE = '(import "" "t" (table $t 10 funcref))'
ARRAY = "(type $a (array i32))"
REFERENCE = "(global funcref (ref.func $f))"
DATA = '(memory 1) (data (i32.const 0) "abc")'


def functions(count: int) -> str:
    return "$f " * count


def expressions(count: int) -> str:
    return "(ref.func $f) " * count


# The fuel, and the first budget that finishes: what wasmtime 50 measures. Each row runs on both engines.
MODULES: list[tuple[str, int, int]] = [
    # The start function.
    (f"{FUNCTION} (start $f)", 3, 4),
    ('(import "" "f" (func $f)) (start $f)', 2, 2),
    (f"{FUNCTION} (func $s (drop (i32.const 1)) (call $f)) (start $s)", 6, 7),
    # Its bulk operations: a length that is an immutable global of a constant is a constant.
    (
        "(memory 1) (global $c i32 (i32.const 5)) (func $s (memory.fill (i32.const 0) (i32.const 0) (global.get $c))) (start $s)",
        12,
        4,
    ),
    (
        "(memory 1) (global $c (mut i32) (i32.const 5)) (func $s (memory.fill (i32.const 0) (i32.const 0) (global.get $c))) (start $s)",
        12,
        13,
    ),
    # Globals.
    ("(global i32 (i32.const 1)) (global (mut f64) (f64.const 1)) (global v128 (v128.const i64x2 1 2))", 0, 0),
    ("(global funcref (ref.null func))", 2, 2),
    (f"{FUNCTION} {REFERENCE}", 2, 2),
    ("(global $a i32 (i32.const 1)) (global i32 (global.get $a))", 2, 2),
    ("(global $a i32 (i32.const 1)) (global $b i32 (global.get $a)) (global i32 (global.get $b))", 3, 2),
    (f"{GLOBAL} (global i32 (global.get $g))", 2, 2),
    ("(global i64 (i64.sub (i64.mul (i64.const 1) (i64.const 2)) (i64.const 9)))", 6, 2),
    (f"{GLOBAL} (global i32 (i32.add (global.get $g) (i32.const 2)))", 4, 2),
    ("(global externref (extern.convert_any (ref.i31 (i32.const 1))))", 4, 2),
    ("(type $s (struct (field i32))) (global (ref $s) (struct.new $s (i32.const 1)))", 3, 2),
    ("(type $s (struct (field i32))) (global (ref $s) (struct.new_default $s))", 2, 2),
    # Arrays, by how their length is written.
    (f"{ARRAY} (global (ref $a) (array.new $a (i32.const 7) (i32.const 128)))", 132, 2),
    (f"{ARRAY} (global (ref $a) (array.new $a (i32.const 7) (i32.const 129)))", 133, 134),
    (f"{ARRAY} (global (ref $a) (array.new_default $a (i32.add (i32.const 2) (i32.const 3))))", 10, 11),
    (f"{ARRAY} {GLOBAL} (global (ref $a) (array.new_default $a (global.get $g)))", 8, 9),
    (f"{ARRAY} (global $c i32 (i32.const 5)) (global (ref $a) (array.new_default $a (global.get $c)))", 8, 2),
    (f"{ARRAY} (global $c i32 (i32.const 129)) (global (ref $a) (array.new_default $a (global.get $c)))", 132, 133),
    (f"{ARRAY} (global (ref $a) (array.new_fixed $a 2 (i32.const 1) (i32.const 10)))", 4, 2),
    # Passive and declared elements.
    (f"{FUNCTION} (elem func)", 1, 2),
    (f"{FUNCTION} (elem func {functions(200)}) (elem func $f)", 1, 2),
    (f"{FUNCTION} (elem declare func $f) (elem declare funcref (ref.func $f))", 0, 0),
    (f"{FUNCTION} (elem funcref {expressions(200)})", 201, 2),
    ("(elem externref)", 1, 2),
    (f"{ARRAY} (elem (ref $a) (array.new_default $a (i32.const 129)))", 132, 133),
    # Tables.
    ("(table 3 funcref (ref.null func))", 5, 2),
    (f"{FUNCTION} (table 200 funcref (ref.func $f))", 0, 0),
    (f"{FUNCTION} (table 1048577 funcref (ref.func $f))", 1048579, 1048580),
    ("(table 128 externref (ref.null extern))", 130, 2),
    ("(table i64 129 externref (ref.null extern))", 131, 132),
    ("(table 0 externref (ref.null extern))", 2, 2),
    (f"{ARRAY} (table 3 (ref $a) (array.new_default $a (i32.const 129)))", 135, 133),
    # Active elements.
    (f"(table 10 funcref) {FUNCTION} (elem (i32.const 0) func $f) (elem (i32.const 10) func)", 0, 0),
    (f"(table i64 10 funcref) {FUNCTION} (elem (i64.const 9) func $f)", 0, 0),
    (f"(table 10 funcref) {FUNCTION} (elem (i32.const 0) funcref)", 2, 2),
    (f"(table 10 funcref) {FUNCTION} (elem (i32.const 0) funcref (ref.func $f) (ref.null func))", 6, 2),
    (
        f"(table 10 funcref) {FUNCTION} (elem (i32.const 0) func $f) (elem (i32.const 1) funcref (ref.func $f)) (elem (i32.const 2) func $f $f)",
        7,
        2,
    ),
    (f"(table 10 funcref) {FUNCTION} (elem (i32.add (i32.const 0) (i32.const 1)) func $f)", 5, 2),
    (f"(table 5 funcref (ref.null func)) {FUNCTION} (elem (i32.const 0) func $f)", 9, 2),
    (f"{FUNCTION} (table 5 funcref (ref.func $f)) (elem (i32.const 0) func $f)", 0, 0),
    ("(table 10 externref) (elem (i32.const 0) externref (ref.null extern))", 4, 2),
    (f"{TABLE} {FUNCTION} (elem (i32.const 0) func $f)", 3, 2),
    (f"{TABLE} (table $u 5 funcref) {FUNCTION} (elem (table $u) (i32.const 0) func $f) (elem (i32.const 0) $f)", 3, 2),
    (f"{TABLE} (table $u 5 funcref) {FUNCTION} (elem (i32.const 0) $f) (elem (table $u) (i32.const 0) func $f)", 5, 2),
    (f"{GLOBAL} {FUNCTION} (table 300 funcref) (elem (global.get $g) func {functions(128)})", 130, 2),
    (f"{GLOBAL} {FUNCTION} (table 300 funcref) (elem (global.get $g) func {functions(129)})", 131, 132),
    (f"{GLOBAL} {FUNCTION} (table 300 funcref) (elem (global.get $g) funcref {expressions(128)})", 258, 2),
    (f"{GLOBAL} {FUNCTION} (table 300 funcref) (elem (global.get $g) funcref {expressions(129)})", 260, 261),
    (f"{ARRAY} (table 3 (ref null $a)) (elem (i32.const 0) (ref $a) (array.new_default $a (i32.const 129)))", 134, 135),
    (f"(table 2000000 funcref) {FUNCTION} (elem (i32.const 1048575) func $f)", 0, 0),
    (f"(table 2000000 funcref) {FUNCTION} (elem (i32.const 1048576) func $f)", 3, 2),
    # Data, placed beforehand or written.
    (DATA, 0, 0),
    ('(memory i64 1) (data (i64.const 0) "abc")', 0, 0),
    ('(memory 1) (data "abc") (data (i32.const 65536) "")', 0, 0),
    (f'{GLOBAL} (memory 1) (data (global.get $g) "")', 2, 3),
    (f'{GLOBAL} (memory 1) (data (i32.const 0) "abc") (data (global.get $g) "abc")', 9, 10),
    (f'{GLOBAL} (memory 1) (memory $n 1) (data (memory $n) (i32.const 0) "a") (data (global.get $g) "abc")', 7, 8),
    ('(memory i64 1) (data (i64.add (i64.const 0) (i64.const 1)) "abc")', 7, 8),
    (f'{GLOBAL} (memory 1) (data (global.get $g) "{"x" * 128}")', 130, 131),
    ('(memory 257) (data (i32.const 0) "abc") (data (i32.const 16777212) "abc")', 0, 0),
    ('(memory 257) (data (i32.const 0) "abc") (data (i32.const 16777213) "abc")', 9, 10),
    ('(memory 1) (memory 1) (data (i32.const 0) "abc")', 1, 2),
    ('(memory 1) (memory 1) (data (i32.const 0) "abc") (data (memory 1) (i32.const 0) "abc")', 0, 0),
    (f'{MEMORY} (data (i32.const 0) "abc")', 5, 6),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "abc")', 8193, 8194),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "a\\00")', 4097, 4098),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "\\00a")', 4097, 4098),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "\\00\\00")', 8193, 8194),
    (
        f'{MEMORY} (memory $n 1) (memory $o 1) (data (memory $n) (i32.const 0) "a") (data (memory $o) (i32.const 1) "a")',
        8193,
        8194,
    ),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 0) "abc") (data (i32.const 0) "abc")', 9, 10),
    (f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 0) "")', 0, 0),
    # What is charged since the last check is lost before memories that are mapped.
    (f"{FUNCTION} {REFERENCE} {DATA}", 1, 2),
    (f"{FUNCTION} {REFERENCE} {DATA} (start $f)", 3, 4),
    (f"{FUNCTION} {REFERENCE} {DATA} (table 200 externref (ref.null extern))", 203, 204),
    (f'{FUNCTION} {REFERENCE} (memory 1) (data (i32.const 0) "")', 2, 2),
    (f'{MEMORY} {FUNCTION} {REFERENCE} (memory $n 1) (data (memory $n) (i32.const 0) "abc")', 4098, 4099),
]


def imports(store: Store) -> Mapping[tuple[str, str], Any]:
    return {
        ("", "f"): store.host_function(FuncType(), lambda _, __: ()),
        ("", "g"): store.new_global(GlobalType(I32), 5),
        ("", "m"): store.new_memory(MemType(Limits(1))),
        ("", "t"): store.new_table(TableType(FUNCREF, Limits(10))),
    }


def measured(name: str, text: str) -> tuple[int, int]:
    """Return the fuel of a module's instantiation and the first budget with which it finishes."""
    chosen = engine(name)
    module = chosen.compile(wat(f"(module {text})"))
    store = chosen.new_store()
    store.instantiate(module, imports(store))
    return store.fuel_consumed, first_budget(chosen, module, store.fuel_consumed, imports)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("text", "fuel", "first"), MODULES)
def test_an_instantiation_costs_and_ends_as_on_wasmtime(name: str, text: str, fuel: int, first: int) -> None:
    assert measured(name, text) == (fuel, first)


# Fields of modules by their section, of which any choice is a valid module.
FIELDS: list[list[str]] = [
    [GLOBAL],
    [MEMORY, ""],
    [TABLE, ""],
    [
        "(table $own 300 funcref)",
        f"(table $own 200 funcref (ref.func $f)) {FUNCTION.replace('$f', '$other')}",
        "(table $own 300 funcref (ref.null func))",
        "(table $own 129 funcref) (table 3 anyref (ref.i31 (i32.const 1)))",
    ],
    ['(memory $own 1) (data (memory $own) (i32.const 9) "own")', "(memory $own 1)", "(memory $own 2) (memory $more 1)"],
    ["(global $c i32 (i32.const 3))"],
    ["", REFERENCE, "(global (ref $a) (array.new_default $a (i32.const 200)))", "(global i32 (global.get $c))"],
    [
        "",
        "(global (ref $a) (array.new_default $a (global.get $c)))",
        "(global i32 (i32.add (global.get $g) (i32.const 1)))",
    ],
    ["", "(start $f)"],
    ["", "(elem func $f)", "(elem funcref (ref.func $f) (ref.null func))", "(elem (ref $a) (array.new_fixed $a 0))"],
    ["", "(elem (table $own) (i32.const 3) func $f)", "(elem (table $own) (global.get $c) func $f $f)"],
    [
        "",
        "(elem (table $own) (i32.const 0) funcref (ref.func $f))",
        f"(elem (table $own) (i32.const 0) func {functions(129)})",
    ],
    [
        "",
        f"(elem (table $own) (i32.const 0) funcref {expressions(129)})",
        "(elem (table $own) (global.get $g) func $f)",
    ],
    ["", '(data (memory $own) (i32.const 0) "abc")', '(data (memory $own) (global.get $g) "abc")'],
    ["", '(data (memory $own) (i32.const 65536) "")', '(data (memory $own) (i32.const 7) "\\00")', '(data "abc")'],
]


@pytest.mark.parametrize("seed", range(200))
def test_any_mixture_costs_the_same_on_both_engines(seed: int) -> None:
    chance = random.Random(seed)
    text = " ".join([ARRAY, *map(chance.choice, FIELDS), FUNCTION])
    assert measured("reference", text) == measured("wasmtime", text), text


def test_an_instantiation_shares_its_budget_with_the_start_function() -> None:
    text = (
        f"(module {ARRAY} (global (ref $a) (array.new_default $a (i32.const 200))) (func $s (loop (br 0))) (start $s))"
    )
    for name in ENGINES:
        store = engine(name).new_store()
        store.set_budget(Budget(fuel=1000))
        with pytest.raises(Trap) as trapped:
            store.instantiate(engine(name).compile(wat(text)), {})
        assert trapped.value.code is TrapCode.OUT_OF_FUEL
        assert store.fuel_consumed == 1000


@pytest.mark.parametrize("path", sorted(PLUGINS.glob("*/*.wasm")), ids=lambda path: path.stem)
def test_the_example_plugins_cost_the_same_on_both_engines(path: Path) -> None:
    consumed = []
    for name in ENGINES:
        module, store = engine(name).compile(path.read_bytes()), engine(name).new_store()
        hosts = {(entry.module, entry.name): entry.type for entry in module.imports}
        store.instantiate(module, {key: store.host_function(type_, lambda _, __: ()) for key, type_ in hosts.items()})
        consumed.append(store.fuel_consumed)
    assert consumed[0] == consumed[1]
