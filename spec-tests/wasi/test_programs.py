"""The C programs of ``programs``: on every engine with our WASI, and with wasmtime's own to check the programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.wasi import PROGRAMS, Specification, compiled, run, run_in_wasmtime

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.c"))
OTHERWISE = {
    "append": "writes at the end with APPEND also where an offset is given, as Linux does and POSIX does not",
    "clocks_of_processor": "has no processor clocks",
    "faults": "ends a guest for a bad pointer",
    "invalid_values": "ends a guest for a number that no enumeration has, and lets files become as large as they want",
    "many_descriptors": "has another limit",
    "output": "moves one buffer at a time, as it may",
    "poll_errors": "answers an error of one descriptor for all of them",
    "pread_pwrite": "moves one buffer at a time, as it may",
    "rights": "keeps no rights but those to read and to write",
    "signals": "has no signals",
    "slashes": "does not remove a folder whose name ends in a slash",
}
"""Programs that check what wasmtime's own WASI does otherwise."""


def test_there_are_programs_for_all_that_wasmtime_does_otherwise() -> None:
    assert set(NAMES) > set(OTHERWISE)


@pytest.mark.parametrize("name", NAMES)
def test_on_our_engines(name: str, backend: str, tmp_path: Path) -> None:
    program, specification = compiled(PROGRAMS / f"{name}.c"), Specification.beside(PROGRAMS / f"{name}.c")
    run(backend, program, specification, tmp_path).expect(specification)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OTHERWISE])
def test_with_the_wasi_of_wasmtime(name: str, tmp_path: Path) -> None:
    program, specification = compiled(PROGRAMS / f"{name}.c"), Specification.beside(PROGRAMS / f"{name}.c")
    root = tmp_path / "root"
    root.mkdir()
    run_in_wasmtime(program, specification, root, tmp_path).expect(specification)
