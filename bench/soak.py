"""Runs one script of the official suite many times in one process, and reports memory growth: ``make soak``."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tracemalloc
from pathlib import Path

from attrs import frozen

from zenowasm.backends import registry
from zenowasm.spec.isolation import run_file

SUITE = Path(
    os.environ.get("ZENOWASM_SPEC_TESTSUITE") or Path(__file__).resolve().parents[2] / "shared" / "spec-testsuite"
)
SCRIPT = "linking.wast"
"""A script with instances that share functions, tables, memories and globals, and links that fail."""
_WARM_UP = 5


@frozen
class Memory:
    """The bytes of Python's objects after a garbage collection, and of the whole process."""

    traced: int
    resident: int


def soak(script: Path, backend: str, repeats: int) -> tuple[Memory, Memory]:
    """Return the memory after a warm-up and after ``repeats`` more runs; raises ``RuntimeError`` if a run fails."""
    tracemalloc.start()
    try:
        _run(script, backend, _WARM_UP)
        before = _memory()
        _run(script, backend, repeats)
        return before, _memory()
    finally:
        tracemalloc.stop()


def _run(script: Path, backend: str, repeats: int) -> None:
    for _ in range(repeats):
        failures = run_file(script, backend).failures()
        if failures:
            raise RuntimeError(f"{script}:{failures[0].line}: {failures[0].reason}")


def _memory() -> Memory:
    gc.collect()
    return Memory(tracemalloc.get_traced_memory()[0], _resident())


def _resident() -> int:
    """Return the process's resident memory in bytes, 0 if the system does not report it in this way."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str] | None = None) -> int:
    """Print the memory before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=Path, default=SUITE / SCRIPT, help="default: %(default)s")
    parser.add_argument("--backend", choices=registry.names(), default=registry.DEFAULT)
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args(arguments)
    try:
        before, after = soak(options.script, options.backend, options.repeats)
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.script.name} on {options.backend}: {_WARM_UP} runs to warm up, then {options.repeats}")
    for name, first, last in (
        ("Python's objects", before.traced, after.traced),
        ("resident memory", before.resident, after.resident),
    ):
        grown = last - first
        print(f"{name}: {first:,} bytes, then {last:,}: {grown:+,}, {grown / options.repeats:+,.0f} a run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
