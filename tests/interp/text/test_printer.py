"""The printer, checked by assembling what it prints with a parser that shares nothing with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.json_reader import converter
from support.wasm import custom, functype, module, name, one_function, section, sized, vec, wat

from zenowasm.interp.binary import Names, decode, decode_names, encode
from zenowasm.interp.instructions import TABLE, Immediate, Opcode
from zenowasm.interp.syntax.module import Module
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.naming import identifier
from zenowasm.interp.text.printer import ModulePrinter

NEW = r"""
(module
  (type $f (func (param i32) (result i32)))
  (rec
    (type $node (sub (struct (field (mut i32)) (field (ref null $node)) (field (mut i8)))))
    (type $leaf (sub final $node (struct (field (mut i32)) (field (ref null $node)) (field (mut i8)) (field f64)))))
  (type $bytes (array (mut i8)))
  (import "env" "t" (tag $it (param i32)))
  (tag $e (param i32 i64))
  (memory $small 1) (memory $big i64 1 2)
  (table $refs 4 (ref $f) (ref.func $one))
  (table $wide i64 1 funcref)
  (global $g (ref $bytes) (array.new $bytes (i32.const 1) (i32.add (i32.const 2) (i32.const 3))))
  (func $one (type $f) (return_call_ref $f (local.get 0) (ref.func $one)))
  (func (export "tag") (param $n (ref null $node)) (result i32) (local $x (ref null $leaf))
    (block $out (result (ref $leaf))
      (br_on_cast $out (ref null $node) (ref $leaf) (local.get $n))
      (br_on_cast_fail $out (ref null $node) (ref null $leaf)) unreachable)
    (local.set $x)
    (block $h (result i32 i64)
      (block $r (result i32 i64 exnref)
        (block $a
          (block $ar (result exnref)
            (try_table (result i32) (catch $e $h) (catch_ref $e $r) (catch_all $a) (catch_all_ref $ar)
              (throw $e (i32.const 1) (i64.const 2)))
            (return))
          (throw_ref))
        (unreachable))
      (drop))
    (drop) (drop)
    (i32.store8 $big offset=0x100000000 (i64.const 0) (i32.load8_u $small (i32.const 0)))
    (memory.copy $big $small (i64.const 0) (i32.const 0) (i32.const 0))
    (memory.grow $big (i64.const 1)) (drop)
    (v128.load8_lane $big offset=3 7 (i64.const 0) (v128.const i32x4 1 -2 3 0x7fffffff)) (drop)
    (drop (array.new_fixed $bytes 2 (i32.const 1) (i32.const 2)))
    (drop (array.new_data $bytes 0 (i32.const 0) (i32.const 0)))
    (array.copy $bytes $bytes (global.get $g) (i32.const 0) (global.get $g) (i32.const 0) (i32.const 0))
    (struct.set $node 0 (ref.as_non_null (local.get $n)) (i32.const 5))
    (struct.get_u $leaf 2 (local.get $x))
    (drop (ref.test (ref null $node) (ref.null none)))
    (drop (ref.cast (ref i31) (ref.i31 (i32.const 1)))))
  (elem (ref $f) (ref.func $one))
  (elem (table $refs) (i32.const 0) (ref $f) (ref.func $one))
  (export "e" (tag $e)) (export "big" (memory $big))
  (data $d (memory $big) (i64.const 8) "abc"))
