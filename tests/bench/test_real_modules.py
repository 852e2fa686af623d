import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "plugins" / "hello" / "hello.wasm"
ACTIONS = ("reference: decode", "reference: decode, validate", "wasmtime: compile")


def run(*arguments):
    command = [sys.executable, str(ROOT / "bench" / "real_modules.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("action", ACTIONS)
def test_one_measurement(action):
    done = run("--act", action, "--file", HELLO)
    assert (done.returncode, done.stderr) == (0, "")
    measured = json.loads(done.stdout)
    assert measured["error"] == ""
    assert measured["bytes"] == HELLO.stat().st_size
    assert measured["seconds"] > 0
    assert measured["memory"] >= 0


@pytest.mark.parametrize("action", ACTIONS)
def test_a_refusal_is_told(action, tmp_path):
    module = tmp_path / "bad.wasm"
    module.write_bytes(b"\0asm\2\0\0\0")
    assert "version" in json.loads(run("--act", action, "--file", module).stdout)["error"]


def test_unknown_packages_are_wrong_usage():
    done = run("--only", "nonsense")
    assert done.returncode == 2
    assert "expected names out of: web-tree-sitter" in done.stderr
