"""Memories and tables of all kinds share a store's limits, on every engine, with the same results and fuel."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import ENGINES, Guest, Outcome, engine
from support.wasm import wat

from zenowasm.backends.protocol import Budget, ExecutionLimits, Memory, MemType, Table, TableType
from zenowasm.interp.errors import LimitError, Trap, TrapCode
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.types import FUNCREF, I64, Limits

SEVERAL = wat("""(module
  (global $mutable (mut i32) (i32.const 7)) (global (export "constant") i32 (i32.const 9))
  (memory $a (export "a") 2) (memory $b (export "b") 1 10) (memory $c (export "c") i64 1)
  (table $t (export "t") 2 funcref) (table $u (export "u") i64 1 (ref null extern))
  (elem (table $t) (i32.const 0) func 0)
  (func (export "grow_a") (param i32) (result i32) (memory.grow $a (local.get 0)))
  (func (export "grow_b") (param i32) (result i32) (memory.grow $b (local.get 0)))
  (func (export "grow_c") (param i64) (result i64) (memory.grow $c (local.get 0)))
  (func (export "constant_a") (result i32) (memory.grow $a (i32.const 5)))
  (func (export "large_a") (result i32) (memory.grow $a (i32.const 129)))
  (func (export "grow_t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (func (export "grow_u") (param i64) (result i64) (table.grow $u (ref.null extern) (local.get 0)))
  (func (export "constant_t") (result i32) (table.grow $t (ref.null func) (i32.const 4)))
  (func (export "globals") (result i32) (i32.add (global.get $mutable) (global.get 1)))
  (func (export "divides") (param i32) (result i32)
    (drop (memory.grow $b (i32.const 1))) (i32.div_u (i32.const 1) (local.get 0)))
  (func (export "spins") (drop (memory.grow $b (i32.const 1))) (loop (br 0))))""")
LIMITS = ExecutionLimits(memory_bytes=100 * PAGE_SIZE, table_elements=50)
NEVER_32, NEVER_64 = (1 << 32) - 1, (1 << 64) - 1


@pytest.mark.parametrize("name", ENGINES)
def test_memories_grow_within_one_limit(name: str) -> None:
    guest = Guest(SEVERAL, name, limits=LIMITS)
    assert guest("grow_a", 10) == (2,)
    assert guest("grow_b", 9) == (1,)
    assert guest("grow_b", 1) == (NEVER_32,)  # its own maximum
    assert guest("grow_c", 77) == (1,)
    assert guest("grow_c", 1 << 50) == (NEVER_64,)
    assert guest("grow_a", 1) == guest("constant_a") == guest("large_a") == (NEVER_32,)
    assert guest("grow_a", 0) == (12,)
    assert [guest[it].size // PAGE_SIZE for it in "abc"] == [12, 10, 78]


@pytest.mark.parametrize("name", ENGINES)
def test_tables_grow_within_one_limit(name: str) -> None:
    guest = Guest(SEVERAL, name, limits=LIMITS)
    assert guest("grow_u", 30) == (1,)
    assert guest("grow_t", 18) == (NEVER_32,)
    assert guest("grow_t", 13) == (2,)
    assert guest("constant_t") == (15,)
    assert guest("constant_t") == (NEVER_32,)
    assert (guest["t"].size, guest["u"].size) == (19, 31)


@pytest.mark.parametrize("name", ENGINES)
def test_the_host_grows_within_the_same_limits(name: str) -> None:
    guest = Guest(SEVERAL, name, limits=LIMITS)
    memory: Memory = guest["c"]
    table: Table = guest["t"]
    assert (memory.grow(90), memory.grow(7), memory.grow(6)) == (1, -1, 91)
    assert guest("grow_a", 1) == (NEVER_32,)
    assert (table.grow(40, None), table.grow(8, None), table.grow(7, None)) == (2, -1, 42)
    assert guest("grow_u", 1) == (NEVER_64,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(module (memory 60) (memory i64 41))", "bytes of memory are asked for: the limit is 6553600"),
        ("(module (table 30 funcref) (table i64 21 externref))", "table elements are asked for: the limit is 50"),
    ],
)
def test_what_a_module_declares_counts_together(name: str, text: str, words: str) -> None:
    store = engine(name).new_store(LIMITS)
    with pytest.raises(LimitError, match=words):
        store.instantiate(engine(name).compile(wat(text)), {})


@pytest.mark.parametrize("name", ENGINES)
def test_what_the_host_makes_counts_too(name: str) -> None:
    store = engine(name).new_store(LIMITS)
    store.new_memory(MemType(Limits(60)))
    with pytest.raises(LimitError, match="bytes of memory are asked for"):
        store.new_memory(MemType(Limits(41), I64))
    store.new_table(TableType(FUNCREF, Limits(30)))
    with pytest.raises(LimitError, match="table elements are asked for"):
        store.new_table(TableType(FUNCREF, Limits(21)))


@pytest.mark.parametrize("name", ENGINES)
def test_a_trap_tells_the_place_in_the_module_as_it_was_given(name: str) -> None:
    guest = Guest(SEVERAL, name, limits=LIMITS)
    assert guest("globals") == (16,)
    with pytest.raises(Trap) as caught:
        guest("divides", 0)
    trap = caught.value
    (opcode,) = SEVERAL[trap.offset : (trap.offset or 0) + 1]
    assert (trap.code, trap.function, opcode) == (TrapCode.INTEGER_DIVIDE_BY_ZERO, 9, 0x6E)  # i32.div_u


@pytest.mark.parametrize("name", ENGINES)
def test_the_instruction_that_ends_a_budget_is_the_one_that_grows(name: str) -> None:
    guest = Guest(SEVERAL, name, limits=LIMITS)
    guest.store.set_budget(Budget(fuel=1000))
    with pytest.raises(Trap) as caught:
        guest("spins")
    assert (caught.value.code, caught.value.function) == (TrapCode.OUT_OF_FUEL, 10)
    assert caught.value.backtrace == ("function 10",)


CALLS = st.one_of(
    st.tuples(st.sampled_from(["grow_a", "grow_b", "grow_t"]), st.sampled_from([0, 1, 2, 5, 40, 128, 129, NEVER_32])),
    st.tuples(st.sampled_from(["grow_c", "grow_u"]), st.sampled_from([0, 1, 3, 40, 1 << 48, NEVER_64])),
    st.sampled_from([("constant_a",), ("large_a",), ("constant_t",), ("globals",), ("divides", 1)]),
)


@given(st.lists(CALLS, max_size=12))
@settings(max_examples=60)
def test_growth_is_the_same_on_every_engine(calls: list[tuple[Any, ...]]) -> None:
    outcomes: list[list[Outcome]] = []
    for name in ENGINES:
        guest = Guest(SEVERAL, name, limits=LIMITS)
        outcomes.append([guest.outcome(*call) for call in calls])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("count", [13, 14, 41, 128, 129])
def test_a_constant_growth_of_any_size_is_the_same_on_every_engine(count: int) -> None:
    """One that is refused costs less than what wasmtime charges for it, so its own charge is negative."""
    binary = wat(
        f'(module (memory $a 1) (memory $b 1) (func (export "f") (result i32) (memory.grow $b (i32.const {count}))))'
    )
    limits = ExecutionLimits(memory_bytes=(count + 2) * PAGE_SIZE)
    outcomes: list[list[Outcome]] = []
    for name in ENGINES:
        guest = Guest(binary, name, limits=limits)
        outcomes.append([guest.outcome("f") for _ in range(3)])
    assert outcomes[0] == outcomes[1]
    assert [outcome.results for outcome in outcomes[0]] == [(1,), (NEVER_32,), (NEVER_32,)]
