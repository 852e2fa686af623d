"""Guests that are processes: a program that starts by itself, in a folder that says so."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from zenowasm.conformance.folder import write_plugin
from zenowasm.conformance.frame import program
from zenowasm.conformance.scenario import Guest, Scenario, ScenarioError


def write(folder, process, **fields):
    scenario = Scenario(name="a", guest=Guest(process=process), file=folder / "a.yaml", **fields)
    write_plugin(folder / "guest", scenario, scenario.guest, lambda text: text.replace("${port}", "80"), changes={})
    return folder / "guest"


def test_it_is_a_program_that_speaks_lines(tmp_path):
    folder = write(tmp_path, 'def run(request): answer(request, {"port": ${port}})\ndef end(): say("bye")')
    calls = [{"type": "guest_call", "id": name, "slot_name": name, "parameters": {}} for name in
             ("plugin_init", "plugin_register_slots", "guest.run")]  # fmt: skip
    lines = "".join(json.dumps(call) + "\n" for call in calls)
    done = subprocess.run([folder / "guest.py"], input=lines, capture_output=True, text=True, timeout=30, check=True)
    assert [json.loads(line)["data"] for line in done.stdout.splitlines()] == [
        {"name": "guest", "version": "1.0.0"},
        {"slots": [{"name": "guest.run"}]},
        {"port": 80},
    ]
    assert done.stderr == "bye\n"


def test_its_manifest_says_that_it_is_one(tmp_path):
    manifest = yaml.safe_load((write(tmp_path, "", manifest={"license": "MIT"}) / "manifest.yaml").read_text())
    assert (manifest["type"], manifest["binary"], manifest["license"]) == ("sidecar", "guest.py", "MIT")


def test_what_is_not_python_is_an_error(tmp_path):
    with pytest.raises(ScenarioError, match="the guest cannot be made: "):
        write(tmp_path, "def run(request: pass")


def test_without_changes_it_is_the_frame_with_its_last_lines_once():
    assert program("").count("__main__") == 1
