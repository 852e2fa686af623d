from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "plugins" / "hello" / "hello.wasm"
SCRIPT = ROOT / "bench" / "round_trips.py"


@pytest.mark.parametrize("form", ["FLAT", "FOLDED"])
def test_a_module_is_the_same_again(form):
    command = [sys.executable, str(SCRIPT), "--file", str(HELLO), "--form", form]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the same ")


def test_a_module_that_another_parser_reads_otherwise_is_told():
    code = f"""
import runpy, sys, wasmtime
made = wasmtime.wat2wasm
wasmtime.wat2wasm = lambda text: made(text)[:-1]
sys.argv = ["round_trips.py", "--file", {str(HELLO)!r}, "--form", "FLAT"]
sys.path.insert(0, {str(SCRIPT.parent)!r})
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("wasmtime makes other bytes of the text")
