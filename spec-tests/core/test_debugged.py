"""The official core suite under a debugging session: single-stepped, and with a breakpoint at every function.

A twelfth of the scripts, with ``ZENOWASM_CAMPAIGN`` all.
"""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest
from attrs import evolve
from support.debugged_engine import DebuggedEngine

from zenowasm.backends import registry
from zenowasm.spec.runner import DEFAULT_BUDGET, run_script
from zenowasm.spec.wast_reader import assemble, read_script

_FUNCTIONS = 40
"""Breakpoints at the functions 0 to 39; most modules of the suite have fewer."""
_SHARES = 12
_BUDGET = evolve(DEFAULT_BUDGET, seconds=3600.0)
"""A stop at each instruction takes ten times as long as the time limit of the suite's runner allows for."""


@pytest.mark.parametrize("steps", [True, False], ids=["steps", "breakpoints"])
@pytest.mark.parametrize("share", range(_SHARES if os.environ.get("ZENOWASM_CAMPAIGN") else 1))
def test_scripts_give_the_results_of_a_free_run(suite: Path, share: int, steps: bool) -> None:
    scripts = [it for it in sorted(suite.glob("*.wast")) if crc32(it.name.encode()) % _SHARES == share]
    if not scripts and not os.environ.get("CI"):
        pytest.skip("the official suite is missing: set ZENOWASM_SPEC_TESTSUITE")
    assert scripts
    engine = DebuggedEngine(steps=steps, functions=0 if steps else _FUNCTIONS)
    for path in scripts:
        script = read_script(path)
        debugged = run_script(script, engine, budget=_BUDGET, assemble=assemble)
        assert debugged.outcomes == run_script(script, registry.engine("reference"), assemble=assemble).outcomes, path
    assert engine.front.stops > 1000
