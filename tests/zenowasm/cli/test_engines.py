"""``zenowasm engines``: which engines there are, what each can do, and what it compiles into guests."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import zenowasm as package
from zenowasm.backends import registry
from zenowasm.cli import engines as command
from zenowasm.plugin.configuration.settings import Settings


@pytest.fixture
def listed(zenowasm, write):
    def run(text: str = "wasm: {}") -> dict[str, Any]:
        found = zenowasm("engines", "--config", write("host.yaml", text), "--json").json
        return {it["name"]: it for it in found["engines"]}

    return run


def parts(engine: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    return {name: (it["compiled_in"], it["why"]) for name, it in engine["guests"].items()}


def test_auto_is_an_engine_wherever_one_is_named(zenowasm, examples, write) -> None:
    add = write(
        "add.wat", '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
    )
    assert zenowasm("exec", add, "add", "2", "3", "--backend", "auto").out == "5\n"
    run = zenowasm("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--backend", "auto")
    assert run.out == "[INFO]: Hello, World!\n"
    assert "auto for the fastest that is installed" in " ".join(zenowasm("exec", "--help").out.split())


def test_engines_with_versions_and_capabilities(listed) -> None:
    found = listed()
    assert list(found) == list(registry.names())
    assert found["reference"]["default"] is True
    assert found["reference"]["version"] == package.__version__
    assert found["wasmtime"]["version"] == version("wasmtime")
    assert found["reference"]["capabilities"] == ["deterministic", "fuel", "interrupts", "stepping"]
    assert found["wasmtime"]["capabilities"] == ["deterministic", "interrupts", "parallel"]
    assert parts(found["reference"])["fuel"] == (True, "always")
    fuel = "only for plugins with a max_fuel, and from the first call with fuel on"
    assert parts(found["wasmtime"]) == {
        "fuel": (False, fuel),
        "interrupts": (True, "time limits and Ctrl-C"),
        "deterministic": (True, "results as on every engine"),
    }


def test_what_the_settings_ask_for(listed, zenowasm, write) -> None:
    text = "wasm: {interruptible: false, deterministic: false, plugins: {hello: {limits: {max_fuel: 5}}}}"
    found = listed(text)
    assert found["wasmtime"]["capabilities"] == ["parallel"]
    assert parts(found["wasmtime"]) == {
        "fuel": (False, "only for plugins with a max_fuel, such as hello, and from the first call with fuel on"),
        "interrupts": (False, "interruptible: false"),
        "deterministic": (False, "deterministic: false"),
    }
    assert parts(found["reference"])["interrupts"] == (True, "always")
    shown = zenowasm("engines", "--config", write("host.yaml", text)).out
    assert f"wasmtime {version('wasmtime')}\n  capabilities: parallel\n  fuel: no (only for" in shown


@pytest.mark.parametrize(
    ("settings", "why"),
    [("count_fuel: true", "count_fuel: true"), ("limits: {max_fuel: 7}", "limits.max_fuel: 7")],
)
def test_why_fuel_is_counted(listed, settings, why) -> None:
    found = listed(f"wasm: {{{settings}}}")["wasmtime"]
    assert parts(found)["fuel"] == (True, why)
    assert "fuel" in found["capabilities"]


def test_an_engine_that_is_not_installed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    for name in [name for name in sys.modules if name.startswith("zenowasm.backends.wasmtime")]:
        monkeypatch.delitem(sys.modules, name)
    found = command._engine("wasmtime", Settings())
    assert (found.version, found.install, found.capabilities) == (None, "pip install 'zenowasm[wasmtime]'", ())
    assert "needs the package 'wasmtime', which is not installed: run `pip install" in found.unavailable


def test_an_engine_that_cannot_be_loaded(zenowasm, write) -> None:
    write("wasmtime/__init__.py", "raise OSError('libwasmtime.so: wrong ELF class')")
    variables = {"PYTHONPATH": f"{zenowasm.folder}:{zenowasm.environment()['PYTHONPATH']}"}
    shown = zenowasm("engines", variables=variables)
    assert shown.code == 0
    why = "backend 'wasmtime' cannot be loaded: libwasmtime.so: wrong ELF class"
    assert f"wasmtime is not available: {why}\n" in shown.out
    assert zenowasm("conformance", "--backend", "wasmtime", variables=variables).error == why


@pytest.fixture
def added(write) -> dict[str, str]:
    """The environment in which another distribution adds the engines ``other``, and ``broken``, which has no module."""
    write("other_engine.py", "from zenowasm.backends import registry\nnew_engine = registry.engine\n")
    write("other_engine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: other-engine\nVersion: 1.0\n")
    points = "other = other_engine:new_engine\nbroken = no_such_module:new_engine\n"
    folder = write("other_engine-1.0.dist-info/entry_points.txt", f"[zenowasm.backends]\n{points}").parents[1]
    return {"PYTHONPATH": f"{folder}:{Path(__file__).parents[3]}"}


def test_engines_of_other_distributions(zenowasm, added) -> None:
    *ours, broken, other = zenowasm("engines", "--json", variables=added).json["engines"]
    assert [it["name"] for it in ours] == list(registry.names())
    assert (other["name"], other["version"], other["guests"]) == ("other", package.__version__, {})
    assert "'broken' cannot be loaded from no_such_module:new_engine" in broken["unavailable"]
    assert (broken["version"], broken["install"]) == (None, "")
    help_ = " ".join(zenowasm("spec", "--help", variables=added).out.split())
    assert "Installed here: reference, wasmtime, broken, other." in help_
    error = zenowasm("conformance", "--backend", "othr", variables=added).error
    assert error == "unknown backend 'othr': did you mean other?"


@pytest.mark.parametrize("command", ["run", "exec", "serve", "spec", "conformance"])
def test_the_help_says_why_an_engine_is_not_installed(zenowasm, command) -> None:
    code = """
import sys
from zenowasm.backends import registry
from zenowasm.cli.main import main
found = registry.find_spec
registry.find_spec = lambda name: None if name == "wasmtime" else found(name)
main(sys.argv[1:])
"""
    help_ = " ".join(zenowasm.python(code, command, "--help").out.split())
    why = "Installed here: reference. wasmtime needs the package wasmtime: `pip install 'zenowasm[wasmtime]'`."
    assert why in help_
    installed = " ".join(zenowasm(command, "--help").out.split())
    assert "Installed here: reference, wasmtime. -" in installed
