"""``zenowasm exec`` on every engine."""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import EngineOptions
from zenowasm.backends.registry import BackendError
from zenowasm.cli.errors import CliError
from zenowasm.cli.exec import exec_

ENGINES = ("reference", "wasmtime")


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["add", "2", "3"], "5\n"),
        (["add", "0xffffffff", "4294967295"], "-2\n"),
        (["add", "-2147483648", "-1"], "2147483647\n"),
        (["swap", "0x1.8p3", "-inf"], "-inf\n12.0\n"),
        (["swap", "nan:0x200000", "-nan"], "-nan\nnan:0x200000\n"),
        (["swap", "0.1", "1e-5"], "1e-05\n0.10000000149011612\n"),
        (["wide", "-9223372036854775808", "null"], "-9223372036854775808\nnull\n"),
        (["ready"], "1\n"),
        (["hello"], "hello\n"),
        (["leave", "0"], ""),
    ],
)
def test_results_one_a_line(zenowasm, module, backend, arguments, out) -> None:
    result = zenowasm("exec", module, *arguments, "--backend", backend)
    assert (result.code, result.out, result.err) == (0, out, "")


def test_json_and_fuel_are_the_same_on_every_engine(zenowasm, module) -> None:
    results = [zenowasm("exec", module, "swap", "1", "2", "--json", "--backend", backend) for backend in ENGINES]
    assert results[0] == results[1]
    assert results[0].json["results"] == [{"type": "f64", "value": "2.0"}, {"type": "f32", "value": "1.0"}]
    assert results[0].json["fuel"] > 0


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    ("arguments", "trap"),
    [
        (["div", "1", "0"], "integer divide by zero"),
        (["div", "-2147483648", "-1"], "integer overflow"),
        (["spin", "--fuel", "1000"], "all fuel consumed"),
        (["spin", "--seconds", "0.2"], "interrupted"),
        (["deep"], None),
    ],
)
def test_a_trap_is_1_and_in_the_json(zenowasm, module, backend, arguments, trap) -> None:
    result = zenowasm("exec", module, *arguments, "--json", "--backend", backend)
    assert result.code == 1
    assert result.json["trap"] == trap
    assert result.error == result.json["error"]
    assert result.error.startswith(trap or "call stack exhausted")
    assert "results" not in result.json


def test_a_trap_says_where(zenowasm, module) -> None:
    assert zenowasm("exec", module, "div", "1", "0").error.startswith("integer divide by zero (in div at byte 0x")


def test_the_guests_own_exit_code(zenowasm, module) -> None:
    result = zenowasm("exec", module, "leave", "3")
    assert result.code == 1
    assert result.error == "the guest exited with code 3"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "1"], "expected 2 arguments for (func (param i32 i32) (result i32)), found 1"),
        (["add", "1", "2", "3"], "expected 2 arguments"),
        (["add", "1", "x"], "argument 2: expected i32, an integer such as 42, -1 or 0x2a, found 'x'"),
        (["add", "1", "4294967296"], "argument 2: 4294967296 does not fit into i32"),
        (["swap", "1", "one"], "argument 2: expected f64"),
        (["wide", "1", "x"], "argument 2: expected null"),
        (["add", "1", "--fool"], "no such option --fool"),
    ],
)
def test_wrong_arguments_are_wrong_usage(zenowasm, module, arguments, message) -> None:
    result = zenowasm("exec", module, *arguments)
    assert result.code == 2
    assert message in result.error


def test_an_unknown_export_suggests_the_nearest(zenowasm, module) -> None:
    assert zenowasm("exec", module, "ad", "1", "2").error == f"{module} exports no function 'ad': did you mean add?"
    assert "it exports _initialize, add, div" in zenowasm("exec", module, "zzzzzz").error
    assert zenowasm("exec", module, "memory").code == 1


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(module (import "env" "f" (func)) (func (export "g")))', "unknown import"),
        ('(module (func (export "g") (result i32)))', "type mismatch"),
        ('(module (func (export "g")) (memory 0) (data (i32.const 1) "x"))', "out of bounds memory access"),
        ('(module (func (export "g")) (memory 60000))', "memory"),
    ],
)
def test_a_module_that_cannot_be_run(zenowasm, write, backend, text, message) -> None:
    result = zenowasm("exec", write("m.wasm", wat(text)), "g", "--backend", backend)
    assert result.code == 1
    assert message in result.error


ECHO = """
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\00\\10\\00\\00")
  (func (export "_start")
    (loop $again
      (i32.store (i32.const 4) (i32.const 4096))
      (br_if $again (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
      (if (i32.load (i32.const 4)) (then
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (br $again))))
    (call $exit (i32.const 300))))
"""


@pytest.mark.parametrize("backend", ENGINES)
def test_without_an_export_a_program_is_run_with_the_commands_own_streams(zenowasm, write, backend) -> None:
    result = zenowasm("exec", write("echo.wasm", wat(ECHO)), "--backend", backend, given="one\ntwo without end")
    assert (result.code, result.out, result.err) == (255, "one\ntwo without end", "")


@pytest.mark.parametrize("backend", ENGINES)
def test_a_program_that_waits_for_input_ends_with_its_time(zenowasm, write, backend) -> None:
    module = write("echo.wasm", wat(ECHO))
    process = zenowasm.start("exec", module, "--backend", backend, "--seconds", "0.3")
    # stdin stays open and empty
    assert process.wait(timeout=60) == 1
    out, error = process.communicate()
    assert (out, error[:18]) == (b"", b"error: interrupted")


