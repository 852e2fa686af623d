"""``zenowasm run``: the quick reference's script and plugin, on every engine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.wasm import wat

from zenowasm.cli.script import print_log
from zenowasm.conformance.frame import binary
from zenowasm.conformance.scenario import Ask, Guest
from zenowasm.plugin import LogRecord

ENGINES = ("reference", "wasmtime")


@pytest.mark.parametrize("backend", ENGINES)
def test_the_quick_references_script(zenowasm, examples, backend) -> None:
    result = zenowasm("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--backend", backend)
    assert (result.code, result.out) == (0, "[INFO]: Hello, World!\n")
    assert result.err == "[hello] info: Greeting: Hello, World!\n"


def test_the_environment_names_the_folder(zenowasm, examples, write) -> None:
    folder = str(examples / "plugins")
    enabled = {"ZENO_PLUGINS_ENABLED": "true", "ZENO_PLUGIN_DIR": folder}
    assert zenowasm("run", examples / "hello.zl", variables=enabled).out == "[INFO]: Hello, World!\n"
    write(".env", f"ZENO_PLUGINS_ENABLED=1\nZENO_PLUGIN_DIR={folder}\n")
    assert zenowasm("run", examples / "hello.zl").out == "[INFO]: Hello, World!\n"
    assert zenowasm("run", examples / "hello.zl", variables={"ZENO_PLUGINS_ENABLED": "false"}).code == 1


def test_without_plugins_it_says_what_to_do(zenowasm, examples) -> None:
    result = zenowasm("run", examples / "hello.zl")
    assert result.code == 1
    assert "hello.zl:2:1: unknown slot `hello.greet`" in result.error
    assert "no plugins are loaded: use --plugin-dir or ZENO_PLUGINS_ENABLED" in result.error


def test_a_folder_that_does_not_exist(zenowasm, examples, tmp_path) -> None:
    result = zenowasm("run", examples / "hello.zl", "--plugin-dir", tmp_path / "nowhere")
    assert result.code == 1
    assert result.error.startswith(f"no plugin folder at {tmp_path}/nowhere")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("a: {", "script.zl:1:4"),
        ("helo.greet { }", "did you mean"),
        ("$x: 1 / 0", "script.zl:1"),
        ('include: "nothing.zl"', "nothing.zl"),
        ("x: \x00", "script.zl:1"),
    ],
)
def test_a_wrong_script_says_where(zenowasm, examples, write, script, message) -> None:
    result = zenowasm("run", write("script.zl", script), "--plugin-dir", examples / "plugins")
    assert result.code == 1
    assert message in result.error


def test_a_script_with_a_byte_order_mark_and_includes_from_its_folder(zenowasm, write) -> None:
    write("parts/inner.zl", "log: $x")
    script = write("parts/outer.zl", b'\xef\xbb\xbf$x: "from outer"\ninclude: "inner.zl"\n')
    result = zenowasm("run", script)
    assert (result.code, result.out) == (0, "[LOG]: from outer\n")


@pytest.mark.parametrize("backend", ENGINES)
def test_a_trap_in_a_plugin_is_an_error_of_the_script(zenowasm, write, plugins, backend) -> None:
    script = write("script.zl", "counter.sum { }\nlog: $done\ncounter.trap { }\n")
    result = zenowasm("run", script, "--plugin-dir", plugins, "--backend", backend)
    assert (result.code, result.out) == (1, "[LOG]: true\n")
    expected = "script.zl:3:1: plugin execution failed: failed to call counter.plugin_execute: integer divide by zero"
    assert expected in result.error


def test_a_broken_plugin_is_logged_and_the_others_work(zenowasm, write, plugins) -> None:
    write("plugins/broken/manifest.yaml", "name: broken\nbinary: no.wasm\n")
    result = zenowasm("run", write("script.zl", "counter.sum { }\nlog: $done"), "--plugin-dir", plugins)
    assert (result.code, result.out) == (0, "[LOG]: true\n")
    assert "[broken] error: Failed to load plugin: " in result.err


def test_what_a_plugin_logs_cannot_drive_the_terminal(zenowasm, examples, write) -> None:
    write("guest/manifest.yaml", "name: g\nbinary: g.wasm\nversion: 1.0.0\n")
    script = write("script.zl", 'hello.greet { name: "a\x1b[2Jb" }')
    result = zenowasm("run", script, "--plugin-dir", examples / "plugins")
    assert result.code == 0
    assert "Greeting: " in result.err
    assert "\x1b" not in result.err


def test_a_log_message_is_one_write(monkeypatch):
    """Two writes of two threads can mix."""
    writes = []
    monkeypatch.setattr("sys.stderr", SimpleNamespace(write=writes.append, flush=lambda: None))
    print_log(LogRecord("p", "info", "said"))
    print_log(LogRecord("", "warn", "noted"))
    assert writes == ["[p] info: said\n", "warn: noted\n"]


def test_a_log_message_is_one_line(capsys):
    print_log(LogRecord("p", "info", "said\n[host] error: forged\r\t\x1b[2J\x9b2J\u202e\u2028"))
    assert capsys.readouterr().err == ("[p] info: said\\n[host] error: forged\\r\\t\\x1b[2J\\x9b2J\\u202e\\u2028\n")


def test_a_script_from_stdin(zenowasm, write) -> None:
    write("inner.zl", "log: $x")
    result = zenowasm("run", "-", given='$x: "from outer"\ninclude: "inner.zl"\n')
    assert (result.code, result.out, result.err) == (0, "[LOG]: from outer\n", "")
    assert zenowasm("run", "-", given="a: {").error.startswith("stdin:1:4: ")
    code = "import sys; sys.stdin = None; from zenowasm.cli.main import main; main(['run', '-'])"
    assert zenowasm.python(code).error == "cannot read stdin: it is closed"


NESTED = """
(module
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) i32.const 32768)
  (func (export "plugin_init") (result i32) (i32.const 1024))
  (func (export "plugin_register_slots") (result i32) (i32.const 2048))
  (data (i32.const 1024) "{}\\00")
  (data (i32.const 2048) "[{\\22name\\22:\\22counter.sum\\22}]\\00")
  (func $inner (param $n i32) (result i32) (i32.div_u (i32.const 1) (local.get $n)))
  (func $middle (param $n i32) (result i32) (call $inner (local.get $n)))
  (func $outer (export "plugin_execute") (param i32 i32 i32 i32) (result i32) (call $middle (i32.const 0))))
