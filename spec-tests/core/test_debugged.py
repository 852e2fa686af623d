"""The official core suite under observers: single-stepped, with a breakpoint at every function, counted and profiled.

A twelfth of the scripts, with ``ZENOWASM_CAMPAIGN`` all.
"""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest
from attrs import evolve
from support.debugged_engine import DebuggedEngine, ObservedEngine
from support.observed import Stepped, counts

from zenowasm.backends import registry
from zenowasm.profiling.calls import CallProfile
from zenowasm.profiling.counting import InstructionCounter
from zenowasm.spec.runner import DEFAULT_BUDGET, run_script
from zenowasm.spec.wast_reader import assemble, read_script

_FUNCTIONS = 40
"""Breakpoints at the functions 0 to 39; most modules of the suite have fewer."""
_SHARES = 12
_BUDGET = evolve(DEFAULT_BUDGET, seconds=3600.0)
"""A stop at each instruction takes ten times as long as the time limit of the suite's runner allows for."""


_shares = pytest.mark.parametrize("share", range(_SHARES if os.environ.get("ZENOWASM_CAMPAIGN") else 1))


def _scripts(suite: Path, share: int) -> list[Path]:
    scripts = [it for it in sorted(suite.glob("*.wast")) if crc32(it.name.encode()) % _SHARES == share]
    if not scripts and not os.environ.get("CI"):
        pytest.skip("the official suite is missing: set ZENOWASM_SPEC_TESTSUITE")
    assert scripts
    return scripts


@pytest.mark.parametrize("steps", [True, False], ids=["steps", "breakpoints"])
@_shares
def test_scripts_give_the_results_of_a_free_run(suite: Path, share: int, steps: bool) -> None:
    scripts = _scripts(suite, share)
    engine = DebuggedEngine(steps=steps, functions=0 if steps else _FUNCTIONS)
    for path in scripts:
        script = read_script(path)
        debugged = run_script(script, engine, budget=_BUDGET, assemble=assemble)
        assert debugged.outcomes == run_script(script, registry.engine("reference"), assemble=assemble).outcomes, path
    assert engine.front.stops > 1000


@_shares
def test_counts_of_scripts_are_those_of_single_steps(suite: Path, share: int) -> None:
    for path in _scripts(suite, share):
        script = read_script(path)
        counted, stepped, profiled = (ObservedEngine(it) for it in (InstructionCounter, Stepped, CallProfile))
        engines = (counted, stepped, profiled)
        outcomes = [run_script(script, it, budget=_BUDGET, assemble=assemble).outcomes for it in engines]
        assert outcomes[0] == outcomes[1] == outcomes[2], path
        assert [counts(it) for it in counted.observers] == [it.counts for it in stepped.observers], path
