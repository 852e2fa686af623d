"""``zenowasm wat2wasm``, ``zenowasm wasm2wat`` and ``zenowasm validate``."""

from __future__ import annotations

import subprocess

import pytest
from support.json_reader import converter
from support.wasm import wat

from zenowasm.interp.binary import decode, decode_names

TEXT = '(module $m (func $add (export "add") (param $a i32) (result i32) local.get $a i32.const 1 i32.add))'
WRONG = """(module
  (func $one (result i32)
    (i64.const 1))
  (func $two (local.set 7 (i32.const 1))))
"""


# -- wat2wasm --


def test_text_becomes_the_bytes_that_wasm_tools_makes(zenowasm, write, tmp_path) -> None:
    result = zenowasm("wat2wasm", write("folder/m.wat", TEXT))
    assert (result.code, result.out, result.err) == (0, "", "")
    assert (tmp_path / "m.wasm").read_bytes() == wat(TEXT)


def test_a_file_is_named_with_o(zenowasm, write, tmp_path) -> None:
    assert zenowasm("wat2wasm", write("m.wat", TEXT), "-o", "other.wasm").code == 0
    assert (tmp_path / "other.wasm").read_bytes() == wat(TEXT)
    assert not (tmp_path / "m.wasm").exists()


def test_stdin_and_stdout(zenowasm, tmp_path) -> None:
    process = zenowasm.start("wat2wasm", "-")
    out, err = process.communicate(TEXT.encode(), timeout=60)
    assert (process.returncode, out, err) == (0, wat(TEXT), b"")


def test_names_can_be_left_out(zenowasm, write, tmp_path) -> None:
    zenowasm("wat2wasm", write("m.wat", TEXT), "--no-debug-names")
    assert decode((tmp_path / "m.wasm").read_bytes()).customs == ()


def test_an_error_in_the_text_is_shown_with_its_line(zenowasm, write, tmp_path) -> None:
    path = write("m.wat", "(module\n  (func (i32.ad)))")
    result = zenowasm("wat2wasm", path)
    assert result.code == 1
    assert result.error == (f"{path}:2:10: unknown operator i32.ad: an instruction expected; did you mean i32.add?")
    assert result.err.splitlines()[1:] == ["      (func (i32.ad)))", "             ^"]
    assert not (tmp_path / "m.wasm").exists()


@pytest.mark.parametrize(("command", "name"), [("wat2wasm", "m.txt"), ("validate", "m.wat"), ("inspect", "m.wat")])
def test_what_must_be_text_is_told_as_text(zenowasm, write, command, name) -> None:
    path = write(name, "module (func))")
    assert zenowasm(command, path).error == f"{path}:1:1: unexpected token 'module': '(module' expected"


def test_an_invalid_module_is_an_error_at_the_instruction(zenowasm, write, tmp_path) -> None:
    path = write("m.wat", WRONG)
    result = zenowasm("wat2wasm", path)
    assert result.code == 1
    assert result.error.startswith(f"{path}:3:18: type mismatch: i32 is expected, i64 is on the stack")
    assert not (tmp_path / "m.wasm").exists()
    assert zenowasm("wat2wasm", path, "--no-check").code == 0
    assert (tmp_path / "m.wasm").read_bytes() == wat(WRONG)


def test_the_input_is_not_overwritten(zenowasm, write, tmp_path) -> None:
    path = write("m.wasm", TEXT)
    result = zenowasm("wat2wasm", path)
    assert result.code == 1
    assert "would be overwritten" in result.error
    assert path.read_text() == TEXT


def test_output_that_cannot_be_written(zenowasm, write) -> None:
    result = zenowasm("wat2wasm", write("m.wat", TEXT), "-o", "nothing/m.wasm")
    assert result.code == 1
    assert result.error == "cannot write nothing/m.wasm: No such file or directory"


def test_a_file_that_is_replaced_keeps_its_permissions(zenowasm, write, tmp_path) -> None:
    target = write("target.wasm", "old")
    target.chmod(0o640)
    zenowasm("wat2wasm", write("m.wat", TEXT), "-o", target)
    assert target.read_bytes() == wat(TEXT)
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(it.name for it in tmp_path.iterdir() if it.name.startswith(".")) == []


