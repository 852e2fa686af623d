"""``zenowasm inspect``."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.wasm import wat

from zenowasm.interp.binary import decode


@pytest.fixture
def hello(examples) -> Path:
    return examples / "plugins/hello/hello.wasm"


def test_sections_imports_and_exports(zenowasm, hello) -> None:
    result = zenowasm("inspect", hello)
    assert result.code == 0
    assert f"{hello}: {hello.stat().st_size} bytes, module hello.wasm" in result.out
    assert "  env.host_log  (func (param i32 i32 i32 i32))\n" in result.out
    assert "  plugin_execute  (func (param i32 i32 i32 i32) (result i32))\n" in result.out


def test_offsets_and_sizes_are_those_of_the_file(zenowasm, hello) -> None:
    document = zenowasm("inspect", hello, "--json").json
    binary = hello.read_bytes()
    assert [s["name"] for s in document["sections"]][:2] == ["types", "imports"]
    end = 8
    for section in document["sections"]:
        assert 2 <= section["offset"] - end <= 6  # the section's number and its size
        end = section["offset"] + section["size"]
    assert end == len(binary)
    wanted = {"module": "env", "name": "host_scope_get", "type": "(func (param i32 i32) (result i32))"}
    assert wanted in document["imports"]
    assert {"name": "memory", "type": "(memory 1)"} in document["exports"]


def test_the_disassembly_assembles_again(zenowasm, hello) -> None:
    result = zenowasm("inspect", hello, "--disassemble")
    assert result.code == 0
    again = decode(wat(result.out))
    assert [code.body() for code in again.codes] == [code.body() for code in decode(hello.read_bytes()).codes]


@pytest.mark.parametrize("name", ["div", "$div", "4"])
def test_one_function(zenowasm, module, name) -> None:
    result = zenowasm("inspect", module, "--function", name)
    assert result.code == 0
    first, *rest = result.out.splitlines()
    assert first.startswith("(func $div (;4;) (type ")
    assert first.endswith(" (param $a i32) (param $b i32) (result i32)")
    assert rest == ["  local.get $a", "  local.get $b", "  i32.div_s", ")"]


def test_one_function_as_json(zenowasm, module) -> None:
    (function,) = zenowasm("inspect", module, "--function", "div", "--json").json["functions"]
    assert (function["index"], function["name"]) == (4, "div")
    assert [line["text"] for line in function["instructions"]] == ["local.get $a", "local.get $b", "i32.div_s", "end"]
    binary = module.read_bytes()
    assert [binary[line["offset"]] for line in function["instructions"]] == [0x20, 0x20, 0x6D, 0x0B]


def test_an_unknown_function(zenowasm, module) -> None:
    result = zenowasm("inspect", module, "--function", "nothing")
    assert result.code == 1
    assert "defines no function 'nothing'" in result.error


@pytest.mark.parametrize(
    "text", ["(module (func (result i32)))", '(module (export "f" (func 9)))', "(module (func (type 7)))"]
)
@pytest.mark.parametrize("options", [[], ["--json"], ["--disassemble"]])
def test_an_invalid_module_is_shown(zenowasm, write, text, options) -> None:
    result = zenowasm("inspect", write("m.wasm", wat(text)), *options)
    assert (result.code, result.err) == (0, "")
    assert "exports" in result.out or "(module" in result.out


def test_sections_need_no_body_to_be_decoded(zenowasm, write) -> None:
    binary = wat('(module (func (export "f") nop) (func (export "g") nop))')
    result = zenowasm("inspect", write("m.wasm", binary.replace(b"\x01\x0b", b"\xff\x0b")))
    assert (result.code, result.err) == (0, "")
    assert "  g  (func)\n" in result.out


def test_text(zenowasm, write) -> None:
    text = '(module (import "a" "b" (func)) (func (export "f") (param i32)))'
    result = zenowasm("inspect", write("m.wat", text))
    assert result.out.splitlines()[1:] == zenowasm("inspect", write("m.wasm", wat(text))).out.splitlines()[1:]
    assert zenowasm("inspect", "-", given=text).out.splitlines()[1:] == result.out.splitlines()[1:]


def test_a_component(zenowasm, write) -> None:
    result = zenowasm("inspect", write("m.wasm", b"\0asm\x0d\0\1\0"))
    assert result.code == 1
    assert "this is a component, not a module: " in result.error


@pytest.mark.parametrize("length", [0, 3, 7, 9, 40, 300, 3000])
@pytest.mark.parametrize("option", ["--disassemble", "--json"])
def test_a_module_cut_short(zenowasm, write, hello, length, option) -> None:
    result = zenowasm("inspect", write("m.wasm", hello.read_bytes()[:length]), option)
    assert result.code == 1
    assert "is not a WebAssembly module in the binary format" in result.error
    assert "at byte 0x" in result.error


@pytest.mark.parametrize("options", [[], ["--disassemble"], ["--json"]])
def test_names_with_control_characters_do_not_reach_the_terminal(zenowasm, write, options) -> None:
    result = zenowasm("inspect", write("m.wasm", wat('(module (func (export "a\\1b[2Jb")))')), *options)
    assert result.code == 0
    assert "[2Jb" in result.out
    assert "\x1b" not in result.out


def test_the_stack_stands_beside_each_instruction(zenowasm, tmp_path) -> None:
    file = tmp_path / "typed.wasm"
    file.write_bytes(
        wat(
            """(module (func $f (param i32 i64) (result f64)
                 local.get 0 (if (then unreachable)) local.get 1 f64.convert_i64_s f64.const 2 f64.add))"""
        )
    )
    result = zenowasm("inspect", file, "--stack")
    assert result.code == 0
    stacks = [line.partition(";; ")[2] for line in result.out.splitlines() if ";; " in line]
    assert stacks == [
        "[i32]", "[]", "[] unreachable", "[]", "[i64]", "[f64]", "[f64 f64]", "[f64]", "[f64]",
    ]  # fmt: skip
    instructions = zenowasm("inspect", file, "--stack", "--json").json["functions"][0]["instructions"]
    assert [(entry["stack"], entry["reachable"]) for entry in instructions][2:5] == [
        ([], False),
        ([], True),
        (["i64"], True),
    ]


def test_an_invalid_body_has_no_stack(zenowasm, tmp_path) -> None:
    file = tmp_path / "invalid.wasm"
    file.write_bytes(wat("(module (func i32.const 1 drop))").replace(b"\x41\x01\x1a", b"\x1a\x01\x01"))
    result = zenowasm("inspect", file, "--stack")
    assert result.code == 1
    assert "type mismatch" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("options", [[], ["--disassemble"], ["--stack"], ["--function", "f"]])
def test_names_of_a_module_cannot_forge_lines(zenowasm, write, options) -> None:
    odd = r"\n  env.forged  (func)\1b[2J\c2\9b2J\e2\80\ae"
    source = f'(module (import "{odd}" "{odd}" (func)) (func (export "f") (export "{odd}") nop))'
    result = zenowasm("inspect", write("odd.wasm", wat(source)), *options)
    assert result.code == 0
    assert not set("\x1b\x9b\u202e") & set(result.out)
    assert not [line for line in result.out.splitlines() if line.startswith("  env.forged")]
