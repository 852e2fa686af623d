"""Outermost calls that share one budget, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
from support.engines import ENGINES, engine
from support.wasm import wat

from zenowasm.backends.protocol import Budget, CallBudget, FuncType, Store
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.types import I32

MODULE = """(module
  (import "" "again" (func $again (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "spend") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.const 7))
  (func (export "down") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $again (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 0x5a))))"""


class Guest:
    """The module on one engine; ``again`` calls ``down`` once more."""

    def __init__(self, store: Store, chosen: Any) -> None:
        again = store.host_function(FuncType((I32,), (I32,)), lambda caller, given: self.down.call(*given))
        exports: Any = store.instantiate(chosen.compile(wat(MODULE)), {("", "again"): again}).exports
        self.store = store
        self.spend, self.down, self.grow, self.put = (exports[it] for it in ("spend", "down", "grow", "store"))
        self.memory = exports["memory"]


@pytest.fixture(params=ENGINES)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    chosen = engine(request.param)
    yield Guest(chosen.new_store(), chosen)


def cost(guest: Guest, turns: int) -> int:
    before = guest.store.fuel_consumed
    guest.spend.call(turns)
    return guest.store.fuel_consumed - before


def test_calls_share_the_fuel(guest: Guest) -> None:
    one = cost(guest, 10)
    guest.store.begin(CallBudget(3 * one + one // 2))
    for _ in range(3):
        assert guest.spend.call(10) == (7,)
    with pytest.raises(Trap) as caught:
        guest.spend.call(10)
    assert caught.value.code is TrapCode.OUT_OF_FUEL
    guest.store.end()
    assert cost(guest, 10) == one


def test_calls_share_the_time(guest: Guest) -> None:
    guest.store.begin(CallBudget(deadline=monotonic() + 0.2))
    with pytest.raises(Trap) as caught:
        for _ in range(10_000):
            guest.spend.call(1_000_000)
    assert caught.value.code is TrapCode.INTERRUPTED
    with pytest.raises(Trap):  # it is over for every further call, however short; a loop head is where it is noticed
        guest.spend.call(100_000_000)
    guest.store.end()
    assert guest.spend.call(10) == (7,)


def test_afterwards_the_budget_of_each_call_holds_again(guest: Guest) -> None:
    one = cost(guest, 10)
    guest.store.set_budget(Budget(fuel=one // 2))
    guest.store.begin(CallBudget())
    assert guest.spend.call(1000) == (7,)
    guest.store.end()
    with pytest.raises(Trap) as caught:
        guest.spend.call(10)
    assert caught.value.code is TrapCode.OUT_OF_FUEL


def test_a_function_may_be_called_while_it_runs(guest: Guest) -> None:
    """Arguments and results of the calls inside one another stay apart."""
    assert guest.down.call(20) == (sum(range(21)),)
    guest.store.begin(CallBudget())
    assert guest.down.call(20) == (sum(range(21)),)
    guest.store.end()


@pytest.mark.parametrize("argument", [-1, 0xFFFF_FFFF])
def test_integers_are_given_signed_or_unsigned(guest: Guest, argument: int) -> None:
    assert guest.grow.call(argument) == (0xFFFF_FFFF,)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((), TypeError), ((1, 2), TypeError), (("1",), TypeError), ((1.0,), TypeError), ((1 << 32,), ValueError)],
)
def test_arguments_that_do_not_fit(guest: Guest, arguments: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        guest.spend.call(*arguments)
    assert guest.spend.call(1) == (7,)


def test_what_a_memory_has_grown_by_is_read_written_and_searched(guest: Guest) -> None:
    page = 1 << 16
    memory = guest.memory
    memory.write(10, b"first")
    with pytest.raises(IndexError):
        memory.read(page - 1, 2)
    assert guest.grow.call(200) == (1,)
    assert memory.read(page - 1, 2) == b"\0\0"
    assert memory.read(10, 5) == b"first"
    guest.put.call(150 * page)
    assert memory.find(0x5A, page, 1 << 32) == 150 * page
    assert memory.find(0x5A, 150 * page + 1, 1 << 32) == -1
    memory.write(201 * page - 4, b"last")
    assert memory.size == 201 * page
    with pytest.raises(IndexError):
        memory.write(201 * page - 3, b"last")
    assert memory.read(201 * page - 4, 4) == b"last"
