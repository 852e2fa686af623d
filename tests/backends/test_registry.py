"""Engines by name, imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zenowasm.backends import registry


def test_every_name_has_an_engine_of_that_name() -> None:
    assert registry.DEFAULT in registry.names()
    for name in registry.names():
        found = registry.engine(name)
        assert found.name == name
        assert found.version


def test_the_default_is_the_reference() -> None:
    assert registry.engine().name == "reference"


@pytest.mark.parametrize("missing", ["wasmtime", "_cffi_backend"])
def test_an_engine_is_installed_when_all_that_it_needs_is(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    found = registry.find_spec
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == missing else found(name))
    assert registry.installed() == ("reference",)
    assert registry.fastest() == "reference"


@pytest.mark.parametrize(
    ("installed", "fastest"), [(("reference", "wasmtime"), "wasmtime"), (("reference",), "reference")]
)
def test_auto_is_the_fastest_that_is_installed(monkeypatch: pytest.MonkeyPatch, installed, fastest) -> None:
    monkeypatch.setattr(registry, "installed", lambda: installed)
    assert registry.engine("auto").name == fastest


def test_an_unknown_name_gets_the_known_ones() -> None:
    with pytest.raises(registry.BackendError, match=r"'nonsense'.*reference, wasmtime"):
        registry.engine("nonsense")


@pytest.mark.parametrize(("name", "meant"), [("wasmtme", "wasmtime"), ("Reference", "reference"), ("aut", "auto")])
def test_an_unknown_name_that_is_like_a_known_one(name: str, meant: str) -> None:
    with pytest.raises(registry.BackendError, match=f"^unknown backend '{name}': did you mean {meant}\\?$"):
        registry.engine(name)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> Any:
        raise ModuleNotFoundError("No module named 'wasmtime'", name="wasmtime")

    monkeypatch.setattr(registry, "import_module", missing)
    with pytest.raises(registry.BackendError, match=r"pip install 'zenowasm\[wasmtime\]'"):
        registry.engine("wasmtime")


def test_a_defect_inside_of_an_engine_is_not_taken_for_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: str) -> Any:
        raise ModuleNotFoundError("No module named 'zenowasm.typo'", name="zenowasm.typo")

    monkeypatch.setattr(registry, "import_module", broken)
    for name in registry.names():
        with pytest.raises(ModuleNotFoundError, match="typo"):
            registry.engine(name)


def test_no_engine_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys; from zenowasm.backends import registry; "
        "assert 'wasmtime' not in sys.modules and 'zenowasm.backends.reference' not in sys.modules; "
        "registry.engine('reference'); assert 'wasmtime' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution that adds the engine ``other``, and ``broken``, whose module is not there."""
    (tmp_path / "other_engine.py").write_text(
        "from zenowasm.backends import registry\ndef new_engine():\n    return registry.engine()\n"
    )
    info = tmp_path / "other_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-engine\nVersion: 1.0\n")
    points = "other = other_engine:new_engine\nbroken = no_such_module:new_engine\n"
    (info / "entry_points.txt").write_text(f"[zenowasm.backends]\n{points}")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_another_distribution_adds_an_engine(added: Path) -> None:
    assert registry.engine("other").name == "reference"
    with pytest.raises(registry.BackendError, match="'broken' cannot be loaded from no_such_module:new_engine"):
        registry.engine("broken")


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.installed() == registry.names()
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert registry.installed() == ("reference",)
