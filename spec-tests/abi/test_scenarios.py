"""The scenarios of the plugin ABI: one test each, on all engines at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict

from zenowasm.backends import registry
from zenowasm.conformance import report
from zenowasm.conformance.runner import run_scenario
from zenowasm.conformance.scenario import UNSAID, Scenario, read_scenarios, scenario_files
from zenowasm.conformance.server import web_server

SCENARIOS = [it for path in scenario_files((Path(__file__).parent,)) for it in read_scenarios(path)]

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
