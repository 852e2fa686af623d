"""Writes the expected failures anew from what fails now: ``python spec-tests/regenerate.py [BACKEND...]``.

What changed is for a person to read in the diff: a regenerated file says what fails, not that it may.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from conftest import BACKENDS, suite_folder

from zenowasm.spec.expectations import parse, render
from zenowasm.spec.isolation import run_files
from zenowasm.spec.summary import total_of

_HEADER = """\
# What fails of the official suite on this engine; zenowasm/spec/expectations.py describes the format.
# Written by `python spec-tests/regenerate.py`; reasons may be edited and are kept while the line still applies.
"""


def main(backends: list[str]) -> int:
    scripts = sorted(suite_folder().glob("*.wast"))
    if not scripts:
        print(f"the official suite is not in {suite_folder()}: set ZENOWASM_SPEC_TESTSUITE", file=sys.stderr)
        return 1
    for backend in backends or BACKENDS:
        path = Path(__file__).parent / "expected_failures" / f"{backend}.txt"
        former = parse(path.read_text(encoding="utf-8")) if path.exists() else {}
        results = sorted(run_files(scripts, backend, os.cpu_count() or 1), key=lambda it: it.path)
        path.write_text(_HEADER + render(results, former), encoding="utf-8")
        counts = total_of(results)
        judged = f"{counts.passed} pass, {counts.failed} fail, {counts.skipped} skipped"
        print(f"{backend}: {judged}, {counts.unreadable} not readable")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
