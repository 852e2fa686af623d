"""Runs the command line in a process of its own, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen
from support.commands import ForkedCommands
from support.wasm import wat

LONGEST = 120.0
"""Seconds after which a command has failed."""
ROOT = Path(__file__).parents[3]
MODULE = """
(module $demo
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 16) "hello\\n")
  (func $init (export "_initialize") (global.set $ready (i32.const 1)))
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $div (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b)))
  (func $swap (export "swap") (param f32 f64) (result f64 f32) local.get 1 local.get 0)
  (func $wide (export "wide") (param i64 externref) (result i64 externref) local.get 0 local.get 1)
  (func $spin (export "spin") (loop br 0))
  (func $deep (export "deep") call $deep)
  (func $ready (export "ready") (result i32) global.get $ready)
  (func $hello (export "hello") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func $leave (export "leave") (param i32) (call $exit (local.get 0))))
"""
PLUGIN = """
(module $counter
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 131072))
  (func $alloc (export "alloc") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 7)) (i32.const -8))))
  (func (export "plugin_init") (result i32) i32.const 1024)
  (func (export "plugin_register_slots") (result i32) i32.const 2048)
  (func $checksum (param $text i32) (param $length i32) (result i32) (local $sum i32) (local $end i32)
    (local.set $end (i32.add (local.get $text) (local.get $length)))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $text))))
      (br_if $next (i32.lt_u (local.tee $text (i32.add (local.get $text) (i32.const 1))) (local.get $end))))
    (local.get $sum))
  (func (export "plugin_execute") (param $slot i32) (param $slot_length i32) (param $request i32) (param $length i32)
    (result i32)
    (if (i32.eq (local.get $slot_length) (i32.const 12)) (then (i32.div_u (i32.const 1) (i32.const 0)) (drop)))
    (drop (call $checksum (local.get $slot) (local.get $slot_length)))
    (i32.const 3072))
  (func (export "plugin_cleanup"))
  (data (i32.const 1024) "{\\22name\\22:\\22counter\\22,\\22version\\22:\\221.0.0\\22}\\00")
  (data (i32.const 2048) "[{\\22name\\22:\\22counter.sum\\22},{\\22name\\22:\\22counter.trap\\22}]\\00")
  (data (i32.const 3072) "{\\22success\\22:true,\\22data\\22:{\\22done\\22:true}}\\00"))
"""


@frozen
class Result:
    """What a process did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The error message, which must be one line and no traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert "Traceback" not in self.err
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")


@define
class CommandLine:
    """Starts the command line in a folder."""

    folder: Path
    _forked: ForkedCommands

    def environment(self, variables: dict[str, str] | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ZENO_")}
        path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
        return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", **(variables or {})}

    def start(
        self, *arguments: object, variables: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start it and return the process; its streams are pipes."""
        command = [sys.executable, "-m", "zenowasm.cli.main", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(variables), **pipes)

    def python(self, code: str, *arguments: object, variables: dict[str, str] | None = None) -> Result:
        """Run Python code instead."""
        return self._finish([sys.executable, "-c", code, *map(str, arguments)], "", variables)

    def __call__(self, *arguments: object, given: str = "", variables: dict[str, str] | None = None) -> Result:
        """Run it with arguments; ``given`` is what it reads on stdin."""
        words = [*map(str, arguments)]
        if any(name.startswith(("PYTHON", "LC_", "LANG")) for name in variables or ()):
            # Python itself reads these when it starts.
            return self._finish([sys.executable, "-m", "zenowasm.cli.main", *words], given, variables)
        return Result(*self._forked.run(words, given, self.folder, self.environment(variables), LONGEST))

    def _finish(self, command: list[str], given: str, variables: dict[str, str] | None) -> Result:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(variables),
            timeout=LONGEST,
            encoding="utf-8",
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def forked() -> Iterator[ForkedCommands]:
    commands = ForkedCommands(ROOT)
    yield commands
    commands.close()


@pytest.fixture
def zenowasm(tmp_path: Path, forked: ForkedCommands) -> CommandLine:
    return CommandLine(tmp_path, forked)


@pytest.fixture(scope="session")
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file."""

    def make(name: str, contents: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    return make


@pytest.fixture
def module(write: Callable[..., Path]) -> Path:
    return write("demo.wasm", wat(MODULE))


@pytest.fixture
def plugins(write: Callable[..., Path]) -> Path:
    """A folder with a plugin whose locals have names: ``counter.sum`` adds bytes, ``counter.trap`` divides by zero."""
    write(
        "plugins/counter/manifest.yaml",
        "name: counter\nversion: 1.2.3\nbinary: counter.wasm\ndescription: Adds bytes\n",
    )
    return write("plugins/counter/counter.wasm", wat(PLUGIN)).parents[1]
