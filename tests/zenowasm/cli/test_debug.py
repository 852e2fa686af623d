"""``zenowasm debug``, scripted through a pipe, inside real plugins."""

from __future__ import annotations

import re

import pytest
from support.wasm import wat


@pytest.fixture
def hello(examples) -> tuple:
    return "debug", examples / "hello.zl", "--plugin-dir", examples / "plugins"


def test_it_stops_inside_the_hello_plugin(zenowasm, hello) -> None:
    result = zenowasm(*hello, "--break", "greet", given="backtrace\nlocals\ncontinue\n")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("breakpoint 1 at greet in hello (byte 0x")
    assert re.fullmatch(r"\* #0  greet in hello \(byte 0x[0-9a-f]+\)", lines[3])
    assert re.fullmatch(r"  #1  plugin_execute\+\d+ in hello \(byte 0x[0-9a-f]+\)", lines[4])
    assert re.fullmatch(r"\$0: i32 = \d+ \(0x[0-9a-f]+\)", lines[6])
    assert lines[-1] == "[INFO]: Hello, World!"
    assert result.err == "[hello] info: Greeting: Hello, World!\n"


def test_the_request_can_be_read_in_the_plugins_memory(zenowasm, hello) -> None:
    result = zenowasm(*hello, "--break", "plugin_execute", given="memory $2 40\nc\n")
    assert '|{"slot_name":"he|' in result.out


def test_the_backtrace_goes_through_the_host(zenowasm, hello) -> None:
    commands = [word for command in ("break alloc", "continue", "bt", "delete 2", "c") for word in ("-x", command)]
    result = zenowasm(*hello, "--break", "greeting_word", *commands)
    frames = re.findall(r"#\d+ +(\w+)|host: (\S+)", result.out)
    assert [guest or f"host {host}" for guest, host in frames] == [
        "alloc", "host env.host_scope_get", "greeting_word", "greet", "plugin_execute",
    ]  # fmt: skip
    assert result.out.endswith("[INFO]: Hello, World!\n")


def test_named_locals_and_stepping_in_a_loop(zenowasm, write, plugins) -> None:
    commands = (
        "locals",
        "break checksum+5",
        "continue",
        "print $sum",
        "continue",
        "print $sum",
        "delete 2",
        "finish",
        "c",
    )
    script = write("script.zl", "counter.sum { }\nlog: $done\n")
    given = "".join(f"{command}\n" for command in commands)
    result = zenowasm("debug", script, "--plugin-dir", plugins, "--break", "checksum", given=given)
    assert result.code == 0
    text = result.out
    assert re.search(r"\$text: i32 = (\d+) .*\n\$length: i32 = 11 \(0xb\)\n\$sum: i32 = 0\n\$end: i32 = 0\n", text)
    # The slot's name is counter.sum: before the first byte the sum is 0, before the second it is that of "c".
    assert "(zenowasm) print $sum\n$sum: i32 = 0\n(zenowasm) continue" in text
    assert f"(zenowasm) print $sum\n$sum: i32 = {ord('c')} (0x63)\n" in text
    total = sum(b"counter.sum")
    assert f"returned i32 {total} (0x{total:x}) to plugin_execute+" in text
    assert text.endswith("[LOG]: true\n")


def test_single_stepping_the_whole_script_gives_the_same_output(zenowasm, hello) -> None:
    free = zenowasm("run", *hello[1:])
    stepped = zenowasm(*hello, given="step\n" * 6000 + "continue\n")
    assert stepped.code == 0
    assert stepped.err == free.err
    shown = [line for line in stepped.out.splitlines() if not line.startswith(("(zenowasm)", "=>", "at "))]
    assert shown == free.out.splitlines()
    assert stepped.out.count("=>") > 2000


def test_a_trap_stops_before_it_unwinds(zenowasm, write, plugins) -> None:
    script = write("script.zl", "counter.trap { }\n")
    given = "locals\nbacktrace\ncontinue\n"
    result = zenowasm("debug", script, "--plugin-dir", plugins, "--break", "checksum", given=given)
    assert result.code == 1
    assert result.out.startswith("trap: integer divide by zero")
    assert "$slot_length: i32 = 12 (0xc)" in result.out
    assert "* #0  plugin_execute+" in result.out
    assert "failed to call counter.plugin_execute: integer divide by zero" in result.error


@pytest.mark.parametrize("given", ["quit\n", ""])
def test_quit_and_the_end_of_the_input_end_the_run(zenowasm, hello, given) -> None:
    result = zenowasm(*hello, "--break", "greet", given=given)
    assert result.code == 0
    assert result.out.endswith("the run was ended before the script's end\n")
    assert "Hello, World!" not in result.out + result.err


def test_without_a_breakpoint_it_stops_at_the_first_instruction(zenowasm, hello) -> None:
    result = zenowasm(*hello, given="continue\n")
    assert result.out.startswith("at plugin_init in hello")
    assert result.out.endswith("[INFO]: Hello, World!\n")


