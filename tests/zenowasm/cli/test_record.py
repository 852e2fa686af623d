"""``run --record``, ``exec --record`` and ``debug --replay``."""

from __future__ import annotations

from shutil import copytree

import pytest
from support.debugged import c_at
from support.wasm import wat

from zenowasm.backends import registry

CLOCK = """(module $clock
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $now (export "now") (result i64)
    (drop (call $environ (i32.const 64) (i32.const 128)))
    (drop (call $time (i32.const 0) (i64.const 1) (i32.const 8))) (i64.load (i32.const 8))))"""


@pytest.fixture(params=registry.names())
def backend(request) -> str:
    return request.param


def test_a_script_on_any_engine_is_stepped_through_afterwards(zenowasm, examples, backend):
    script, plugins = examples / "hello.zl", zenowasm.folder / "plugins"
    copytree(examples / "plugins" / "hello", plugins / "hello")
    done = zenowasm("run", script, "--plugin-dir", plugins, "--backend", backend, "--record", "hello.zr")
    assert (done.code, done.out) == (0, "[INFO]: Hello, World!\n")
    replayed = zenowasm("debug", "--replay", "hello.zr", "--break", "greet", given="bt\nfinish\ncontinue\n")
    assert replayed.code == 0
    lines = replayed.out.splitlines()
    assert lines[0].startswith("breakpoint 1 at greet in hello (byte 0x")
    assert lines[-1] == "replayed 7 calls and 2 host calls in 1 store"
    assert "Hello" not in replayed.out + replayed.err  # nothing is logged again


def test_a_module_shows_the_time_that_it_saw(zenowasm, write, backend):
    module = write("clock.wasm", wat(CLOCK))
    given = ("--env", "TOKEN=a-secret-word", "--record", "clock.zr", "--backend", backend)
    seen = zenowasm("exec", *given, module, "now")
    assert seen.code == 0
    commands = ("-x", "break now+11", "-x", "c", "-x", "stack", "-x", "x 128 20", "-x", "c")
    replayed = zenowasm("debug", "--replay", "clock.zr", *commands)
    assert f"[0] i64 = {seen.out.strip()}" in replayed.out
    assert "|TOKEN=**********|" in replayed.out
    assert replayed.out.endswith("replayed 1 call and 2 host calls in 1 store\n")


def test_the_last_write_of_a_variable_in_memory_is_found(zenowasm):
    assert zenowasm("exec", "--record", "run.zr", c_at("-O0"), "run", "3").code == 0
    back = ("-x", "reverse-continue", "-x", "list 38")
    commands = ("--break", "records.c:41", "-x", "watch total", *back, *back, "-x", "quit")
    lines = zenowasm("debug", "--replay", "run.zr", *commands).out.splitlines()
    # (2 + 1) * (-2 + 2), then (1 + 1) * (-1 + 2), then (0 + 1) * (0 + 2)
    assert [it for it in lines if " became " in it] == [
        "watchpoint 2 at total: 4 became 2",
        "watchpoint 2 at total: 2 became 0",
    ]
    assert sum(it.startswith("=>    38 ") for it in lines) == 4


def test_a_trap_is_found_where_it_happened(zenowasm, plugins, write, backend):
    script = write("script.zl", "counter.trap { }\n")
    failed = zenowasm("run", script, "--plugin-dir", plugins, "--record", "trap.zr", "--backend", backend)
    assert failed.code == 1
    replayed = zenowasm("debug", "--replay", "trap.zr", "-x", "c", "-x", "print $slot_length", "-x", "c")
    assert "trap: integer divide by zero" in replayed.out
    assert "$slot_length: i32 = 12 (0xc)" in replayed.out
    assert replayed.code == 0


def test_what_is_no_fit_is_a_sentence(zenowasm, write, module):
    clock = write("clock.wasm", wat(CLOCK))
    zenowasm("exec", clock, "now", "--record", "clock.zr")
    path = zenowasm.folder / "clock.zr"
    other = zenowasm("debug", "--replay", "clock.zr", module, "-x", "c")
    assert other.error.startswith("the module is another one than in clock.zr: it has the SHA-256 ")
    assert zenowasm("debug", "--replay", clock, "-x", "c").error == f"{clock} is not a recording of zenowasm"
    assert zenowasm("debug", "--replay", "missing.zr").error == "cannot read missing.zr: No such file or directory"
    assert zenowasm("exec", clock, "now", "--record", "no/file").error == (
        "cannot write the recording no/file: No such file or directory"
    )
    # The recording has a header, the module, the events and its end: without the last two frames nothing runs.
    path.write_bytes(path.read_bytes()[:-60])
    cut = zenowasm("debug", "--replay", "clock.zr", "-x", "c", "-x", "c", "-x", "c")
    assert cut.out.endswith("; the recording is cut there\n")
    assert zenowasm("debug", "--replay", "clock.zr", clock, "now").code == 2
    assert zenowasm("debug").code == 2