@pytest.mark.parametrize(
    "given", [b"\xff\xfe(", b"(module", b'(module "', b"(;", b"(func \x1b[2J)", b"\0asm\1\0\0\0\1"]
)
def test_hostile_input(zenowasm, write, given) -> None:
    result = zenowasm("wat2wasm", write("m.bin", given))
    assert result.code == 1
    assert result.error
    assert "\x1b" not in result.err


# -- wasm2wat --


@pytest.mark.parametrize("options", [[], ["--fold-exprs"], ["-f"], ["--fold-instructions"]])
def test_a_module_becomes_text_that_becomes_the_module(zenowasm, module, options) -> None:
    result = zenowasm("wasm2wat", module, *options)
    assert (result.code, result.err) == (0, "")
    assert wat(result.out) == module.read_bytes()
    assert ("(i32.add\n" in result.out) == bool(options)


def test_text_is_printed_again(zenowasm) -> None:
    assert zenowasm("wasm2wat", "-", given="(module (func nop))").out.splitlines() == [
        "(module",
        "  (type (;0;) (func))",
        "  (func (;0;) (type 0)",
        "    nop",
        "  )",
        ")",
    ]


def test_text_in_a_file(zenowasm, module, tmp_path) -> None:
    assert zenowasm("wasm2wat", module, "-o", "m.wat").out == ""
    assert (tmp_path / "m.wat").read_text() == zenowasm("wasm2wat", module, "-o", "-").out


def test_a_malformed_body_leaves_no_file(zenowasm, write, tmp_path) -> None:
    path = write("m.wasm", wat("(module (func nop))").replace(b"\x01\x0b", b"\xff\x0b"))
    result = zenowasm("wasm2wat", path, "-o", "m.wat")
    assert result.code == 1
    assert "illegal opcode ff" in result.error
    assert [it.name for it in tmp_path.iterdir()] == ["m.wasm"]


def test_the_skeleton_has_no_bodies_and_no_data(zenowasm, module) -> None:
    out = zenowasm("wasm2wat", "--skeleton", module).out
    (line,) = (line for line in out.splitlines() if line.startswith("  (func $div "))
    assert line.endswith(" (param $a i32) (param $b i32) (result i32) ...)")
    assert "  (data (;1;) (i32.const 16) ...)\n" in out
    theirs = subprocess.run([str(converter()), "print", "--skeleton", module], stdout=subprocess.PIPE, check=True)
    assert out.count("(func ") == theirs.stdout.decode().count("(func ")
    assert "i32.add" not in out


def test_names_can_be_ignored(zenowasm, module) -> None:
    text = zenowasm("wasm2wat", module, "--no-debug-names").out
    assert "$" not in text
    bare = decode(wat(text))
    assert decode_names(bare).functions == {}
    assert [it.body() for it in bare.codes] == [it.body() for it in decode(module.read_bytes()).codes]


def test_what_has_no_name_gets_one(zenowasm, write) -> None:
    path = write("m.wat", "(module (func $f (param $x i32) (param i64) (local f32)) (func call 0) (memory 1))")
    out = zenowasm("wasm2wat", "--generate-names", path).out
    assert "(func $f (;0;) (type $type0) (param $x i32) (param $p1 i64)\n    (local $l2 f32)" in out
    assert "call $f" in out
    assert "(func $func1 (;1;)" in out
    assert "(memory $memory0 (;0;) 1)" in out
    assert zenowasm("wasm2wat", "--name-unnamed", "-", given=out).out == out
    bodies = [it.body() for it in decode(wat(out)).codes]
    assert bodies == [it.body() for it in decode(wat(path.read_text())).codes]


def test_forms_exclude_one_another(zenowasm, module) -> None:
    assert zenowasm("wasm2wat", "--skeleton", "--fold-exprs", module).code == 2


@pytest.mark.parametrize("length", [0, 3, 7, 9, 40, 100])
def test_modules_cut_short(zenowasm, module, write, length) -> None:
    result = zenowasm("wasm2wat", write("cut.wasm", module.read_bytes()[:length]))
    assert result.code == 1
    assert "is not a WebAssembly module in the binary format" in result.error


def test_a_reader_that_goes_away(zenowasm, examples) -> None:
    with zenowasm.start("wasm2wat", examples / "plugins/markdown/markdown.wasm") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == b""


