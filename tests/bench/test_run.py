import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def run(*arguments):
    command = [sys.executable, str(BENCH / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_harness_runs_and_writes_what_it_measured(tmp_path):
    output = tmp_path / "bench.json"
    done = run("--only", "fib", "--only", "slot", "--rounds", "2", "--sample", "0.001", "--json", str(output))
    assert (done.returncode, done.stderr) == (0, "")
    assert "M instr/s" in done.stdout
    kernel, slot = json.loads(output.read_text())["groups"]
    assert [it["label"] for it in kernel["cases"]][:2] == ["reference", "wasmtime"]
    assert [it["label"] for it in slot["cases"]] == ["reference", "wasmtime"]
    assert all(len(case["samples"]) == 2 and case["rate"]["low"] > 0 for case in kernel["cases"] + slot["cases"])


def test_unknown_names_are_wrong_usage():
    done = run("--only", "nonsense")
    assert done.returncode == 2
    assert "expected at least one round, and names out of: loop, fib, sieve" in done.stderr


@pytest.mark.parametrize("source", sorted((BENCH / "workloads").glob("*.wat")), ids=lambda it: it.stem)
def test_the_kernels_are_what_their_sources_say(source):
    sys.path.insert(0, str(source.parent))
    try:
        from build import assemble
    finally:
        sys.path.remove(str(source.parent))
    assert assemble(source) == source.with_suffix(".wasm").read_bytes()
