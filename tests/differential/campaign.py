"""Generates modules with ``wasm-tools smith`` and runs each on two engines: ``make fuzz``, and a sample in the tests.

A module on which the engines part is shrunk and saved in ``found/``; ``test_smith.py`` replays what is there.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path

from zenowasm.backends import registry

try:
    from differential.agreement import compare
except ModuleNotFoundError:  # run as a program
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from differential.agreement import compare
from support.json_reader import converter

FOUND = Path(__file__).parent / "found"

# Relaxed vectors are left out: where the specification leaves a choice, wasmtime 50 does not take the deterministic
# profile's (see RATIONALE.md). Modules import nothing, so that every engine can link them.
_OPTIONS = {
    "max-imports": 0,
    "export-everything": True,
    "min-funcs": 2,
    "max-memories": 3,
    "max-tags": 4,
    "max-memory32-bytes": 1 << 20,
    "max-memory64-bytes": 1 << 20,
    "max-table-elements": 1000,
    "exceptions-enabled": True,
    "gc-enabled": True,
    "memory64-enabled": True,
    "tail-call-enabled": True,
    "relaxed-simd-enabled": False,
    "threads-enabled": False,
    "custom-page-sizes-enabled": False,
    "wide-arithmetic-enabled": False,
    "shared-everything-threads-enabled": False,
    "compact-imports-enabled": False,
    "custom-descriptors-enabled": False,
}


def generate(seed: int) -> bytes:
    """Return the module of a seed."""
    chance = random.Random(seed)
    entropy = chance.randbytes(chance.randrange(200, 6000))
    options = [word for name, value in _OPTIONS.items() for word in (f"--{name}", str(value).lower())]
    return subprocess.run([converter(), "smith", *options], input=entropy, stdout=subprocess.PIPE, check=True).stdout


def difference(binary: bytes, seed: int) -> str | None:
    """Return where the two engines part on a module, or ``None``."""
    return compare(binary, (registry.engine("reference"), registry.engine("wasmtime")), seed).difference


def shrink(binary: bytes, seed: int) -> Path:
    """Make a module on which the engines part as small as it gets, and save it."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"seed-{seed}.wasm"
    path.write_bytes(binary)
    predicate = path.with_suffix(".sh")
    predicate.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" --parts "$1" --seed {seed}\n', encoding="utf-8"
    )
    predicate.chmod(0o755)
    small = path.with_suffix(".small")
    try:
        subprocess.run([converter(), "shrink", predicate, path, "-o", small], check=True, stdout=subprocess.DEVNULL)
        if small.exists():
            small.replace(path)
    finally:
        predicate.unlink()
    return path


def main() -> int:
    """Run a campaign, or say by the exit code whether the engines part on one module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="the first case's seed")
    parser.add_argument("--parts", type=Path, metavar="FILE", help="exit with 0 when the engines part on this module")
    options = parser.parse_args()
    if options.parts is not None:
        return 1 if difference(options.parts.read_bytes(), options.seed) is None else 0
    found = 0
    for seed in range(options.seed, options.seed + options.cases):
        binary = generate(seed)
        where = difference(binary, seed)
        if where is not None:
            found += 1
            print(f"seed {seed}: {where}: {shrink(binary, seed)}", flush=True)
    print(f"{options.cases} cases, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
