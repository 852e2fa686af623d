"""Profiles by fuel, judged by single steps; their files, judged by speedscope's schema and by the nesting of calls."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.debugged import divide, rust_at
from support.observed import BACK, FAILURES, FLOW, exports_of
from support.programs import arguments, program
from support.toolchains import ROOT
from support.wasm import wat

from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.profiling import calls as profiling
from zenowasm.profiling.call_reports import dropped, to_chrome, to_speedscope, to_text
from zenowasm.profiling.calls import CallProfile, totals

SCHEMA = ROOT / "build" / "toolchains" / "node_modules" / "speedscope" / "dist" / "release" / "file-format-schema.json"
TREE = wat("""
(module
  (func $leaf (result i32) i32.const 1)
  (func $down (export "down") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (call $leaf))))
    (call $down (i32.sub (local.get 0) (i32.const 1))))
  (func $main (export "main") (result i32)
    (drop (call $leaf)) (drop (call $leaf)) (call $down (i32.const 2))))
""")
"""Fuel by hand, with 1 for each entry: leaf takes 1 more; down 3 to its branch, then 1 or 4; main 4."""


class SteppedFuel(Probe):
    """Sums the fuel of each function by pausing before each instruction."""

    every = True

    def __init__(self) -> None:
        self.own: Counter[int] = Counter()
        self.calls: Counter[int] = Counter()
        self._seen: list[Frame] = []
        self._frames: set[int] = set()
        self._executions: list[tuple[int, int]] = []
        self._last = (-1, 0)

    def attach(self, owner: str, store: Any) -> None:
        store.probe = self

    def entered(self, execution: Configuration) -> None:
        if not self._executions:
            self._last = (-1, execution.fuel_consumed)
        self._executions.append(self._last)

    def before_instruction(self, execution: Configuration) -> None:
        frame = execution.frame
        if frame is None:
            return
        now, function = execution.fuel_consumed, frame.function.index
        if id(frame) not in self._frames:
            self._frames.add(id(frame))
            self._seen.append(frame)  # so that no other frame gets its id
            self.calls[function] += 1
            self._spend(now - 1)
            self._last = (function, now - 1)  # the entry is the new call's
        self._spend(now)
        self._last = (function, now)

    def left(self, execution: Configuration) -> None:
        self._executions.pop()
        self._spend(execution.fuel_consumed)

    def _spend(self, now: int) -> None:
        function, before = self._last
        if function >= 0:
            self.own[function] += now - before
        self._last = (function, now)


def profiled(
    binary: bytes, calls: Sequence[tuple[str, tuple[Any, ...]]], functions: Any = None
) -> tuple[CallProfile, int]:
    profile = CallProfile()
    store, exports = exports_of(binary, profile.attach, functions)
    before = store.fuel_consumed
    for export, given_ in calls:
        with suppress(*FAILURES):
            exports[export].call(*given_)
    return profile, store.fuel_consumed - before


def by_index(profile: CallProfile) -> tuple[dict[int, int], dict[int, int]]:
    """Return fuel and calls of the guest's functions by their index in the module."""
    keys = list(profile._keys)
    found = [(keys[it.function], it) for it in totals(profile.stores)]
    guests = [(key[1], it) for key, it in found if key[0] is not None]
    return {index: it.own for index, it in guests if it.own}, {index: it.calls for index, it in guests}


FLOW_CALLS = [
    *(("loops", (given_,)) for given_ in (1, 7)),
    *(("cases", (given_,)) for given_ in (0, 1, 2, 9)),
    *(("catches", (given_,)) for given_ in (2, 3, 5)),
    *(("tail", (given_,)) for given_ in (0, 6)),
    *(("traps", (given_,)) for given_ in (2, 0)),
    *(("host", (given_,)) for given_ in (3, 0)),
    *(("throws", (given_,)) for given_ in (1, 2)),
]


@pytest.mark.parametrize("call", FLOW_CALLS, ids=lambda it: f"{it[0]}-{it[1][0]}")
def test_fuel_and_calls_of_each_function_are_those_of_single_steps(call: tuple[str, tuple[int]]) -> None:
    stepped = SteppedFuel()
    _, exports = exports_of(FLOW, stepped.attach, BACK)
    for _ in range(2):
        with suppress(*FAILURES):
            exports[call[0]].call(*call[1])
    profile, consumed = profiled(FLOW, [call, call], BACK)
    own, calls = by_index(profile)
    assert own == {function: fuel for function, fuel in stepped.own.items() if fuel}
    assert calls == dict(stepped.calls)
    assert sum(own.values()) == consumed


def test_a_recursion_without_an_end_is_profiled_to_its_last_call() -> None:
    profile, consumed = profiled(FLOW, [("deep", (1,))], BACK)
    (it,) = totals(profile.stores)
    assert (it.calls, it.own, it.total) == (10_000, consumed, consumed)
    assert to_speedscope(profile.stores, profile.functions(), "deep")["profiles"][0]["endValue"] == consumed


