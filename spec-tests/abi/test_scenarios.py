"""The scenarios of the plugin ABI: one test each, on all engines at once.

Those engines have everything that guests can pay for. wasmtime is tried as hosts have it by default too, and in one of
the other combinations of options, with ``ZENOWASM_CAMPAIGN`` in all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from attrs import asdict

from zenowasm.backends import registry
from zenowasm.backends.protocol import EngineOptions
from zenowasm.backends.variants import EngineVariants
from zenowasm.conformance import report
from zenowasm.conformance.judge import first_difference
from zenowasm.conformance.runner import observe, run_scenario
from zenowasm.conformance.scenario import UNSAID, Scenario, read_scenarios, scenario_files
from zenowasm.conformance.server import web_server

SCENARIOS = [it for path in scenario_files((Path(__file__).parent,)) for it in read_scenarios(path)]

DEFAULT = EngineOptions(fuel=False)
OTHERS = [
    options
    for fuel, interrupts, deterministic in product((False, True), repeat=3)
    if (options := EngineOptions(fuel=fuel, interrupts=interrupts, deterministic=deterministic)) != DEFAULT
]
NEED_INTERRUPTS = ("max_execution_time", "max_cpu")

# The list "Error strings" of the ABI document: each of them must be what some scenario expects.
ERROR_STRINGS = """
failed to read request
failed to read key
failed to read path
invalid request JSON: E
database access not available
plugin P does not have permission to access database: C
database connection not found: C
no such table: E
HTTP access not available
plugin P does not have permission to access network: URL
failed to create request: E
request failed: E
failed to read response: E
scope access not available
plugin P does not have scope read permission
variable $K not found
file access not available
plugin P does not have permission to read file: PATH
absolute paths and parent directory access not allowed
failed to read file: E
failed to read manifest: E
failed to parse manifest: E
plugin name is required
plugin binary is required
plugin N already loaded
failed to load WASM module: E
failed to get plugin metadata: E
failed to get plugin slots: E
plugin N not loaded
slot S not found in plugin N
function F not found in module N
failed to call N.F: E
failed to parse response JSON: E
plugin execution failed: E
plugin error: MSG
""".strip().splitlines()
PLACEHOLDER = re.compile(r"\b(PATH|URL|MSG|[PNCSKFE])\b")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with web_server() as url:
        yield url


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda it: f"{it.file.stem}: {it.name}")
def test_scenario(scenario: Scenario, server: str) -> None:
    engines = [registry.engine(name) for name in registry.names()]
    assert len(engines) > 1
    verdict = run_scenario(scenario, engines, server)
    assert verdict.passed, "\n".join(report.lines([verdict]))
    for options in variants(scenario):
        seen = observe(scenario, EngineVariants.named("wasmtime", options), server)
        expected = verdict.observations["reference"]
        if not options.fuel:
            expected = without_fuel(expected)
            seen = without_fuel(seen)
        assert first_difference(expected, seen) is None, options


def variants(scenario: Scenario) -> list[EngineOptions]:
    """The options with which wasmtime is tried, none where it runs nothing.

    Without interrupts a time limit is refused, which ``tests/zenowasm/plugin/test_variants.py`` checks.
    """
    if scenario.file.stem == "sidecar":
        return []
    others = OTHERS if os.environ.get("ZENOWASM_CAMPAIGN") else [OTHERS[crc32(scenario.name.encode()) % len(OTHERS)]]
    needs_interrupts = any(limit in str(asdict(scenario)) for limit in NEED_INTERRUPTS)
    return [it for it in (DEFAULT, *others) if it.interrupts or not needs_interrupts]


def without_fuel(seen: dict[str, Any]) -> dict[str, Any]:
    """What was seen, but for the fuel, which a call with a limit on it counts in every combination."""
    load, *steps = [{key: value for key, value in it.items() if key != "fuel"} for it in (seen["load"], *seen["steps"])]
    return {**seen, "load": load, "steps": steps}


def test_there_are_many() -> None:
    assert len(SCENARIOS) >= 180


def test_each_scenario_expects_something_and_says_whence() -> None:
    assert [it.name for it in SCENARIOS if not it.source or not list(_expected(it))] == []


@pytest.mark.parametrize("text", ERROR_STRINGS)
def test_each_error_string_of_the_document_is_expected_somewhere(text: str) -> None:
    # What stands for the name of a plugin must be one; what stands for a reason may be left open.
    pattern = '(.*[ ."])?' + PLACEHOLDER.sub(".+", re.escape(text)).replace(r"\ ", " ") + ".*"
    texts = [value for scenario in SCENARIOS for value in _texts(list(_expected(scenario)))]
    assert any(re.fullmatch(pattern, value, re.DOTALL) for value in texts)


def _expected(scenario: Scenario) -> Iterator[Any]:
    world = scenario.world
    for step in scenario.all_steps():
        yield from (value for value in asdict(step.expect).values() if value is not UNSAID)
    for value in (scenario.log, scenario.host_calls, world.after_scope):
        if value is not UNSAID:
            yield value
    yield from (value for value in (*world.after_files.values(), *world.after_rows.values()))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
