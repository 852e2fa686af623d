"""Running scenarios: what is seen, what counts as a fault, and that a difference between engines is found."""

from __future__ import annotations

import pytest
from attrs import evolve

from zenowasm.backends import registry
from zenowasm.conformance import report
from zenowasm.conformance.runner import observe, run_scenario
from zenowasm.conformance.scenario import Ask, Expectation, Guest, Scenario, Step, World

ASKING = Scenario(
    name="asking",
    guest=Guest(ask=Ask("host_scope_get", "x")),
    permissions={"scope": ["read"]},
    world=World(scope={"x": "value"}),
    expect=Expectation(success=True, data={"value": "value"}),
)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def engines():
    return [registry.engine(name) for name in registry.names()]


def test_everything_is_seen(engines):
    seen = observe(ASKING, engines[0], NOWHERE)
    assert seen["steps"][0]["data"] == {"value": "value"}
    assert seen["host_calls"] == ["host_scope_get"]
    assert seen["border"][0] == "to guest: plugin_init()"
    assert "to host: host_scope_get(4096, 1)" in seen["border"]
    assert seen["scope"] == {"x": "value"}


def test_a_scenario_that_holds_passes_on_every_engine(engines):
    verdict = run_scenario(ASKING, engines, NOWHERE)
    assert verdict.passed
    assert list(verdict.observations) == ["reference", "wasmtime"]
    assert list(report.lines([verdict])) == []


@pytest.mark.parametrize(
    "change",
    [
        {"expect": Expectation(success=False)},
        {"expect": Expectation(data={"value": "other"})},
        {"expect": Expectation(raises="...")},
        {"log": (("info", "nothing"),)},
        {"host_calls": ()},
        {"world": World(scope={"x": "value"}, after_scope={})},
        {"world": World(scope={"x": "value"}, after_files={"a": "text"})},
        {"world": World(files={"a": "text"}, scope={"x": "value"}, after_files={"a": None})},
        {"expect": Expectation(error="some")},
        {"expect": Expectation(fuel=1)},
        {"expect": Expectation(data=None)},
    ],
)
def test_each_expectation_can_fail(engines, change):
    verdict = run_scenario(evolve(ASKING, **change), engines, NOWHERE)
    assert not verdict.passed
    assert all(verdict.faults.values())


def test_a_difference_between_engines_is_named(engines):
    class Other:
        """An engine that answers as the first does, but says that it is another and counts other fuel."""

        name, version, capabilities = "other", "1", engines[0].capabilities

        def compile(self, binary, limits=None):
            return engines[0].compile(binary.replace(b"\x6a", b"\x6b"))  # i32.add is i32.sub

        def new_store(self, limits=None):
            return engines[0].new_store(limits)

    guest = Guest(execute="(drop (i32.add (i32.const 1) (i32.const 2))) (i32.const 65536)", alloc="i32.const 131072")
    assert run_scenario(Scenario("same", guest), [engines[0], engines[0]], NOWHERE).passed
    guest = Guest(execute="(i32.add (i32.const 65536) (i32.const 0)) (call $say)(i32.const 65536)")
    same = run_scenario(
        Scenario("adding nothing", guest, expect=Expectation(success=True)), [engines[0], Other()], NOWHERE
    )
    assert same.difference is not None
    assert same.engines == ("reference", "other")
    assert [line for line in report.lines([same]) if "reference has" in line]
    document = report.as_json([same], [engines[0], Other()])
    assert document["failed"] == 1
    assert document["scenarios"][0]["first_difference"]["path"] == same.difference.path


def test_a_plugin_that_does_not_load_fails_each_step(engines):
    scenario = Scenario("no init", Guest(without=("plugin_init",)), steps=(Step(call="guest.run"), Step(close=True)))
    seen = observe(scenario, engines[0], NOWHERE)
    assert [step["kind"] for step in seen["steps"]] == ["LoadError", "LoadError"]
    assert seen["steps"][0]["raises"].startswith("failed to get plugin metadata: ")


def test_places_of_this_run_are_taken_out(engines):
    seen = observe(Scenario("broken", Guest(bytes="00")), engines[0], NOWHERE)
    assert "${folder}/plugins/guest/guest.wasm" in seen["steps"][0]["raises"]


def test_scripts_run_with_the_plugin(engines):
    step = Step(script="guest.run { a: 1 }\nprint: $answer\n", expect=Expectation(output=("42",)))
    assert run_scenario(Scenario("script", steps=(step,)), engines, NOWHERE).passed
