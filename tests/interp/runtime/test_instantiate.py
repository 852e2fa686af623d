"""Instantiation (specification, 4.7.2): linking, segments, the start function; the same for every engine."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.engines import ENGINES, Guest, engine
from support.wasm import wat

from zenowasm.backends.protocol import FuncType, GlobalType, MemType, Store, TableType
from zenowasm.interp.errors import LinkError, Trap, TrapCode
from zenowasm.interp.types import EXTERNREF, F32, FUNCREF, I32, I64, Limits

Make = Callable[[Store], Any]


def function(*parameters: Any) -> Make:
    return lambda store: store.host_function(FuncType(parameters), lambda _, __: ())


def memory(minimum: int, maximum: int | None = None) -> Make:
    return lambda store: store.new_memory(MemType(Limits(minimum, maximum)))


def table(minimum: int, maximum: int | None = None, element: Any = FUNCREF) -> Make:
    return lambda store: store.new_table(TableType(element, Limits(minimum, maximum)))


def global_(type_: Any, *, mutable: bool = False) -> Make:
    return lambda store: store.new_global(GlobalType(type_, mutable), 0)


FITTING: list[tuple[str, Make]] = [
    ("(func (param i32))", function(I32)),
    ("(func)", function()),
    ("(memory 1)", memory(1)),
    ("(memory 1)", memory(3, 5)),
    ("(memory 1 5)", memory(1, 5)),
    ("(memory 0 5)", memory(2, 4)),
    ("(table 1 funcref)", table(2)),
    ("(table 1 3 externref)", table(2, 3, EXTERNREF)),
    ("(global i32)", global_(I32)),
    ("(global (mut i64))", global_(I64, mutable=True)),
]

MISFITS: list[tuple[str, Make]] = [
    ("(func (param i32))", function(I64)),
    ("(func (param i32))", function()),
    ("(func (result i32))", function()),
    ("(func)", memory(1)),
    ("(memory 2)", memory(1)),
    ("(memory 1 5)", memory(1)),
    ("(memory 1 5)", memory(1, 6)),
    ("(memory 1)", function()),
    ("(table 2 funcref)", table(1)),
    ("(table 1 2 funcref)", table(1)),
    ("(table 1 2 funcref)", table(1, 3)),
    ("(table 1 funcref)", table(1, None, EXTERNREF)),
    ("(global i32)", global_(F32)),
    ("(global i32)", global_(I32, mutable=True)),
    ("(global (mut i32))", global_(I32)),
    ("(global i32)", memory(1)),
]


def link(name: str, wanted: str, make: Make | None) -> None:
    binary = wat(f'(module (import "a" "b" {wanted}))')
    imports: Callable[[Store], Mapping[tuple[str, str], Any]] = lambda store: (  # noqa: E731
        {} if make is None else {("a", "b"): make(store)}
    )
    Guest(binary, name, imports=imports)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("case", FITTING, ids=lambda case: case[0])
def test_what_fits_is_linked(name: str, case: tuple[str, Make]) -> None:
    link(name, *case)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("case", MISFITS, ids=lambda case: case[0])
def test_what_does_not_fit_is_refused(name: str, case: tuple[str, Make]) -> None:
    with pytest.raises(LinkError, match="incompatible import type"):
        link(name, *case)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("wanted", [case[0] for case in FITTING[::3]])
def test_what_is_missing_is_named(name: str, wanted: str) -> None:
    with pytest.raises(LinkError, match=r"unknown import.*a.*b"):
        link(name, wanted, None)


def test_a_grown_memory_is_linked_by_its_size_of_now() -> None:
    for name in ENGINES:
        store = engine(name).new_store()
        grown = store.new_memory(MemType(Limits(1)))
        grown.grow(2)
        store.instantiate(engine(name).compile(wat('(module (import "a" "b" (memory 3)))')), {("a", "b"): grown})


@pytest.mark.parametrize("name", ENGINES)
def test_instances_share_what_they_import(name: str) -> None:
    store = engine(name).new_store()
    provider = store.instantiate(
        engine(name).compile(
            wat(
                '(module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 1)) (table (export "t") 2 funcref) (func (export "f") (result i32) (i32.load8_u (i32.const 3))))'
            )
        ),
        {},
    )
    imports = {("p", export): extern for export, extern in provider.exports.items()}
    user = store.instantiate(
        engine(name).compile(
            wat("""(module (import "p" "m" (memory 1)) (import "p" "g" (global $g (mut i32))) (import "p" "t" (table 2 funcref))
            (import "p" "f" (func $f (result i32))) (elem (i32.const 1) $mine) (data (i32.const 3) "\\2a")
            (func $mine (result i32) i32.const 9)
            (func (export "f") (result i32) (global.set $g (i32.const 5)) call $f))""")
        ),
        imports,
    )
    exported: Any = user.exports["f"]
    shared: dict[str, Any] = dict(provider.exports)
    assert exported.call() == (42,)
    assert shared["g"].get() == 5
    assert shared["t"].get(1).call() == (9,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ('(memory 1) (data (i32.const 65536) "a")', TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
        ('(memory 1) (data (i32.const -1) "")', TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
        ("(table 1 funcref) (func $f) (elem (i32.const 1) $f)", TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS),
        ("(table 1 funcref) (elem (i32.const 2) funcref)", TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS),
        ("(func $f unreachable) (start $f)", TrapCode.UNREACHABLE),
    ],
)
def test_instantiation_traps(name: str, fields: str, code: TrapCode) -> None:
    with pytest.raises(Trap) as caught:
        Guest(wat(f"(module {fields})"), name)
    assert caught.value.code is code


@pytest.mark.parametrize("name", ENGINES)
def test_what_ran_before_a_trap_stays_done(name: str) -> None:
    store = engine(name).new_store()
    shared = store.new_memory(MemType(Limits(1)))
    binary = wat(
        '(module (import "a" "b" (memory 1)) (data (i32.const 0) "done") (data (i32.const 65535) "no") (data (i32.const 8) "never"))'
    )
    with pytest.raises(Trap):
        store.instantiate(engine(name).compile(binary), {("a", "b"): shared})
    assert shared.read(0, 4) == b"done"
    assert shared.read(8, 5) == bytes(5)
    assert shared.read(65535, 1) == b"\0"


@pytest.mark.parametrize("name", ENGINES)
def test_an_empty_segment_at_the_very_end_fits(name: str) -> None:
    Guest(wat('(module (memory 1) (data (i32.const 65536) "") (table 2 funcref) (elem (i32.const 2) funcref))'), name)


@pytest.mark.parametrize("name", ENGINES)
def test_active_segments_are_dropped(name: str) -> None:
    text = """(module (memory 1) (data $d (i32.const 0) "abc") (table 2 funcref) (elem $e (i32.const 0) func $f) (elem $declared declare func $f)
      (func $f) (func (export "data") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))
      (func (export "elem") (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))
      (func (export "declared") (table.init $declared (i32.const 0) (i32.const 0) (i32.const 1))))"""
    guest = Guest(wat(text), name)
    assert guest.outcome("data").trap is TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS
    assert guest.outcome("elem").trap is TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS
    assert guest.outcome("declared").trap is TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS


@pytest.mark.parametrize("name", ENGINES)
def test_the_start_function_runs_after_the_segments_and_costs_fuel(name: str) -> None:
    # Beside its own 4, the entry of the code that calls it and the call.
    text = '(module (memory 1) (global (export "g") (mut i32) (i32.const 0)) (data (i32.const 1) "\\07") (func $s (global.set 0 (i32.load8_u (i32.const 1)))) (start $s))'
    guest = Guest(wat(text), name)
    assert guest["g"].get() == 7
    assert guest.store.fuel_consumed == 6


@pytest.mark.parametrize("name", ENGINES)
def test_globals_and_places_may_come_from_imports(name: str) -> None:
    binary = wat("""(module (import "a" "b" (global $place i32)) (global (export "copy") i32 (global.get $place))
      (memory (export "m") 1) (data (global.get $place) "here") (func $f (export "f"))
      (global (export "ref") funcref (ref.func $f)) (table (export "t") 12 funcref) (elem (global.get $place) $f))""")
    guest = Guest(binary, name, imports=lambda store: {("a", "b"): store.new_global(GlobalType(I32), 10)})
    assert guest["copy"].get() == 10
    assert guest["m"].read(10, 4) == b"here"
    assert [guest["t"].get(index) is None for index in (9, 10, 11)] == [True, False, True]
    assert guest["ref"].get().call() == ()


@pytest.mark.parametrize("name", ENGINES)
def test_a_module_says_what_it_wants_and_offers(name: str) -> None:
    binary = wat(
        '(module (import "a" "b" (func (param i32))) (import "a" "" (memory 1 2)) (table (export "t") 1 funcref) (global (export "g") (mut f32) (f32.const 0)))'
    )
    compiled = engine(name).compile(binary)
    assert [(it.module, it.name, it.type) for it in compiled.imports] == [
        ("a", "b", FuncType((I32,))),
        ("a", "", MemType(Limits(1, 2))),
    ]
    assert [(it.name, it.type) for it in compiled.exports] == [
        ("t", TableType(FUNCREF, Limits(1))),
        ("g", GlobalType(F32, True)),
    ]


@pytest.mark.parametrize("name", ENGINES)
def test_a_module_of_another_engine_is_refused(name: str) -> None:
    other = next(it for it in ENGINES if it != name)
    with pytest.raises(TypeError):
        engine(name).new_store().instantiate(engine(other).compile(wat("(module)")), {})
