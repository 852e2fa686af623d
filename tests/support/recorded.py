"""Recordings for the tests of frontends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenowasm.backends import registry
from zenowasm.recordings.recorder import Recorder


def recorded(module: Path, export: str, *arguments: Any, folder: Path) -> Path:
    """Record a call of a module's export on wasmtime, and return the file."""
    path = folder / "run.zr"
    with Recorder(path) as recorder:
        engine = recorder.engine(registry.engine("wasmtime"))
        exports: Any = engine.new_store().instantiate(engine.compile(module.read_bytes()), {}).exports
        exports[export].call(*arguments)
    return path
