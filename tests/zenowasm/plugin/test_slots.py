"""Scripts that call plugins, on every engine."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import InputError
from zenowasm.plugin.guest.abi import InputDefinition
from zenowasm.plugin.inputs import Inputs
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.services import HostServices
from zenowasm.plugin.slots import register_slots
from zenowasm.zenolang import Evaluator, Scope, SlotError, default_registry, parse

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
ECHO = "(call $log (i32.const 0) (i32.const 0) (local.get 2) (local.get 3)) (i32.const 65536)"


@pytest.fixture
def run(bench, guest):
    """Runs a script with one plugin and returns its scope; the plugin logs its request and answers ``response``."""

    def runner(
        script, *, response='{"success":true,"data":{"answer":42}}', inputs=None, permissions=None, scope=None, **more
    ):
        slots = json.dumps([{"name": "guest.run"} | ({"inputs": inputs} if inputs else {})])
        folder = bench.write(
            guest(**{"imports": LOG, "execute": ECHO, "response": response, "slots": slots, **more}),
            permissions=permissions,
        )
        registry = default_registry()
        with PluginManager(bench.engine, HostServices(log=bench.log.append), reserved=registry.__contains__) as manager:
            manager.load(folder)
            register_slots(manager, registry)
            assert manager.problems == []
            variables = Scope(scope)
            Evaluator(registry, output=lambda line: None).run(parse(script, "test.zl"), variables)
        return variables

    return runner


def parameters(bench):
    return json.loads(bench.log[0].message)["parameters"]


def test_data_is_set_in_the_scope(run):
    scope = run("guest.run", response='{"success":true,"data":{"a":1,"b":{"c":[2]},"d":null}}')
    assert scope.variables() == {"a": 1, "b": {"c": [2]}, "d": None}


def test_no_data_sets_nothing(run):
    assert run("guest.run", response='{"success":true}').variables() == {}


def test_as_binds_the_whole_data_too(run):
    scope = run("guest.run { as: $result }", inputs={"x": {"type": "int"}})
    assert scope.variables() == {"answer": 42, "result": {"answer": 42}}


def test_children_and_the_own_value_are_parameters(run, bench):
    run(
        'guest.run: 5 { a: $x.y  b: "t"\n c: 007\n d: 1.0\n e: true\n f { g: [1, 2] }\n h: $missing }',
        scope={"x": {"y": [1, "z"]}},
    )
    found = parameters(bench)
    assert found["value"] == 5
    assert found["a"] == [1, "z"]
    assert (found["b"], found["d"], found["e"], found["f"], found["h"]) == ("t", 1, True, {"g": [1, 2]}, None)
    assert '"d":1,' in bench.log[0].message


def test_a_declared_string_stays_as_written(run, bench):
    run(
        "guest.run { a: 007\n b: t\n c: 12345678901234567890 }",
        inputs={"a": {"type": "string"}, "b": {}, "c": {"type": "int"}},
    )
    assert parameters(bench) == {"a": "007", "b": "t", "c": 12345678901234567890}


def test_the_scope_is_shown_with_read_permission_only(run, bench):
    run("guest.run", scope={"secret": 1})
    assert parameters(bench) == {}
    bench.log.clear()
    run("guest.run", scope={"secret": 1, "odd": object(), "big": 1e999}, permissions={"scope": ["read"]})
    assert parameters(bench) == {"_zeno_scope": {"secret": 1}}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("guest.run { b: 1 }", "plugin execution failed: missing required attribute 'aaa' for slot 'guest.run'"),
        (
            "guest.run { aaa: 1, aab: 2 }",
            "plugin execution failed: unknown attribute 'aab' for slot 'guest.run': .*did you mean",
        ),
        (
            "guest.run { aaa: x }",
            "plugin execution failed: type mismatch for 'aaa' in slot 'guest.run': expected int, found str",
        ),
    ],
)
def test_inputs_are_checked(run, bench, script, message):
    with pytest.raises(SlotError, match=message) as caught:
        run(script, inputs={"aaa": {"type": "int", "required": True}, "b": {}})
    assert caught.value.line == 1
    assert bench.log == []


def test_a_required_value_is_met_by_the_own_value(run, bench):
    inputs = {"value": {"type": "string", "required": True}}
    run('guest.run: "x"', inputs=inputs)
    assert parameters(bench) == {"value": "x"}
    with pytest.raises(SlotError, match="missing required attribute 'value'"):
        run("guest.run", inputs=inputs)


def test_an_unsuccessful_answer_is_an_error(run):
    with pytest.raises(SlotError, match=r"test.zl:2:1: plugin error: no money$") as caught:
        run("$x: 1\nguest.run", response='{"success":false,"error":"no money","data":{"x":2}}')
    assert caught.value.message == "plugin error: no money"
    with pytest.raises(SlotError, match=r"plugin error: $"):
        run("guest.run", response="{}")


def test_a_trap_is_an_error_that_a_script_can_catch(run):
    with pytest.raises(SlotError, match=r"plugin execution failed: failed to call guest\.plugin_execute: unreachable"):
        run("guest.run", execute="unreachable")
    scope = run("try { do { guest.run }\n catch { $caught: $e }\n as: $e }", execute="unreachable")
    assert "plugin execution failed: failed to call guest.plugin_execute: unreachable" in str(scope.get("caught"))


def test_async_runs_beside_the_script_and_logs_its_outcome(run, bench):
    scope = run("guest.run { async: true, x: 1 }", permissions={"scope": ["read"]}, scope={"seen": 5})
    assert scope.variables() == {"seen": 5}
    assert parameters(bench) == {"x": 1, "_zeno_scope": {"seen": 5}}
    assert bench.lines[-1] == ("info", 'async guest.run finished: {"answer":42}')
    run("guest.run { async: true }", response='{"success":false,"error":"bad"}')
    assert bench.lines[-1] == ("error", "async guest.run failed: plugin error: bad")
    run("guest.run { async: true }", execute="unreachable")
    assert bench.lines[-1][1].startswith(
        "async guest.run failed: plugin execution failed: failed to call guest.plugin_execute"
    )
    long = json.dumps({"success": True, "data": {"x": "y" * 5000}})
    run("guest.run { async: true }", response=long)
    assert len(bench.lines[-1][1]) < 1100


def test_many_async_calls_are_all_answered(bench, guest):
    folder = bench.write(guest())
    registry = default_registry()
    limits = PluginLimits(async_pending=3, async_threads=2)
    with PluginManager(bench.engine, HostServices(log=bench.log.append, limits=limits)) as manager:
        manager.load(folder)
        register_slots(manager, registry)
        Evaluator(registry, output=lambda line: None).run(
            parse('for: "$i = 0; $i < 30; $i++" { do { guest.run { async: true } } }', "test.zl"), Scope()
        )
    assert bench.lines == [("info", 'async guest.run finished: {"answer":42}')] * 30


def check(inputs: dict[str, InputDefinition], parameters: Mapping[str, object]) -> Mapping[str, object]:
    return Inputs("s", inputs).check(parameters)


def definition(**inputs: InputDefinition) -> dict[str, InputDefinition]:
    return inputs


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("string", 7, "7"), ("string", 7.0, "7"), ("string", True, "true"), ("string", "x", "x"), ("String", 7, "7"),
        ("int", "7", 7), ("int", " -7 ", -7), ("int", 7.0, 7),
        ("integer", "12345678901234567890", 12345678901234567890),
        ("float", "0.5", 0.5), ("number", 7, 7), ("number", "7", 7), ("decimal", "1e2", 100.0),
        ("bool", "true", True), ("boolean", "0", False), ("bool", False, False),
        ("list", [1], [1]), ("object", {}, {}), ("any", {1: 2}, {1: 2}), ("unheard", 7, 7), ("int", None, None),
    ],
)  # fmt: skip
def test_values_become_what_is_declared(kind, given_value, value):
    found = check(definition(x=InputDefinition(kind)), {"x": given_value})["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", []), ("int", "x"), ("int", "1.5"), ("int", 1.5), ("int", True), ("int", "+-1"), ("int", "9" * 200),
        ("float", "nan"), ("float", "1e999"), ("float", True), ("bool", "yes"), ("bool", 1), ("list", {}), ("map", []),
        ("list", "x"),
    ],
)  # fmt: skip
def test_other_values_are_refused(kind, value):
    with pytest.raises(InputError, match=f"type mismatch for 'x' in slot 's': expected {kind}"):
        check(definition(x=InputDefinition(kind)), {"x": value})


def test_defaults_are_filled_in():
    inputs = definition(a=InputDefinition(default=1, has_default=True), b=InputDefinition())
    assert check(inputs, {}) == {"a": 1}
    assert check(inputs, {"a": 2}) == {"a": 2}


@given(st.sampled_from(["string", "int", "float", "bool", "list", "map", "any"]),
       st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([]) | st.just({}))  # fmt: skip
def test_converting_twice_changes_nothing(kind, value):
    slot = definition(x=InputDefinition(kind))
    try:
        once = check(slot, {"x": value})
    except InputError:
        return
    twice = check(slot, once)
    assert twice == once or (value != value and kind == "any") or once["x"] != once["x"]
