"""Engines by name, imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
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


def test_an_unknown_name_gets_the_known_ones() -> None:
    with pytest.raises(registry.BackendError, match=r"'nonsense'.*reference, wasmtime"):
        registry.engine("nonsense")


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
