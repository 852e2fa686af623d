"""``zenowasm objdump``, ``zenowasm strip`` and ``zenowasm metadata``."""

from __future__ import annotations

import pytest
from support.object_file import object_file
from support.wasm import custom, wat

from zenowasm.interp.binary import decode


def test_sections(zenowasm, module) -> None:
    result = zenowasm("objdump", "-h", module)
    assert result.code == 0
    assert result.out == zenowasm("objdump", module).out
    binary = module.read_bytes()
    code = next(it for it in decode(binary).sections if it.name == "codes")
    assert (
        f"     Code start=0x{code.offset:08x} end=0x{code.offset + code.size:08x} (size=0x{code.size:08x}) count: 10\n"
        in result.out
    )
    (as_data,) = (it for it in zenowasm("objdump", module, "--json").json if it["section"] == "Code")
    assert (as_data["offset"], as_data["size"], as_data["count"]) == (code.offset, code.size, 10)


def test_details_are_in_the_words_of_the_text_format(zenowasm, module) -> None:
    out = zenowasm("objdump", "-x", module).out
    assert "Import[2]\n" in out
    assert ' - (import "wasi_snapshot_preview1" "proc_exit" (func $exit (;1;) (type 1) (param i32)))\n' in out
    assert " - (data (;1;) (i32.const 16) ...)\n" in out
    assert ' - (export "memory" (memory 0))\n' in out
    assert " - (func $div (;4;)) 7 bytes at 0x" in out


def test_code_beside_its_bytes(zenowasm, write) -> None:
    path = write("m.wasm", wat("(module (func $f (param $a i32) (local i64) local.get $a drop f64.const 1 drop))"))
    code = decode(path.read_bytes()).codes[0].offset
    lines = zenowasm("objdump", "-d", path).out.splitlines()
    assert lines[lines.index("Code Disassembly:") + 2 :] == [
        f"{code:06x} func[0] <$f>:",
        f" {code:06x}: 01 01 7e                   | (local i64)",
        f" {code + 3:06x}: 20 00                      | local.get $a",
        f" {code + 5:06x}: 1a                         | drop",
        f" {code + 6:06x}: 44 00 00 00 00 00 00 f0 3f | f64.const 0x1p+0 (;=1.0;)",
        f" {code + 15:06x}: 1a                         | drop",
        f" {code + 16:06x}: 0b                         | end",
    ]


def test_bytes_of_one_section(zenowasm, write) -> None:
    path = write("m.wasm", wat("(module)") + custom("odd", b"0123456789abcdef\x00\x1b"))
    result = zenowasm("objdump", "-s", "-j", "odd", path)
    assert result.out.splitlines()[2:] == [
        "Contents of section Custom 'odd':",
        "000000a: 036f 6464 3031 3233 3435 3637 3839 6162  .odd0123456789ab",
        "000001a: 6364 6566 001b                           cdef..",
    ]
    wrong = zenowasm("objdump", "-j", "even", path)
    assert wrong.code == 1
    assert "has no section 'even': expected one of odd" in wrong.error


def test_relocations_are_in_the_code(zenowasm, write) -> None:
    lines = zenowasm("objdump", "-dr", write("m.o", object_file())).out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith("| call 0"))
    assert lines[at + 1].strip().endswith(": R_WASM_FUNCTION_INDEX_LEB 0 <env.callee>")
    assert "R_WASM_FUNCTION_INDEX_LEB" in zenowasm("objdump", "-x", "-j", "reloc.CODE", write("m.o", object_file())).out


@pytest.mark.parametrize("option", ["-h", "-x", "-d", "-s", "-r", "--json"])
@pytest.mark.parametrize("length", [0, 5, 9, 60, 150])
def test_modules_cut_short(zenowasm, module, write, option, length) -> None:
    result = zenowasm("objdump", option, write("cut.wasm", module.read_bytes()[:length]))
    assert result.code == 1
    assert "is not a WebAssembly module in the binary format" in result.error


@pytest.mark.parametrize("command", [["objdump", "-h"], ["objdump", "-x"], ["objdump", "-s"], ["metadata"]])
def test_names_cannot_drive_the_terminal(zenowasm, write, command) -> None:
    path = write("m.wasm", wat("(module)") + custom("a\x1b[2J\nb") + custom("description", b"\x1b[2J\nforged"))
    result = zenowasm(*command, path)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "\nforged" not in result.out


def test_strip_keeps_names_and_changes_the_file(zenowasm, module) -> None:
    binary = module.read_bytes()
    module.write_bytes(binary + custom("producers", b"\0") + custom(".debug_info", b"1"))
    assert zenowasm("strip", module).code == 0
    assert module.read_bytes() == binary


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ([], ["name"]),
        (["--all"], []),
        (["-a", "-k", "prod"], ["producers"]),
        (["--delete", r"^\.debug"], ["name", "producers"]),
        (["-d", "e", "--keep", "name"], ["name"]),
    ],
)
def test_what_is_stripped(zenowasm, module, tmp_path, options, left) -> None:
    module.write_bytes(module.read_bytes() + custom("producers", b"\0") + custom(".debug_info", b"1"))
    assert zenowasm("strip", module, *options, "-o", "small.wasm").code == 0
    stripped = decode((tmp_path / "small.wasm").read_bytes())
    assert [it.name for it in stripped.customs] == left


def test_text_is_not_overwritten(zenowasm, write, tmp_path) -> None:
    path = write("m.wat", "(module (func $f nop))")
    result = zenowasm("strip", "--all", path)
    assert result.code == 1
    assert "is text and would be overwritten" in result.error
    assert zenowasm("strip", "--all", path, "-o", "m.wasm").code == 0
    assert (tmp_path / "m.wasm").read_bytes() == wat("(module (func nop))")


def test_wrong_usage(zenowasm, module) -> None:
    assert zenowasm("strip", "--all", "--delete", "a", module).code == 2
    result = zenowasm("strip", "--delete", "(", module)
    assert result.code == 2
    assert "expected a regular expression" in result.error
    assert zenowasm("objdump", "--json", "-d", module).code == 2


def test_metadata(zenowasm, examples) -> None:
    hello = examples / "plugins/hello/hello.wasm"
    out = zenowasm("metadata", hello).out
    assert out.startswith("name: hello.wasm\nnames: 16 functions, 1 globals, 1 data\n")
    assert "  processed-by: clang 22.1.8\n" in out
    document = zenowasm("metadata", "--json", hello).json
    assert document["producers"] == [{"field": "processed-by", "name": "clang", "version": "22.1.8"}]
    assert document["build_id"] is None