def test_totals_contain_what_was_called_and_recursion_counts_once() -> None:
    profile, consumed = profiled(TREE, [("main", ())])
    names = [it.name for it in profile.functions()]
    found = {names[it.function]: (it.calls, it.own, it.total) for it in totals(profile.stores)}
    leaf, down = 2, (4 + 1) + 2 * (4 + 4)
    main = 1 + 2 + 1 + 1
    assert found == {
        "leaf": (3, 3 * leaf, 3 * leaf),
        "down": (3, down, down + leaf),
        "main": (1, main, main + down + 3 * leaf),
    }
    assert consumed == main + down + 3 * leaf


def test_the_same_run_has_the_same_profile() -> None:
    first, second = (profiled(FLOW, FLOW_CALLS, BACK)[0] for _ in range(2))
    files = [to_speedscope(it.stores, it.functions(), "twice") for it in (first, second)]
    traces = [to_chrome(it.stores, it.functions()) for it in (first, second)]
    assert files[0] == files[1] and traces[0] == traces[1]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=100) | st.binary(min_size=200, max_size=600))
def test_random_programs_lose_no_fuel(tape: bytes) -> None:
    made = program(tape)
    choices = [(export, arguments(signature, choice)) for choice, (export, signature) in enumerate(made.exports)]
    profile, consumed = profiled(made.binary, choices)
    stepped = SteppedFuel()
    _, exports = exports_of(made.binary, stepped.attach)
    for export, given_ in choices:
        with suppress(*FAILURES):
            exports[export].call(*given_)
    assert by_index(profile)[0] == {function: fuel for function, fuel in stepped.own.items() if fuel}
    assert sum(stepped.own.values()) == consumed


@cache
def validator() -> Draft7Validator:
    if not SCHEMA.exists() and not os.environ.get("CI"):
        pytest.skip("speedscope is not installed: run .ci/toolchains.sh")
    return Draft7Validator(json.loads(SCHEMA.read_text()))


def test_the_file_for_speedscope_fits_its_schema_and_its_events_nest() -> None:
    profile, consumed = profiled(FLOW, FLOW_CALLS, BACK)
    document = json.loads(json.dumps(to_speedscope(profile.stores, profile.functions(), "flow")))
    validator().validate(document)
    (it,) = document["profiles"]
    assert (it["startValue"], it["endValue"], it["name"]) == (0, consumed, "guest")
    opened: list[int] = []
    at = 0
    for event in it["events"]:
        assert event["at"] >= at
        at = event["at"]
        if event["type"] == "O":
            opened.append(event["frame"])
        else:
            assert opened.pop() == event["frame"]
    assert not opened
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    assert "env.back (host)" in frames and "divide" in frames


def test_functions_have_their_lines() -> None:
    profile, _ = profiled(divide().read_bytes(), [("run", (5,))])
    frames = to_speedscope(profile.stores, profile.functions(), "divide")["shared"]["frames"]
    (run,) = [it for it in frames if it["name"] == "run"]
    assert run["file"].endswith("/divide.c") and run["line"] == 4
    assert any(line.endswith(" divide at divide.c:1") for line in to_text(profile.stores, profile.functions(), 9))


def test_rust_names_are_readable() -> None:
    profile, _ = profiled(rust_at(0).read_bytes(), [("run", (3,))])
    names = [it.name for it in profile.functions()]
    assert any("::" in it for it in names) and not any(it.startswith("_ZN") for it in names)


def nesting(events: list[dict[str, Any]]) -> None:
    """Check the complete events of a thread as a viewer of traces reads them: each is inside or after the others."""
    open_: list[float] = []
    for event in events:
        while open_ and event["ts"] >= open_[-1]:
            open_.pop()
        end = event["ts"] + event["dur"]
        assert not open_ or end <= open_[-1]
        open_.append(end)


def test_a_trace_has_each_call_with_its_fuel() -> None:
    profile, consumed = profiled(TREE, [("main", ()), ("down", (0,))])
    document = json.loads(json.dumps(to_chrome(profile.stores, profile.functions())))
    events = [it for it in document["traceEvents"] if it["ph"] == "X"]
    assert all({"name", "cat", "ph", "ts", "dur", "pid", "tid"} <= it.keys() for it in events)
    assert [it["name"] for it in events] == ["main", "leaf", "leaf", "down", "down", "down", "leaf", "down", "leaf"]
    nesting(events)
    assert sum(it["dur"] for it in (events[0], events[7])) == consumed
    assert dropped(profile.stores) is None
    assert [it["args"]["name"] for it in document["traceEvents"] if it["name"] == "thread_name"] == ["guest"]


def test_the_numbers_of_nodes_and_of_single_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "MOST_NODES", 5)
    monkeypatch.setattr(profiling, "MOST_SPANS", 10)
    profile, consumed = profiled(TREE, [("down", (100,))] * 3)
    (store,) = profile.stores
    assert store.nodes <= 10 and len(store.spans) <= 10
    assert sum(it.own for it in totals(profile.stores)) == consumed
    assert "(other calls)" in "\n".join(to_text(profile.stores, profile.functions(), 20))
    assert dropped(profile.stores) == f"the trace has only calls of at least {store.shortest:,} units of fuel"
    nesting([it for it in to_chrome(profile.stores, profile.functions())["traceEvents"] if it["ph"] == "X"])