CHATTER = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\\00\\01\\00\\00\\00\\00\\01\\00")
  (func (export "_start")
    (loop $again (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (br $again))))
"""


@pytest.mark.parametrize("backend", ENGINES)
def test_a_program_whose_output_nobody_takes_ends_with_its_time(zenowasm, write, backend) -> None:
    process = zenowasm.start("exec", write("chatter.wasm", wat(CHATTER)), "--backend", backend, "--seconds", "0.3")
    assert process.wait(timeout=60) == 1
    assert process.communicate()[1].startswith(b"error: interrupted")


def test_a_program_that_traps_is_1(zenowasm, write) -> None:
    result = zenowasm("exec", write("m.wasm", wat('(module (func (export "_start") unreachable))')))
    assert (result.code, result.error[:11]) == (1, "unreachable")


def test_a_module_that_is_no_program(zenowasm, module) -> None:
    result = zenowasm("exec", module)
    assert result.code == 1
    assert f"{module} exports no function '_start': name the EXPORT to call; it exports _initialize" in result.error
    assert zenowasm("exec", module, "--json").code == 2


FOLDERS = """
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "length") (param $fd i32) (result i32) (local $error i32)
    (local.set $error (call $prestat (local.get $fd) (i32.const 0)))
    (select (i32.const -1) (i32.load (i32.const 4)) (local.get $error)))
  (func (export "args") (result i32 i32)
    (drop (call $args (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)) (i32.load (i32.const 4)))
  (func (export "environ") (result i32 i32)
    (drop (call $environ (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)) (i32.load (i32.const 4))))
"""


def test_folders_variables_and_arguments(zenowasm, write) -> None:
    module = write("folders.wasm", wat(FOLDERS))
    write("data/x", "")
    assert zenowasm("exec", module, "length", "3").out == "-1\n"
    assert zenowasm("exec", module, "length", "3", "--dir", "data").out == "4\n"
    given = ("--dir", "data", "--dir", f"{module.parent}::/six66")
    assert [zenowasm("exec", module, "length", fd, *given).out for fd in ("3", "4", "5")] == ["4\n", "6\n", "-1\n"]
    assert zenowasm("exec", module, "args", "--arg", "a", "--arg", "bc").out == "3\n18\n"  # folders.wasm, a, bc
    assert zenowasm("exec", module, "environ", "--env", "A=b=c", "--env", "D=").out == "2\n9\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--dir", "missing"], 1, "cannot open the folder missing: No such file or directory"),
        (["--dir", "folders.wasm::/x"], 1, "cannot open the folder folders.wasm: Not a directory"),
        (["--env", "NAME"], 2, "expected NAME=VALUE, found 'NAME'"),
        (["--env", "=x"], 2, "expected NAME=VALUE, found '=x'"),
    ],
)
def test_what_cannot_be_given_to_a_program(zenowasm, write, arguments, code, message) -> None:
    result = zenowasm("exec", write("folders.wasm", wat(FOLDERS)), "length", "3", *arguments)
    assert (result.code, message in result.error) == (code, True), result.error


@pytest.mark.parametrize("backend", ENGINES)
def test_a_trap_shows_the_guests_calls(zenowasm, write, backend) -> None:
    """As wasmtime's own command line numbers them, innermost first; their names cannot forge lines."""
    names = r'(func $"in\n   1: forged\1b[2J" unreachable) (func $out (export "f") (call 0))'
    module = write("m.wasm", wat(f"(module {names})"))
    result = zenowasm("exec", module, "f", "--backend", backend)
    assert result.code == 1
    shown = ["Calls of the guest, innermost first:", r"   0: in\n   1: forged\x1b[2J", "   1: out"]
    assert result.err.splitlines()[1:-1] == shown
    assert result.err.splitlines()[-1].startswith("Hint: `zenowasm debug FILE EXPORT ARGS` stops where the guest traps")
    described = zenowasm("exec", module, "f", "--json", "--backend", backend).json
    assert described["calls"] == ["in\n   1: forged\x1b[2J", "out"]
    program = write("p.wasm", wat('(module (func $start (export "_start") unreachable))'))
    assert "   0: start\n" in zenowasm("exec", program, "--backend", backend).err


@pytest.mark.parametrize("backend", ENGINES)
def test_an_error_that_is_no_trap_has_no_calls(zenowasm, module, backend) -> None:
    assert zenowasm("exec", module, "deep", "--backend", backend).err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "fuel", "interrupts"),
    [
        ([], False, False),
        (["--json"], True, False),
        (["--fuel", "1000"], True, False),
        (["--seconds", "5"], False, True),
    ],
)
def test_the_engine_is_made_with_what_the_options_need(
    monkeypatch, tmp_path, arguments: list[str], fuel: bool, interrupts: bool
) -> None:
    made: list[EngineOptions] = []

    def engine(name: str, options: EngineOptions) -> None:
        made.append(options)
        raise BackendError("seen")

    monkeypatch.setattr(registry, "engine", engine)
    (tmp_path / "m.wasm").write_bytes(b"")
    with pytest.raises(CliError, match="seen"):
        exec_.main([str(tmp_path / "m.wasm"), "f", *arguments], standalone_mode=False)
    (options,) = made
    assert (options.fuel, options.interrupts, options.deterministic) == (fuel, interrupts, True)
