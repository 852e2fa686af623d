"""What costs time but no fuel makes the next checkpoint due earlier, at the same fuel as on the other engine."""

from __future__ import annotations

import pytest
from support.engines import Guest
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.execution import evaluate, invoke, new_store
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.runtime.instantiate import instantiate
from zenowasm.interp.validation import validate_module

INTERVAL = 50_000
TURNS = 100

MANY_LOCALS = f"(func $f (local {'i64 ' * INTERVAL}))"
WIDE = f"(type $s (struct {'(field i64)' * 2_000}))"
CYCLE = "(local.set $s (struct.new_default $s)) (struct.set $s 0 (local.get $s) (local.get $s))"
TAGS = "(tag $a) (tag $b)"
PASSED = f"(block $out {'(try_table (catch $a $out))' * 2_000})"
THROW = "(block (try_table (catch $b 0) (throw $b)))"


def loop(body: str, fields: str = "", before: str = "") -> bytes:
    turn = "(local.tee 0 (i32.sub (local.get 0) (i32.const 1)))"
    return wat(f'(module {fields} (func (export "run") (param i32) {before} (loop $l {body} (br_if $l {turn}))))')


PROGRAMS = {
    "locals": (loop("(call $f)", MANY_LOCALS), TURNS),
    "locals of a tail call": (loop("(call $t)", f"{MANY_LOCALS} (func $t (return_call $f))"), TURNS),
    "fields": (loop("(drop (struct.new_default $s))", WIDE), TURNS // 50),
    "regions": (loop(THROW, TAGS, PASSED), TURNS // 50),
    "collections": (loop(CYCLE, "(type $s (struct (field (mut anyref))))", "(local $s (ref null $s))"), TURNS // 10),
}
"""Programs, each with how often the work of its turns fills an interval, at a unit for each local, field and region.

A heap of 1,000 bytes is full after 10 structures, so cycles are collected as often.
"""


def checkpoints(binary: bytes, limits: ExecutionLimits) -> tuple[int, int]:
    """Return how often an execution's embedder was asked, asking to be asked each ``INTERVAL``, and the fuel."""
    store = new_store(limits)
    instance = instantiate(store, validate_module(decode(binary)), {}, evaluate)
    run = instance.exports["run"]
    assert isinstance(run, FunctionInstance)
    invoke(store, run, (1,))  # makes the code of all functions, which asks too
    asked = 0

    def checkpoint(consumed: int) -> int:
        nonlocal asked
        asked += 1
        return consumed + INTERVAL

    store.checkpoint, store.checkpoint_fuel = checkpoint, store.settled_fuel + INTERVAL
    before = store.settled_fuel
    invoke(store, run, (TURNS,))
    return asked, store.settled_fuel - before


@pytest.mark.parametrize("name", PROGRAMS)
def test_work_without_fuel_counts_towards_the_next_checkpoint(name: str) -> None:
    binary, least = PROGRAMS[name]
    asked, fuel = checkpoints(binary, ExecutionLimits(heap_bytes=1_000 if name == "collections" else 1 << 20))
    assert least <= asked <= 2 * TURNS
    judge = Guest(binary, "wasmtime")
    before = judge.store.fuel_consumed
    judge("run", TURNS)
    assert fuel == judge.store.fuel_consumed - before