def test_a_function_that_no_plugin_has(zenowasm, hello) -> None:
    result = zenowasm(*hello, "--break", "great")
    assert result.code == 1
    assert result.error == "no plugin that ran has a function great; did you mean greet?"
    assert result.out == "[INFO]: Hello, World!\n"
    assert zenowasm(*hello, "--break", " ").error.startswith("expected a function or a line")


def test_a_stop_may_take_longer_than_the_time_limit_of_a_call(zenowasm, write, hello) -> None:
    times = "wasm: {limits: {max_execution_time: 1ms}, plugins: {hello: {limits: {max_execution_time: 1ms}}}}"
    config = write("host.yaml", times)
    run = zenowasm("run", *hello[1:], "--backend", "reference", "--config", config)
    assert "interrupted (the limit of 0.001 s is reached" in run.err
    result = zenowasm(*hello, "--config", config, "--break", "greet", given="continue\n")
    assert result.out.endswith("[INFO]: Hello, World!\n")
    assert result.code == 0


def test_the_settings_hold(zenowasm, write, hello) -> None:
    config = write("host.yaml", "wasm: {limits: {max_fuel: 100}}")
    result = zenowasm(*hello, "--config", config, "--break", "greet", given="continue\n")
    assert "the limit of 100 units is reached; to raise it, change wasm.limits.max_fuel" in result.out + result.err


def test_names_of_the_guest_cannot_drive_the_terminal(zenowasm, write, plugins) -> None:
    binary = (plugins / "counter/counter.wasm").read_bytes()
    assert binary.count(b"checksum") == 1
    write("plugins/counter/counter.wasm", binary.replace(b"checksum", b"ch\x1b[2Jum"))
    script = write("script.zl", "counter.sum { }\n")
    result = zenowasm("debug", script, "--plugin-dir", plugins, "--break", "3", given="bt\nc\n")
    assert "ch\\x1b[2Jum" in result.out
    assert "\x1b" not in result.out


def test_a_script_from_stdin_is_refused_since_commands_come_from_there(zenowasm) -> None:
    result = zenowasm("debug", "-", given="log: 1")
    assert (result.code, result.out) == (1, "")
    assert result.error == "the debugger reads its commands from stdin: expected a file as FILE"


MODULE = r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\02\00\00\00hi")
  (func $divide (export "divide") (param $a i32) (param $b i32) (result i32)
    (i32.div_s (local.get $a) (local.get $b)))
  (func (export "words") (result i32) (drop (call $sizes (i32.const 16) (i32.const 20))) (i32.load (i32.const 16)))
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 12)))
    (call $exit (i32.add (i32.const 3) (i32.load (i32.const 12)))))
)"""


@pytest.fixture
def module(write):
    return write("m.wasm", wat(MODULE))


def test_an_export_of_a_module_is_stepped_through(zenowasm, module) -> None:
    result = zenowasm("debug", module, "divide", "-7", "2", "--break", "divide", given="print $a\nlocals\ncontinue\n")
    assert result.code == 0
    assert result.out.splitlines()[0].startswith("breakpoint 1 at divide in m (byte 0x")
    assert "$b: i32 = 2\n" in result.out
    assert result.out.splitlines()[-1] == "-3"


def test_it_stops_where_a_module_traps(zenowasm, module) -> None:
    result = zenowasm("debug", module, "divide", "1", "0", "--break", "divide", given="continue\nbacktrace\ncontinue\n")
    assert result.code == 1
    assert "integer divide by zero" in result.out
    assert "* #0  divide+2 in m" in result.out
    assert "integer divide by zero" in result.error
    assert "Hint" not in result.err


def test_a_program_is_run_with_its_exit_code_and_no_input(zenowasm, module) -> None:
    result = zenowasm("debug", module, given="continue\nhi\n")
    assert (result.code, result.out.splitlines()[-1]) == (3, "hi")


def test_a_module_sees_what_it_is_granted(zenowasm, module) -> None:
    result = zenowasm("debug", module, "words", "--arg", "a", "--arg", "b", given="continue\n")
    assert result.out.splitlines()[-1] == "3"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["m.wasm", "nothing"], 1, "exports no function 'nothing'"),
        (["m.wasm", "divide", "1"], 2, "expected 2 arguments"),
        (["m.wasm", "divide", "1", "1", "--break", "dividend"], 1, "no module that ran has a function dividend"),
        (["m.wasm", "divide", "1", "1", "--plugin-dir", "."], 2, "--plugin-dir and --config are for scripts"),
        (["s.zl", "divide"], 2, "EXPORT, ARGS, --dir, --env and --arg are for modules"),
        (["s.zl", "--arg", "x"], 2, "EXPORT, ARGS, --dir, --env and --arg are for modules"),
        (["s.zl", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_what_goes_with_a_script_or_a_module(zenowasm, write, module, monkeypatch, arguments, code, words) -> None:
    write("s.zl", "log: 1\n")
    monkeypatch.chdir(module.parent)
    result = zenowasm("debug", *arguments, given="continue\n")
    assert (result.code, words in result.error) == (code, True), result.error


def test_the_end_of_the_input_ends_a_modules_run(zenowasm, module) -> None:
    result = zenowasm("debug", module, "divide", "1", "1", given="")
    assert result.out.endswith("the run was ended before the program's end\n")
