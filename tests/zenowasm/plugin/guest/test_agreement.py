"""Every engine gives the same: results, logs, scope, calls over the border, error text, trap code and fuel."""

from __future__ import annotations

import pytest

from zenowasm.interp.errors import LimitError as WasmLimitError
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import CallError, PluginError
from zenowasm.zenolang.scope import Scope

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
GET = '(import "env" "host_scope_get" (func $get (param i32 i32) (result i32)))'
SET = '(import "env" "host_scope_set" (func $set (param i32 i32) (result i32)))'
SUM = """(local.set $i (i32.const 1000))
    (loop $l (global.set $count (i32.add (global.get $count) (local.get $i)))
      (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"""
DEEP = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))"

SCENARIOS = {
    "an answer": {},
    "a loop": {"execute": SUM + "(i32.const 65536)"},
    "growing memory": {"execute": "(drop (memory.grow (i32.const 3))) (i32.const 65536)"},
    "logging": {
        "imports": LOG,
        "text": "warn\xff\xfe message",
        "execute": "(call $log (i32.const 4096) (i32.const 4) (i32.const 4100) (i32.const 12))"
        "(call $log (i32.const -1) (i32.const 4) (i32.const 4100) (i32.const 10)) (i32.const 65536)",
    },
    "scope": {
        "imports": GET + SET,
        "text": '{"key":"seen","value":[1,2.5]}',
        "execute": "(drop (call $set (i32.const 4096) (i32.const 30))) (call $get (i32.const 4104) (i32.const 4))",
    },
    "a missing variable": {"imports": GET, "text": "nothing", "execute": "(call $get (i32.const 4096) (i32.const 7))"},
    "unreachable": {"execute": "unreachable"},
    "division": {"execute": "(i32.div_s (i32.const 1) (global.get $count))"},
    "overflow": {"execute": "(i32.div_s (i32.const 0x80000000) (i32.const -1))"},
    "conversion": {"execute": "(i32.trunc_f64_s (f64.const nan))"},
    "out of bounds": {"execute": "(i32.load (i32.const 262141))"},
    "a wrong indirect call": {
        "extra": "(table 1 funcref) (elem (i32.const 0) $cleanup) (type $t (func (result i32)))",
        "execute": "(call_indirect (type $t) (i32.const 0))",
    },
    "an empty table": {"extra": "(table 1 funcref)", "execute": "(call_indirect (result i32) (i32.const 0))"},
    "recursion": {"extra": DEEP, "execute": "(call $deep (i32.const 0))"},
    "out of fuel": {"execute": "(loop $l (br $l)) unreachable", "fuel": 10_000},
    "a wild pointer": {"execute": "i32.const -1"},
    "garbage": {"response": "{'a': 1}"},
    "no success": {"response": '{"success":false,"error":"no"}'},
    "a trap in init": {"init": "unreachable"},
    "a trap in register": {"register": "unreachable"},
    "a trap in start": {"extra": "(func $s unreachable) (start $s)"},
    "a trap in initialize": {"extra": '(func (export "_initialize") unreachable)'},
    "a trap in alloc": {"alloc": "unreachable"},
    "a trap in cleanup": {"cleanup": "unreachable"},
    "a missing export": {"without": ("plugin_execute",)},
    "a missing import": {"imports": '(import "env" "host_logg" (func))'},
    "a segment that does not fit": {"extra": '(data (i32.const 262144) "x")'},
    "too much memory": {"pages": "1601"},
    "exit": {
        "imports": '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        "execute": "(call $exit (i32.const 3)) (i32.const 65536)",
    },
}


def observe(bench, guest, recorder, scenario):
    """Run a scenario and return everything about it that can be seen from outside."""
    changes = dict(scenario)
    fuel = changes.pop("fuel", None)
    if isinstance(changes.get("text"), str):
        changes["text"] = changes["text"].encode("latin-1")
    scope = Scope({"seen": "before"})
    outcomes = []
    consumed = []
    manager = bench.host(limits=PluginLimits(fuel=fuel), observer=recorder)
    try:
        plugin = manager.load(bench.write(guest(**changes), permissions={"scope": ["read", "write"]}))
        for _ in range(2):
            try:
                outcomes.append(manager.call("guest.run", {"x": [1.0, "ä"]}, scope))
            except PluginError as error:
                code = error.trap_code if isinstance(error, CallError) else None
                outcomes.append((type(error).__name__, code, str(error)))
            else:
                consumed.append(plugin.fuel_consumed)
    except PluginError as error:
        # An engine has its own words for a module that asks for too much.
        text = "" if isinstance(error.__cause__, WasmLimitError) else str(error)
        outcomes.append((type(error).__name__, type(error.__cause__).__name__, text))
    manager.close()
    return {
        "outcomes": outcomes,
        "log": bench.lines,
        "scope": scope.variables(),
        "border": recorder.events,
        "fuel": consumed,
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_engines_agree(benches, guest, make_recorder, name):
    first, *others = [observe(bench, guest, make_recorder(), SCENARIOS[name]) for bench in benches]
    assert others
    for other in others:
        assert other == first
    assert first["outcomes"]
    if name in ("an answer", "a loop", "scope"):
        assert all(outcome.success for outcome in first["outcomes"])
        assert len(first["fuel"]) == 2
        assert first["fuel"][1] > first["fuel"][0] > 0


def test_the_observer_sees_both_directions_in_order(bench, guest, make_recorder):
    recorder = make_recorder()
    manager = bench.host(observer=recorder)
    scenario = {"imports": GET, "text": "seen", "execute": "(call $get (i32.const 4096) (i32.const 4))"}
    manager.load(bench.write(guest(**scenario), permissions={"scope": ["read"]}))
    recorder.events.clear()
    manager.call("guest.run", {}, Scope({"seen": 1}))
    calls = [(event[2], event[4]) for event in recorder.events if event[0] == "before"]
    assert calls == [
        ("to guest", "alloc"),
        ("to guest", "alloc"),
        ("to guest", "plugin_execute"),
        ("to host", "host_scope_get"),
        ("to guest", "alloc"),
    ]
    request = '{"slot_name":"guest.run","parameters":{}}'
    reply = '{"success":true,"data":{"value":1}}'
    allocated = [event[5] for event in recorder.events if event[0] == "before" and event[4] == "alloc"]
    assert allocated == [(len("guest.run"),), (len(request),), (len(reply) + 1,)]  # only replies have room for a NUL
    assert [event[1] for event in recorder.events if event[0] == "after"] == [
        "alloc", "alloc", "alloc", "host_scope_get", "plugin_execute",
    ]  # fmt: skip
