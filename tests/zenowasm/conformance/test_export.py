"""Scenarios for hosts in other languages."""

from __future__ import annotations

import json

import pytest
import wasmtime
from attrs import evolve

from zenowasm.conformance.export import SERVER, export
from zenowasm.conformance.scenario import Ask, Expectation, Guest, Scenario, Step, World

SCENARIO = Scenario(
    name="A call, of one kind!",
    chapter="calls",
    source="a document",
    guest=Guest(ask=Ask("host_http_request", '{"url":"${http}/text"}')),
    permissions={"network": ["${http}/*"]},
    world=World(scope={"a": 1}, after_scope={"a": None}),
    steps=(
        Step(call="guest.run", parameters={"u": "${http}"}, expect=Expectation(data=None, error="${http}...")),
        Step(reload=Guest(), manifest={"version": "2.0.0"}),
        Step(script="guest.run", expect=Expectation(output=["1"])),
        Step(close=True),
    ),
)


@pytest.fixture
def folder(tmp_path):
    scenario = evolve(SCENARIO, file=tmp_path / "chapter.yaml")
    assert export([scenario], tmp_path / "out") == 1
    return tmp_path / "out" / "chapter" / "a-call-of-one-kind"


def test_the_plugin_is_there_with_everything_filled_in(folder):
    assert f"{SERVER}/*" in (folder / "manifest.yaml").read_text()
    assert SERVER.encode() in (folder / "guest.wasm").read_bytes()
    wasmtime.Module.from_file(wasmtime.Engine(), str(folder / "guest.wasm"))
    assert "2.0.0" in (folder / "step-1" / "manifest.yaml").read_text()
    assert (folder / "step-1" / "guest.wasm").is_file()


def test_what_is_done_and_expected_is_told(folder):
    document = json.loads((folder / "scenario.json").read_text())
    assert document["steps"] == [
        {"call": "guest.run", "parameters": {"u": SERVER}, "expect": {"data": None, "error": f"{SERVER}..."}},
        {"reload": "step-1", "expect": {}},
        {"script": "guest.run", "expect": {"output": ["1"]}},
        {"close": True, "expect": {}},
    ]
    assert document["world"]["scope"] == {"a": 1}
    assert document["afterwards"] == {"scope": {"a": None}}


def test_the_format_is_described(folder):
    assert "Exported scenarios" in (folder.parent.parent / "README.md").read_text()