# -- validate --


def test_valid_modules_print_nothing(zenowasm, module, write) -> None:
    result = zenowasm("validate", module, write("m.wat", TEXT))
    assert (result.code, result.out, result.err) == (0, "", "")


def test_one_error_of_each_module_or_all(zenowasm, write) -> None:
    text, binary = write("m.wat", WRONG), write("m.wasm", wat(WRONG))
    result = zenowasm("validate", text, binary)
    assert result.code == 1
    first, second = (line for line in result.err.splitlines() if line.startswith("error: "))
    assert first.startswith(f"error: {text}:3:18: type mismatch")
    assert second.startswith(f"error: {binary}: type mismatch")
    assert "(at function 0 (one), byte 0x" in second
    every = zenowasm("validate", "--all", text).err.splitlines()
    assert [line.split(": ")[2] for line in every if line.startswith("error: ")] == ["type mismatch", "unknown local 7"]


def test_json(zenowasm, write, module) -> None:
    text, binary = write("m.wat", WRONG), write("m.wasm", wat(WRONG))
    broken, component = write("n.wat", "(module\n (fun))"), write("c.wasm", b"\0asm\x0d\0\1\0")
    result = zenowasm("validate", "--all", "--json", text, binary, broken, component, module)
    assert (result.code, result.err) == (1, "")
    assert [(it["file"], it["valid"]) for it in result.json] == [
        (str(text), False),
        (str(binary), False),
        (str(broken), False),
        (str(component), False),
        (str(module), True),
    ]
    (one, two), (same, _), (parse,), (layer,), () = (it["errors"] for it in result.json)
    assert (one["kind"], one["function"], one["name"], one["line"], one["column"]) == ("invalid", 0, "one", 3, 18)
    assert (two["name"], two["line"], two["column"], two["offset"]) == ("two", 4, 15, None)
    assert (same["line"], wat(WRONG)[same["offset"]]) == (None, 0x0B)
    assert (parse["kind"], parse["line"], parse["column"]) == ("malformed", 2, 3)
    assert "this is a component" in layer["message"]


def test_features_by_name(zenowasm, write) -> None:
    path = write("m.wat", "(module (func (drop (i32.extend8_s (i32.const 1)))))")
    assert zenowasm("validate", path).code == zenowasm("validate", "-f", "mvp,sign-extension", path).code == 0
    result = zenowasm("validate", "--features", "wasm1", path)
    assert result.code == 1
    assert result.error.startswith(f"{path}:1:22: i32.extend8_s needs the feature sign-extension")
    assert zenowasm("validate", "-f", "mvp", path).code == 1
    wrong = zenowasm("validate", "--features", "sign-extensoin", path)
    assert wrong.code == 2
    assert "did you mean sign-extension?" in wrong.error


def test_a_feature_of_a_local_has_no_instruction(zenowasm, write) -> None:
    path = write("m.wat", "(module (func (local externref)))")
    result = zenowasm("validate", "-f", "mvp", path)
    assert result.error == f"{path}: a local needs the feature reference-types (at function 0)"


def test_validating_takes_as_long_as_it_takes(zenowasm, write) -> None:
    code = """
import sys
from zenowasm.cli.main import main
import zenowasm.backends.compiling as compiling
compiling.monotonic = iter(range(0, 10**9, 1000)).__next__
main(["validate", sys.argv[1]])
"""
    result = zenowasm.python(code, write("m.wasm", wat(f"(module {'(func nop)' * 500})")))
    assert (result.code, result.err) == (0, "")


def test_a_file_that_cannot_be_read(zenowasm, module) -> None:
    result = zenowasm("validate", module, "nothing.wasm")
    assert result.code == 1
    assert result.error == "cannot read nothing.wasm: No such file or directory"


# -- text wherever a module is --


def test_exec_and_debug_take_text(zenowasm, write) -> None:
    path = write("m.wat", TEXT)
    assert zenowasm("exec", path, "add", "41").out == "42\n"
    assert "42" in zenowasm("debug", path, "add", "41", given="continue\n").out
    result = zenowasm("exec", write("n.wat", "(module (fun))"), "f")
    assert result.code == 1
    assert "n.wat:1:10: unknown operator fun" in result.error
