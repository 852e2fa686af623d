"""Random programs on both engines: results, traps, state and fuel must be the same."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from differential.campaign import FOUND
from differential.damage import save
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from support.engines import Guest, Outcome, state
from support.programs import Program, arguments, program

CASES, BATCHES = 5_000, 20


def observe(made: Program, name: str) -> tuple[int, list[Outcome], object]:
    """Instantiate a program and run every export, each in turn in one store; stop after the first trap."""
    guest = Guest(made.binary, name)
    fuel = guest.store.fuel_consumed
    outcomes: list[Outcome] = []
    for choice, (export, signature) in enumerate(made.exports):
        outcomes.append(guest.outcome(export, *arguments(signature, choice)))
        guest["g0"].set(60)
        if outcomes[-1].trap is not None:
            break
    return fuel, outcomes, state(guest.instance)


def agree(tape: bytes) -> None:
    made = program(tape)
    assert observe(made, "reference") == observe(made, "wasmtime")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_both_engines_agree(batch: int) -> None:
    def check(tape: bytes) -> None:
        try:
            agree(tape)
        except Exception:
            save(f"program-{batch}.tape", tape)  # the last one to be saved is the one that Hypothesis shrank
            raise

    tapes = st.binary(max_size=100) | st.binary(min_size=200, max_size=800)
    test = settings(max_examples=CASES // BATCHES)(given(tapes)(check))
    # Where runs are the same every time, batches would all be the same without seeds of their own.
    (seed(batch)(test) if settings().derandomize else test)()


def test_both_engines_agree_on_what_was_found() -> None:
    for path in sorted(FOUND.glob("*.tape")):
        agree(path.read_bytes())


def test_programs_do_what_the_comparison_is_about() -> None:
    """Most programs finish, some trap, in several ways, and they use most of the instructions."""
    choices = random.Random(1)
    outcomes: Counter[object] = Counter()
    rows = set()
    for _ in range(300):
        made = program(choices.randbytes(400))
        guest = Guest(made.binary)
        for code in guest.module.valid.module.codes:
            rows |= {it.opcode for it in code.body().expression.instructions}
        for choice, (export, signature) in enumerate(made.exports):
            outcome = guest.outcome(export, *arguments(signature, choice))
            outcomes[outcome.trap] += 1
    assert outcomes[None] > 100
    assert len(outcomes) >= 6
    assert len(rows) > 150
