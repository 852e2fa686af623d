"""The entry: help, laziness, exit codes, and the ways in which a process can end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from support.wasm import wat


def test_version_and_help(zenowasm) -> None:
    version = zenowasm("--version")
    assert version.code == 0
    assert version.out.startswith("zenowasm, version ")
    help_ = zenowasm("--help")
    assert help_.code == 0
    for name in ("run", "plugin", "exec", "inspect", "wat2wasm", "debug", "spec"):
        assert f"\n  {name} " in help_.out
        command = zenowasm(name, "--help")
        assert (command.code, command.err) == (0, "")
        assert command.out.startswith(f"Usage: zenowasm {name} ")


@pytest.mark.parametrize(
    "name",
    ["wat2wasm", "wasm2wat", "validate", "objdump", "strip", "metadata", "size", "diff", "callgraph", "grep"],
)
def test_examples_in_the_help(zenowasm, name) -> None:
    help_ = zenowasm(name, "--help").out
    examples = help_.partition("\n  Examples:\n")[2].splitlines()
    assert all(f"zenowasm {name} " in line for line in examples)
    known = set(re.findall(r"(?<![\w-])--?[\w-]+", help_.partition("\nOptions:\n")[2].partition("\n  Examples:")[0]))
    used = [word for line in examples for word in re.search(f"zenowasm {name} ([^|]*)", line)[1].split()]
    assert {word for word in used if re.fullmatch("--?[a-z-]+", word)} <= known
    assert examples


def test_help_imports_nothing_of_the_engines_or_the_plugin_host(zenowasm) -> None:
    code = """
import sys
from zenowasm.cli.main import main
try:
    main(["--help"])
finally:
    print(*sys.modules, file=sys.stderr)
"""
    loaded = zenowasm.python(code).err.split()
    assert "zenowasm.cli.main" in loaded
    heavy = ("rich", "yaml", "cattrs", "wasmtime", "zenowasm.plugin", "zenowasm.zenolang", "zenowasm.interp.execution")
    assert [name for name in heavy if name in loaded] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ruin"], "unknown command 'ruin': did you mean run?; see `zenowasm --help`"),
        (["???"], "unknown command '???': expected one of run, plugin, serve, demo, debug"),
        (["run"], "Missing argument 'SCRIPT'; see `zenowasm run --help`"),
        (["run", "x.zl", "--nope"], "No such option"),
        (["exec"], "Missing argument 'FILE'"),
        (["--nope"], "No such option"),
        (["plugin", "nope"], "No such command 'nope'"),
        (["exec", "x.wasm", "f", "--fuel", "x"], "Invalid value for '--fuel'"),
        (["exec", "x.wasm", "f", "--seconds", "nan"], "expected a number of seconds greater than 0"),
        (["exec", "x.wasm", "f", "--seconds", "0"], "expected a number of seconds greater than 0"),
    ],
)
def test_wrong_usage_is_2(zenowasm, arguments, message) -> None:
    result = zenowasm(*arguments)
    assert result.code == 2
    assert message in result.error
    assert result.out == ""


@pytest.mark.parametrize("arguments", [[], ["plugin"]])
def test_without_a_command_the_help_is_shown(zenowasm, arguments) -> None:
    result = zenowasm(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err == zenowasm(*arguments, "--help").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "X.wasm"],
        ["wasm2wat", "X.wasm"],
        ["wat2wasm", "X.wasm"],
        ["validate", "X.wasm", "X.zl"],
        ["exec", "X.wasm", "f"],
        ["run", "X.zl"],
        ["debug", "X.zl"],
        ["plugin", "list", "--plugin-dir", "X"],
        ["plugin", "info", "X", "--plugin-dir", "."],
        ["plugin", "validate", "X"],
        ["plugin", "new", "X", "--lang", "c"],
        ["plugin", "build", "X"],
        ["plugin", "stats", "--audit", "X.zl"],
        ["conformance", "X.wasm"],
        ["conformance", "--only", "X"],
        ["spec", "X.wast", "--failures", "--html", "X.html", "--junit", "X.xml"],
        ["spec", "X.wast", "--json"],
        ["serve", "--plugin-dir", "X.zl"],
    ],
)
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_a_file_name_that_is_not_utf8_is_no_traceback(zenowasm, write, tmp_path, arguments, utf8) -> None:
    name = os.fsdecode(b"caf\xe9\x1b[2J")
    write(f"{name}.wasm", wat('(module (import "a" "b" (func)) (func (export "f") unreachable))'))
    write(f"{name}.wast", '(module)\n(assert_malformed (module binary) "")\n(assert_invalid (module) "")')
    write(f"{name}.zl", "nothing.here { }")
    write(f"{name}/manifest.yaml", "name: odd\nbinary: odd.wasm\n")
    variables = {"PYTHONUTF8": utf8, "LC_ALL": "C.UTF-8"}
    result = zenowasm(*[word.replace("X", name) for word in arguments], variables=variables)
    assert result.code in (0, 1, 2)
    assert "Traceback" not in result.err
    assert "\x1b" not in result.out + result.err
    for report in tmp_path.glob("*.xml"):
        assert "\\udce9\\x1b[2J.wast" in Xml.fromstring(report.read_bytes())[0].attrib["name"]


@pytest.mark.parametrize("command", ["run", "debug", "exec", "inspect"])
def test_that_a_file_cannot_be_read_is_found_by_reading_it(zenowasm, write, command) -> None:
    code = """
