"""The binaries that are kept here are what their sources give with the pinned compilers, byte for byte."""

from __future__ import annotations

import subprocess

import pytest
from support.toolchains import ROOT

from zenowasm.plugin.configuration.manifest import PluginType, read_manifest

EXAMPLES = [it.parent for it in sorted((ROOT / "examples").glob("*/*/manifest.yaml"))]


@pytest.mark.parametrize("name", ["markdown", "telegram"])  # hello is built by a script of its own, and tested with it
def test_a_binary_is_what_its_sources_give(build, name) -> None:
    kept = ROOT / "examples" / "plugins" / name / f"{name}.wasm"
    assert (build(name) / kept.name).read_bytes() == kept.read_bytes(), "build it again: make plugins"


def test_make_plugins_builds_all_of_them() -> None:
    command = ["make", "--dry-run", "--no-print-directory", "plugins"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wasm = [it for it in EXAMPLES if read_manifest(it).type is PluginType.WASM]
    assert len(wasm) >= 5
    assert [it.name for it in wasm if str(it.relative_to(ROOT)) not in said] == []