"""
EVERYTHING = r"""
(module $everything
  (import "env" "h" (func $h (param i32)))
  (import "env" "a \"b\"\n\u{e9}" (global $g i32))
  (import "env" "m" (memory 1))
  (type $t (func (param i32 i64) (result i32 i32)))
  (table $tb 3 9 funcref) (table 2 externref)
  (global $x (mut f32) (f32.const -nan:0x200000))
  (func $"my fn" (export "f") (param $a i32) (param i64) (result i32) (local f32 f32) (local $z f64)
    (block $b (result i32)
      (loop $l (br_if $l (local.get $a)) (br_table $b $l 0 (i32.const 5) (i32.const 7)))
      unreachable)
    (if (result i32) (then (i32.const -1)) (else (i32.const 0x7fffffff)))
    (i32.load8_u offset=7 (i32.const 0)) drop
    (i64.load align=2 (i32.const 0)) drop
    (f64.store offset=4294967295 align=1 (i32.const 0) (f64.const 0x1.8p-1074))
    (f32.const nan) drop (f64.const -inf) drop (f32.const 3.14) drop (f64.const nan:0xfffffffffffff) drop
    (call_indirect $tb (param i32 i64) (result i32 i32) (i32.const 1) (i64.const -5) (i32.const 0)) drop drop
    (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0))
    (table.copy 1 1 (i32.const 0) (i32.const 0) (i32.const 0))
    (table.set 1 (i32.const 0) (ref.null extern))
    (table.init $tb 3 (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop 0)
    (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)) drop
    (ref.is_null (ref.func $h)) drop
    (i32.const 9) (block (param i32) (result i32 i32) (i32.const 4)) (drop)
    (call $h))
  (func $start (local $z i32) (local i64 i64 i32) nop)
  (start $start)
  (elem (i32.const 0) func $h 1)
  (elem declare func $h)
  (elem externref (ref.null extern))
  (elem (table $tb) (offset global.get $g) funcref (ref.null func) (ref.func 1))
  (data "hello \00\ff\"\\")
  (data (i32.const 16) "0123456789012345678901234567890123456789012345678901234567890123456789")
  (export "mem\u{7}" (memory 0)))