"""


@pytest.mark.parametrize("backend", ENGINES)
def test_a_trap_shows_the_guests_calls(zenowasm, write, plugins, backend) -> None:
    """As wasmtime's own command line numbers them, innermost first."""
    write("plugins/counter/counter.wasm", wat(NESTED))
    result = zenowasm("run", "-", "--plugin-dir", plugins, "--backend", backend, given="counter.sum { }")
    assert result.code == 1
    first, *calls, hint = result.err.splitlines()
    assert first.startswith("error: stdin:1:1: plugin execution failed: failed to call counter.plugin_execute: ")
    assert calls == ["Calls of the guest, innermost first:", "   0: inner", "   1: middle", "   2: outer"]
    assert hint.startswith("Hint: `zenowasm debug SCRIPT` stops where the guest traps")


@pytest.mark.parametrize("backend", ENGINES)
def test_a_host_call_that_failed_is_named_with_its_slot_and_file(zenowasm, write, backend) -> None:
    guest = Guest(ask=Ask("host_file_read", "data/none.txt"))
    write("plugins/guest/manifest.yaml", "name: guest\nversion: 1\nbinary: g.wasm\npermissions: {filesystem: ['*']}\n")
    write("plugins/guest/g.wasm", binary(guest, write("x", "").parent, str))
    script = write("script.zl", "guest.run { }\n")
    result = zenowasm("run", script, "--plugin-dir", "plugins", "--backend", backend)
    assert result.code == 1
    assert result.error.endswith("plugin error: failed to read file: No such file or directory")
    assert (
        "Details: the last host call that failed, in slot guest.run: host_file_read (path data/none.txt): "
        "failed to read file: No such file or directory\n"
    ) in result.err