import os, sys
from zenowasm.cli.main import main
os.access = lambda *_, **__: False
main(sys.argv[1:])
"""
    result = zenowasm.python(code, command, write("g", b"\xff"), *(["f"] if command == "exec" else []))
    assert result.code == 1
    assert "not readable" not in result.error


@pytest.mark.parametrize("arguments", [["run", "X"], ["debug", "X"], ["exec", "X", "f"], ["inspect", "X"]])
@pytest.mark.parametrize("what", ["missing", "folder", "garbage"])
def test_a_file_that_is_no_such_thing_is_1(zenowasm, write, tmp_path, arguments, what) -> None:
    path = {"missing": tmp_path / "no\nthing", "folder": tmp_path, "garbage": write("g", b"\xff\xfe\x00garbage")}[what]
    result = zenowasm(*[path if word == "X" else word for word in arguments])
    assert result.code == 1
    assert result.out == ""
    expected = {"missing": "No such file or directory", "folder": "Is a directory"}
    expected["garbage"] = "in UTF-8" if arguments[0] in ("run", "debug") else "is not a WebAssembly module"
    assert expected[what] in result.error


@pytest.mark.parametrize("arguments", [["exec", "X", "add", "1", "2"], ["run", "Y"], ["plugin", "validate", "x"]])
def test_an_unknown_backend_names_those_there_are(zenowasm, module, examples, arguments) -> None:
    words = {"X": module, "Y": examples / "hello.zl"}
    result = zenowasm(*[words.get(word, word) for word in arguments], "--backend", "v8")
    assert result.code == 1
    assert result.error == "unknown backend 'v8': choose one of reference, wasmtime"


def test_a_missing_package_says_how_to_install_it(zenowasm, module) -> None:
    code = "import sys; sys.modules['wasmtime'] = None; from zenowasm.cli.main import main; main(sys.argv[1:])"
    result = zenowasm.python(code, "exec", module, "add", "1", "2", "--backend", "wasmtime")
    assert result.code == 1
    assert "pip install 'zenowasm[wasmtime]'" in result.error
    assert zenowasm.python(code, "exec", module, "add", "1", "2").out == "3\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("options", [[], ["--disassemble"]])
def test_a_closed_pipe_ends_quietly(zenowasm, module, unbuffered, options) -> None:
    with zenowasm.start("inspect", module, *options, variables={"PYTHONUNBUFFERED": unbuffered}) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_output_that_was_closed_before_the_start_goes_nowhere(module, closed) -> None:
    command = f'"$0" -m zenowasm.cli.main inspect "$1" {closed}'
    arguments = ["sh", "-c", command, sys.executable, str(module)]
    ended = subprocess.run(arguments, check=False, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_an_error(zenowasm, module, unbuffered) -> None:
    variables = {"PYTHONUNBUFFERED": unbuffered}
    with (
        Path("/dev/full").open("wb") as full,
        zenowasm.start("inspect", module, stdout=full, variables=variables) as process,
    ):
        assert process.stderr.read() == b"error: cannot write the output: No space left on device\n"
        assert process.wait(60) == 1


@pytest.mark.parametrize(("backend", "codes"), [("reference", (130,)), ("wasmtime", (130, -signal.SIGINT))])
def test_ctrl_c_ends_an_endless_loop(zenowasm, module, backend, codes) -> None:
    with zenowasm.start("exec", module, "spin", "--backend", backend) as process:
        time.sleep(2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in codes
        assert b"Traceback" not in process.stderr.read()


def test_nothing_looks_for_garbage_when_the_process_ends(zenowasm) -> None:
    code = """
import gc, sys
from zenowasm.cli.main import main
try:
    main(["--version"])
finally:
    print(gc.get_freeze_count() > 1000, file=sys.stderr)
"""
    assert zenowasm.python(code).err == "True\n"


def test_text_that_the_terminal_cannot_show_comes_as_escapes(zenowasm, examples) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = zenowasm("plugin", "validate", examples / "plugins/hello", variables=ascii_only)
    assert result.code == 0
    assert "\\u2705 manifest: hello 1.0.0" in result.out


def test_it_runs_as_a_module_of_the_package(zenowasm) -> None:
    code = "import runpy, sys; sys.argv[1:] = ['--version']; runpy.run_module('zenowasm', run_name='__main__')"
    result = zenowasm.python(code)
    assert (result.code, result.out) == (0, zenowasm("--version").out)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("zenowasm pl", ["plain,plugin"]),
        ("zenowasm plugin va", ["plain,validate"]),
        ("zenowasm run --time", ["plain,--timeout"]),
        ("zenowasm run --color a", ["plain,auto", "plain,always"]),
        ("zenowasm run --backend w", ["plain,wasmtime"]),
        ("zenowasm run hel", ["file,hel"]),
        ("zenowasm nothing x", []),
    ],
)
def test_the_shell_completes_commands_options_and_files(zenowasm, words, found) -> None:
    variables = {"_ZENOWASM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = zenowasm(variables=variables)
    assert (result.code, result.err, result.out.split()) == (0, "", found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(zenowasm, shell) -> None:
    result = zenowasm(variables={"_ZENOWASM_COMPLETE": f"{shell}_source"})
    assert (result.code, result.err) == (0, "")
    assert f"_ZENOWASM_COMPLETE={shell}_complete" in result.out


def test_completing_a_command_imports_none(zenowasm) -> None:
    code = """
import sys
from zenowasm.cli.main import main
try:
    main([])
finally:
    print(*sys.modules, file=sys.stderr)
"""
    variables = {"_ZENOWASM_COMPLETE": "bash_complete", "COMP_WORDS": "zenowasm r", "COMP_CWORD": "1"}
    result = zenowasm.python(code, variables=variables)
    assert result.out.split() == ["plain,run"]
    assert [name for name in result.err.split() if name in ("rich", "zenowasm.plugin", "zenowasm.cli.run")] == []