"""


def _printer(binary: bytes) -> ModulePrinter:
    module = decode(binary)
    return ModulePrinter(module, decode_names(module))


def _text(binary: bytes) -> str:
    return "\n".join(_printer(binary).module_text())


def _section(binary: bytes, module: Module, name: str) -> bytes:
    found = next(section for section in module.sections if section.name == name)
    return binary[found.offset : found.offset + found.size]


@pytest.mark.parametrize("source", [EVERYTHING, NEW], ids=["2.0", "3.0"])
def test_a_printed_module_assembles_to_the_same_code(source) -> None:
    binary = wat(source)
    module = decode(binary)
    again = wat(_text(binary))
    names = {section.name for section in module.sections} - {"elements", "custom 'name'"}
    assert len(names) >= 9
    for title in names:  # an element segment has several spellings in the binary format
        assert _section(again, decode(again), title) == _section(binary, module, title), title
    assert decode(again).elements == module.elements


@pytest.mark.parametrize("source", [EVERYTHING, NEW], ids=["2.0", "3.0"])
def test_printing_twice_changes_nothing(source) -> None:
    text = _text(wat(source))
    assert _text(wat(text)) == text


@pytest.mark.parametrize("path", ["examples/plugins/hello/hello.wasm", "tests/plugins/wasi_reactor/wasi_reactor.wasm"])
def test_what_a_compiler_made_assembles_to_the_same_instructions(path) -> None:
    binary = (Path(__file__).parents[3] / path).read_bytes()
    module, again = decode(binary), decode(wat(_text(binary)))
    assert len(module.codes) > 5
    assert [code.body() for code in again.codes] == [code.body() for code in module.codes]


_SAMPLES = {
    Immediate.BLOCKTYPE: "",
    Immediate.MEMARG: "offset=8 align=1",
    Immediate.HEAPTYPE: "func",
    Immediate.VALTYPE_VEC: "(result i32)",
    Immediate.REFTYPE: "(ref 0)",
    Immediate.NULLABLE_REFTYPE: "(ref null 0)",
    Immediate.CAST: "0 anyref (ref 0)",
    Immediate.V128: "i32x4 1 -2 0x7fffffff 4",
    Immediate.LANEIDX_16: " ".join(map(str, range(16))),
}
_ROWS = [row for row in TABLE.rows if row.structure is None]
"""All but the blocks, which need one another and are in the module above."""


@pytest.mark.parametrize("opcode", _ROWS, ids=lambda row: f"{row.mnemonic}-{row.code:x}")
def test_every_row_of_the_table_prints_as_it_is_written(opcode: Opcode) -> None:
    sample = [
        _SAMPLES.get(kind, "0") for kind in opcode.immediates if kind not in (Immediate.TABLEIDX, Immediate.MEMIDX)
    ]
    if Immediate.TABLEIDX in opcode.immediates and Immediate.TYPEIDX in opcode.immediates:
        sample = ["(type 0)"]
    body = f"{opcode.mnemonic} {' '.join(sample)}"
    binary = wat(
        f"""(module (type (func)) (func unreachable {body}) (memory 1) (table 1 funcref)
            (global (mut i32) (i32.const 0)) (elem func 0) (data "x"))"""
    )
    module = decode(binary)
    assert module.codes[0].body().expression.instructions[1].opcode is opcode
    lines = list(_printer(binary).instructions(0, module.codes[0].body()))
    assert lines[1].text.split()[0] == opcode.mnemonic
    again = wat(_text(binary))
    assert _section(again, decode(again), "codes") == _section(binary, module, "codes")


def test_lines_carry_pc_offset_and_depth() -> None:
    binary = wat("(module (func block loop nop end end if nop else nop end))".replace("if", "i32.const 1 if"))
    body = decode(binary).codes[0].body()
    lines = list(_printer(binary).instructions(0, body))
    assert [line.pc for line in lines] == list(range(len(lines)))
    assert [line.offset for line in lines] == list(body.expression.offsets)
    assert [(line.text.split()[0], line.depth) for line in lines] == [
        ("block", 0), ("loop", 1), ("nop", 2), ("end", 1), ("end", 0),
        ("i32.const", 0), ("if", 0), ("nop", 1), ("else", 0), ("nop", 1), ("end", 0), ("end", 0),
    ]  # fmt: skip
    assert [binary[line.offset] for line in lines] == [i.opcode.code for i in body.expression.instructions]


def test_branches_name_the_block_that_they_leave() -> None:
    binary = wat("(module (func block block br 0 br 1 br 2 end end))")
    texts = [line.text for line in _printer(binary).instructions(0, decode(binary).codes[0].body())]
    assert texts[:5] == ["block (;@1;)", "block (;@2;)", "br 0 (;@2;)", "br 1 (;@1;)", "br 2"]


def test_names_that_are_taken_or_unusual_stay_apart() -> None:
    module = decode(wat("(module (func) (func call 0 call 1 call 2 call 3) (func) (func))"))
    names = Names(functions={0: "f", 1: "f", 2: "operator new(unsigned long)", 3: "a\x1b]b"})
    printer = ModulePrinter(module, names)
    assert [printer.function_name(index) for index in range(4)] == [
        "$f", "$f#1", '$"operator new(unsigned long)"', '$"a\\u{1b}]b"',
    ]  # fmt: skip
    again = decode(wat("\n".join(printer.module_text())))
    assert [code.body() for code in again.codes] == [code.body() for code in module.codes]


def test_an_empty_name_is_no_name() -> None:
    module = decode(wat("(module (func))"))
    assert ModulePrinter(module, Names(functions={0: ""})).function_name(0) == "0"
    assert identifier("a b") == '$"a b"'


def test_an_invalid_module_is_printed_with_its_numbers() -> None:
    text = _text(wat('(module (func (type 7)) (func call 99 local.get 5 br 3 br_table 8 9) (export "x" (func 55)))'))
    for part in ("(type 7)", "call 99", "local.get 5", "br 3", "br_table 8 9", "(func 55)"):
        assert part in text


def test_an_imported_function_has_no_body() -> None:
    printer = _printer(wat('(module (import "a" "b" (func)))'))
    with pytest.raises(IndexError, match="imported"):
        list(printer.function(0))


NAMED = r"""
(module $m (@name "the module")
  (type $t (struct (field $f i32) (field i64) (field $f2 (@name "f") (mut (ref null $t)))))
  (type $v (func (param $p i32) (param i32) (result (ref $t))))
  (import "a" "f" (func $imported (param $x i32)))
  (import "a" "g" (global $ig i32)) (import "a" "t" (table $it 0 funcref))
  (import "a" "m" (memory $im 0)) (import "a" "e" (tag $ie))
  (table $tb 1 (ref null $v)) (memory $m2 1) (tag $ex (param i32)) (global $g (mut i32) (i32.const 0))
  (func $fn (@name "") (param $a i32) (param i32) (result (ref $t)) (local $a2 (@name "a") (ref null $t)) (local i64)
    (block $lab (@name "l 1") (block $lab2 (@name "l 1") (br $lab2)) (br $lab))
    (loop (@name "")) (try_table $try (catch $ex 0))
    (global.set $g (global.get $ig)) (drop (table.get $tb (i32.const 0)))
    (i32.store $m2 (i32.const 0) (i32.load $m2 offset=4 (i32.const 0)))
    (memory.copy $m2 $im (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.init $m2 $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)
    (table.init $tb $el (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $el)
    (drop (call_indirect $tb (type $v) (i32.const 0) (i32.const 0) (i32.const 0)))
    (drop (struct.get $t $f2 (ref.null $t)))
    (drop (ref.cast (ref $t) (select (result (ref null $t)) (ref.null $t) (ref.null $t) (i32.const 0))))
    (throw $ex (i32.const 1)))
  (func $fn2 (@name "fn")) (func $fn3 (@name "fn")) (func $fn#3)
  (export "x" (global $g)) (export "tb" (table $tb))
  (elem $el (ref null $v)) (elem $active (table $tb) (i32.const 0) (ref null $v)) (data $d "x")
  (data $d2 (memory $m2) (i32.const 0) "\00y"))
"""
"""Names in every index space, with some that are empty, taken, or no identifiers."""


def test_every_name_is_printed_and_parses_to_the_same_bytes() -> None:
    binary = wat(NAMED)
    text = _text(binary)
    assert "@custom" not in text
    assert wat(text) == binary
    assert encode(parse_module(text)) == binary
    for part in (
        '(module $"the module"', "(type $t (;0;) (struct (field $f i32) (field i64) (field $f#2 (@name \"f\") (mut",
        "(global $ig (;0;) i32)", "(table $it (;0;) 0 funcref)", "(memory $im (;0;) 0)", "(tag $ie (;0;)",
        "(table $tb (;1;) 1 (ref null $v))", "(memory $m2 (;1;) 1)", "(tag $ex (;1;)", "(global $g (;1;) (mut i32)",
        '(func (@name "") (;1;) (type $v)', '(local $a#2 (@name "a") (ref null $t))', '(param $a i32)',
        'block $"l 1" (;@1;)', 'block $"l 1#1" (@name "l 1") (;@2;)', 'br $"l 1#1"', 'loop (@name "") (;@3;)',
        "(catch $ex 0)", "global.set $g", "table.get $tb", "i32.load $m2 offset=4", "memory.copy $m2 $im",
        "memory.init $m2 $d", "data.drop $d", "elem.drop $el", "call_indirect $tb (type $v)", 'struct.get $t $f#2',
        "ref.cast (ref $t)", "throw $ex", '(export "x" (global $g))', "(elem $active (;1;) (table $tb)",
        "(data $d2 (;1;) (memory $m2)",
    ):  # fmt: skip
        assert part in text, part


def _names_of_what_is_not_there() -> bytes:
    def subsection(number: int, contents: bytes) -> bytes:
        return bytes((number,)) + sized(contents)

    one = vec([b"\x07" + name("seven")])
    flat = b"".join(subsection(number, one) for number in (1, 4, 5, 6, 7, 8, 9, 11))
    return flat + subsection(2, vec([b"\0" + one])) + subsection(3, vec([b"\0" + one])) + subsection(10, b"\0")


@pytest.mark.parametrize(
    "sections",
    [
        [custom("name", _names_of_what_is_not_there())],
        [custom("name", b"\1\xff")],
        [custom("name", b"\x63\x01x")],
        [custom("name", b"\0" + sized(name("a"))), custom("name", b"\0" + sized(name("b")))],
        [custom("x", bytes(range(200))), custom("x"), custom('"\0é')],
    ],
    ids=["of nothing", "malformed", "unknown subsection", "twice", "no names"],
)
def test_custom_sections_that_no_identifier_makes_are_annotations(sections: list[bytes]) -> None:
    binary = one_function(b"") + b"".join(sections)
    text = _text(binary)
    assert text.count("(@custom ") == len(sections)
    assert encode(parse_module(text)) == binary
    assert wat(text) == binary


def test_custom_sections_keep_their_places() -> None:
    parts = [
        section(1, vec([functype()])), section(3, b"\1\0"), section(5, b"\1\0\0"), section(12, b"\1"),
        section(10, vec([sized(b"\0\xfc\x09\0\x0b")])), section(11, vec([b"\1" + sized(b"x")])),
    ]  # fmt: skip
    binary = module(custom("0"), *(part for at, it in enumerate(parts, 1) for part in (it, custom(f"{at}"))))
    text = _text(binary)
    assert '(@custom "0" (before first) "")' in text
    assert '(@custom "5" (after code) "")' in text
    assert encode(parse_module(text)) == binary
    assert wat(text) == binary


def test_nested_blocks_print_as_much_as_wasm_tools_prints() -> None:
    binary = one_function(b"\x02\x40" * 10_000 + b"\x0b" * 10_000)
    judge = subprocess.run([str(converter()), "print"], input=binary, stdout=subprocess.PIPE, check=True).stdout
    assert len(_text(binary)) < 1.1 * len(judge)
