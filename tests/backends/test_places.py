"""Where a guest trapped: wasmtime's compiler merges a trap with a branch, and its place is still its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Engine, EngineOptions
from zenowasm.interp.errors import Trap, TrapCode

REFERENCE = registry.engine("reference")
VARIANTS = {
    "interrupts": registry.engine("wasmtime", EngineOptions(fuel=False)),
    "nothing": registry.engine("wasmtime", EngineOptions(fuel=False, interrupts=False, deterministic=False)),
    "all": registry.engine("wasmtime"),
}
MEMORY = (
    "(memory 1 1) (table 1 1 funcref) (type $t (struct (field i32))) (type $f (func)) (func $nothing)"
    " (global $g (mut i32) (i32.const 0))"
)
BODIES = {
    "first": "unreachable",
    "after what has no effect": "(drop (i32.const 1)) nop unreachable",
    "in blocks": "(block (block unreachable))",
    "in a loop": "(loop unreachable)",
    "in a branch of an if": "(if (i32.eqz (local.get 0)) (then unreachable))",
    "in the other branch": "(if (local.get 0) (then) (else unreachable))",
    "after an if": "(if (local.get 0) (then return)) unreachable",
    "in the first of two ifs": "(if (i32.eqz (local.get 0)) (then unreachable)) (if (local.get 0) (then unreachable))",
    "in the second of two ifs": "(if (local.get 0) (then unreachable)) (if (i32.eqz (local.get 0)) (then unreachable))",
    "behind a branch": "(block (br_if 0 (i32.eqz (local.get 0))) return) unreachable",
    "where no branch is taken": "(block (br_if 0 (local.get 0)) unreachable)",
    "behind a branch out of two blocks": "(block (block (br_if 1 (i32.eqz (local.get 0))) return) return) unreachable",
    "by way of a jump": "(block (if (i32.eqz (local.get 0)) (then (br 1))) return) (drop (i32.const 3)) unreachable",
    "behind an else": "(block (if (i32.eqz (local.get 0)) (then nop) (else return))) unreachable",
    "after a null": "(block (br_on_null 0 (ref.null func)) drop return) unreachable",
    "after a loop": "(loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 9))))"
    " unreachable",
    "after a call": "(call $nothing) unreachable",
    "after an effect": "(if (i32.eqz (local.get 0)) (then (global.set $g (i32.const 1)) unreachable))",
    "of a store that traps itself": "(i32.store (i32.const 70000) (i32.const 1)) unreachable",
    "of a load that is always outside": "(block (br_if 0 (local.get 0)) (drop (i32.load offset=65536 (local.get 0))))",
    "of a store that is always outside": "(loop (i64.store offset=1000000000 (i32.const 0) (i64.const 1)))",
    "of a table that is always too small": "(if (i32.eqz (local.get 0)) (then (drop (table.get 0 (i32.const 5)))))",
    "of a call through it": "(if (i32.eqz (local.get 0)) (then (call_indirect 0 (i32.const 5))))",
    "of an empty element": "(if (i32.eqz (local.get 0)) (then (call_indirect 0 (i32.const 0))))",
    "of a null that is no number": "(if (i32.eqz (local.get 0)) (then (drop (i31.get_s (ref.null i31)))))",
    "of a null that is no structure": "(block (br_if 0 (local.get 0)) (drop (struct.get $t 0 (ref.null $t))))",
    "of a null that is no function": "(if (i32.eqz (local.get 0)) (then (call_ref $f (ref.null $f))))",
    "of a number that is none": "(if (i32.eqz (local.get 0)) (then (drop (i32.trunc_f64_s (f64.const nan)))))",
    "of a division by a constant": "(if (i32.eqz (local.get 0)) (then (drop (i32.rem_u (i32.const 1) (i32.const 0)))))",
    "of a division": "(if (i32.eqz (local.get 0)) (then (drop (i32.div_u (i32.const 1) (local.get 0)))))",
}


def place(engine: Engine, binary: bytes, *arguments: int) -> Any:
    store = engine.new_store()
    if engine is REFERENCE:
        store.set_budget(Budget(fuel=2_000))
    function: Any = store.instantiate(engine.compile(binary), {}).exports["f"]
    try:
        function.call(*arguments)
    except Trap as trap:
        return trap.code, trap.function, trap.offset
    return None


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_the_place_is_that_of_the_instruction_that_trapped(body: str, variant: str) -> None:
    binary = wat(f'(module {MEMORY} (func (export "f") (local i32) {body}))')
    expected = place(REFERENCE, binary)
    assert expected is not None
    assert place(VARIANTS[variant], binary) == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_in_a_function_without_locals(variant: str) -> None:
    """The byte that counts its locals is that of an ``unreachable``."""
    binary = wat(f'(module {MEMORY} (func (export "f") (drop (i32.const 1)) unreachable))')
    assert place(VARIANTS[variant], binary) == place(REFERENCE, binary)


def test_in_a_module_that_is_compiled_otherwise_than_it_was_given() -> None:
    """Modules with several memories are rewritten (``metering``), and places are those of the original."""
    for body in BODIES.values():
        grow = "(drop (memory.grow 1 (i32.const 0)))"
        text = f'{MEMORY} (memory 1) (func (export "f") (local i32) {grow} {body} {grow})'
        binary = wat(f"(module {text})")
        assert place(VARIANTS["interrupts"], binary) == place(REFERENCE, binary)


CONDITIONS = ("(local.get 0)", "(i32.eqz (local.get 1))", "(i32.lt_s (local.get 0) (local.get 1))")
COUNT = "(local.set 2 (i32.add (local.get 2) (i32.const 1)))"
TURNS = "(br_if 0 (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3)))"


def statements(choose: random.Random, depth: int, blocks: int) -> str:
    return " ".join(statement(choose, depth, blocks) for _ in range(choose.randint(0, 3)))


def statement(choose: random.Random, depth: int, blocks: int) -> str:
    """Code in which no branch leads to a trap on either way: nobody could tell them apart."""
    condition = choose.choice(CONDITIONS)
    leaves = [
        *[f"(if {condition} (then unreachable))"] * 4,
        f"(if {condition} (then (drop (i32.load offset=1000000000 (local.get 0)))))",
        *(COUNT, "nop", "(call $nothing)", "(global.set $g (local.get 2))", "(local.set 2 (i32.load (local.get 2)))"),
        f"(br_if {choose.randint(0, blocks)} {condition})",
        f"(br {choose.randint(0, blocks)})",
    ]
    if depth == 0:
        return choose.choice(leaves)

    def inner() -> str:
        return statements(choose, depth - 1, blocks + 1)

    nests = [
        f"(if {condition} (then {inner()}) (else {inner()}))",
        f"(if {condition} (then {inner()}))",
        f"(block {inner()})",
        f"(loop {inner()} {TURNS})",
    ]
    return choose.choice(leaves + 2 * nests)


def programs(count: int) -> Iterator[bytes]:
    for seed in range(count):
        choose = random.Random(seed)
        body = " ".join(statements(choose, 4, 0) for _ in range(3))
        yield wat(f'(module {MEMORY} (func (export "f") (param i32 i32) (local i32 i32) {body}))')


def test_random_programs_trap_at_the_same_places() -> None:
    traps = 0
    for binary in programs(50):
        for arguments in ((0, 0), (0, 1), (7, 5)):
            expected = place(REFERENCE, binary, *arguments)
            if expected is not None and expected[0] is TrapCode.OUT_OF_FUEL:
                continue
            traps += expected is not None
            for name in ("interrupts", "nothing"):
                assert place(VARIANTS[name], binary, *arguments) == expected
    assert traps > 30
