"""Counts of instructions, judged by single steps."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.observed import BACK, FAILURES, FLOW, Stepped, counts, exports_of
from support.programs import arguments, program

from zenowasm.backends.protocol import Budget
from zenowasm.interp.errors import Trap
from zenowasm.profiling.counting import InstructionCounter


@pytest.mark.parametrize(
    ("export", "given_"),
    [
        ("loops", (1, 7)),
        ("cases", (0, 1, 2, 9)),
        ("catches", (2, 3, 5)),
        ("tail", (0, 6)),
        ("traps", (2, 0, 0)),
        ("host", (3, 0)),
        ("deep", (1,)),
        ("throws", (1, 2)),
    ],
)
def test_counts_are_those_of_single_steps(export: str, given_: tuple[int, ...]) -> None:
    stepped, counter = Stepped(), InstructionCounter()
    fuel = []
    for observer in (stepped, counter):
        store, exports = exports_of(FLOW, observer.attach, BACK)
        for argument in given_:
            with suppress(*FAILURES):
                exports[export].call(argument)
        fuel.append(store.fuel_consumed)
    assert counts(counter) == stepped.counts
    assert fuel[0] == fuel[1]


def test_a_call_that_runs_out_of_fuel_is_counted_up_to_there() -> None:
    stepped, counter = Stepped(), InstructionCounter()
    for observer in (stepped, counter):
        store, exports = exports_of(FLOW, observer.attach, BACK)
        for fuel in range(1, 40):
            store.set_budget(Budget(fuel=fuel))
            with suppress(Trap):
                exports["loops"].call(1_000)
    assert counts(counter) == stepped.counts


def test_calls_are_counted_where_a_function_begins_with_a_loop() -> None:
    counter = InstructionCounter()
    _, exports = exports_of(FLOW, counter.attach, BACK)
    exports["loops"].call(5)
    exports["loops"].call(3)
    (functions,) = counter.counts().values()
    assert [(it.calls, it.instructions[0]) for it in functions.values()] == [(2, 8)]


def test_stores_add_up_and_functions_that_were_not_called_have_no_counts() -> None:
    counter = InstructionCounter()
    for _ in range(3):
        _, exports = exports_of(FLOW, counter.attach, BACK)
        exports["tail"].call(1)
    found = list(counter.counts().values())
    assert sum(it.calls for functions in found for it in functions.values()) == 6
    assert {function for functions in found for function in functions} == {5}


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=100) | st.binary(min_size=200, max_size=600))
def test_random_programs_are_counted_as_they_step(tape: bytes) -> None:
    made = program(tape)
    stepped, counter = Stepped(), InstructionCounter()
    for observer in (stepped, counter):
        _, exports = exports_of(made.binary, observer.attach)
        for choice, (export, signature) in enumerate(made.exports):
            with suppress(*FAILURES):
                exports[export].call(*arguments(signature, choice))
            limit: Any = exports["g0"]
            limit.set(60)
    assert counts(counter) == stepped.counts
