"""The official core suite: one test per script and engine, against the engine's expected failures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from zenowasm.backends import registry
from zenowasm.spec.expectations import Expectation, differences, parse
from zenowasm.spec.runner import run_script
from zenowasm.spec.wast_reader import assemble, read_script

_SHOWN = 40


@cache
def _expectations(path: Path) -> dict[str, Expectation]:
    return parse(path.read_text(encoding="utf-8")) if path.exists() else {}


def test_script(script_path: Path | None, backend: str, expected_failures: Path, suite: Path) -> None:
    if script_path is None:
        pytest.fail(f"the official suite is not in {suite}: set ZENOWASM_SPEC_TESTSUITE")
    result = run_script(read_script(script_path), registry.engine(backend), assemble=assemble)
    expected = _expectations(expected_failures / f"{backend}.txt").get(script_path.name)
    problems = differences(result, expected)
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    assert not problems, "\n".join([f"{backend}:", *problems[:_SHOWN], *more])


def test_expected_failures_name_scripts_of_the_suite(backend: str, expected_failures: Path, suite: Path) -> None:
    scripts = {it.name for it in suite.glob("*.wast")}
    if not scripts:
        pytest.skip("the official suite is missing, which another test reports")
    assert sorted(set(_expectations(expected_failures / f"{backend}.txt")) - scripts) == []
