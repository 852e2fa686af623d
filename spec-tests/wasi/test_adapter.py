"""The adapter, used as the upstream runner uses it: loaded as a module, its command started, the outcome compared."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.wasi import PROGRAMS, Outcome, Specification, compiled

from zenowasm import __version__

ADAPTER = PROGRAMS.parent / "adapter" / "zenowasm.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(ADAPTER.name, ADAPTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch, backend: str) -> ModuleType:
    monkeypatch.setenv("ZENOWASM", f"{sys.executable} -m zenowasm.cli.main --backend {backend}")
    return load()


@pytest.mark.parametrize(
    "name", ["args", "environ", "exit_code", "output", "read_write", "list", "standard_descriptors"]
)
def test_runs_programs(adapter: ModuleType, name: str, tmp_path: Path) -> None:
    program, specification = compiled(PROGRAMS / f"{name}.c"), Specification.beside(PROGRAMS / f"{name}.c")
    given = (list(specification.args), specification.env, str(tmp_path) if specification.root else None)
    argv = adapter.compute_argv(str(program), given, [], "wasi:cli/command", "wasm32-wasip1")
    done = subprocess.run(argv, input=b"", capture_output=True, check=False, timeout=120)
    Outcome(done.returncode, done.stdout, done.stderr).expect(specification)


def test_folders_may_also_be_pairs(adapter: ModuleType, tmp_path: Path) -> None:
    program = compiled(PROGRAMS / "read_write.c")
    argv = adapter.compute_argv(str(program), ([], {}, [(tmp_path, "/")]), [], "wasm32-wasip1")
    assert subprocess.run(argv, input=b"", check=False, timeout=120).returncode == 0
    assert (tmp_path / "file").read_bytes() == b"hello; world"


def test_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZENOWASM", raising=False)
    adapter = load()
    assert (adapter.get_name(), adapter.get_version()) == ("zenowasm", __version__)
    assert adapter.get_wasi_versions() == ["wasm32-wasip1"]
    assert adapter.get_wasi_worlds() == ["wasi:cli/command"]


def test_is_a_module_and_prints_nothing_as_a_program() -> None:
    """What the runner asks for before it loads an adapter; one that prints is taken for one of the former kind."""
    done = subprocess.run([sys.executable, str(ADAPTER), "--version"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_all_programs_are_built_for_the_runner(tmp_path: Path) -> None:
    script = PROGRAMS.parent / "build.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=300)
    programs = sorted(path.stem for path in PROGRAMS.glob("*.c"))
    assert sorted(path.stem for path in tmp_path.glob("*.wasm")) == programs
    roots = [root for name in programs if (root := Specification.beside(tmp_path / f"{name}.wasm").root)]
    assert len(set(roots)) == len(roots) == len([path for path in tmp_path.iterdir() if path.is_dir()])
