"""``zenowasm debug``, scripted through a pipe, inside real plugins."""

from __future__ import annotations

import re

import pytest


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
    assert zenowasm(*hello, "--break", " ").error.startswith("expected a function's name")


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
    assert result.error == "the debugger reads its commands from stdin: expected a file as SCRIPT"
