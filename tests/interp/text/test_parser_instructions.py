"""Instructions: every row of the table against wasmtime's parser, then what a table cannot say."""

from __future__ import annotations

from typing import Any

import pytest
from support.rows import key, row_test
from support.wasm import wat

from zenowasm.interp.binary import encode
from zenowasm.interp.errors import ParseError
from zenowasm.interp.instructions import TABLE, Opcode
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.syntax.module import Cast, Catch, Instruction, MemArg
from zenowasm.interp.text import parse_module
from zenowasm.interp.types import I32, AbsHeapType, RefType

_SPACES = """(memory $m0 1) (memory $m1 1) (table $t0 1 funcref) (table $t1 1 funcref) (elem $e0 func) (elem $e1 func)
(data $d0 "") (data $d1 "") (type $s (struct (field $x i32) (field $y i64))) (type $f (func)) (tag $g)"""


def _instructions(text: str) -> list[Instruction]:
    module = parse_module(f"{_SPACES} (func {text})")
    return list(module.codes[0].body().expression.instructions)


def _immediates(text: str) -> tuple[Any, ...]:
    return _instructions(text)[0].immediates


@pytest.mark.parametrize("row", TABLE.rows, ids=key)
def test_every_row_is_parsed_and_encoded_as_wasmtime_does(row: Opcode) -> None:
    test = row_test(row)
    assert test is not None
    for text in (*test.valid, *test.invalid):
        assert encode(parse_module(text)) == wat(text), text


@pytest.mark.parametrize(
    ("text", "immediates"),
    [
        ("memory.size", (0,)),
        ("memory.size $m1", (1,)),
        ("memory.copy", (0, 0)),
        ("memory.copy 1 $m0", (1, 0)),
        ("memory.init $d1", (1, 0)),
        ("memory.init $m1 $d0", (0, 1)),
        ("table.init 1", (1, 0)),
        ("table.init $t1 0", (0, 1)),
        ("table.get", (0,)),
        ("table.copy $t1 $t0", (1, 0)),
        ("call_indirect (type $f)", (1, 0)),
        ("call_indirect $t1 (type $f)", (1, 1)),
        ("return_call_indirect 1", (1, 1)),
        ("br_table 0 0 0", ((0, 0), 0)),
        ("br_table 0", ((), 0)),
        ("i32.load", (MemArg(2, 0),)),
        ("i32.load offset=0xf_f", (MemArg(2, 255),)),
        ("i32.load 1 offset=18446744073709551615 align=1", (MemArg(0, 2**64 - 1, 1),)),
        ("i64.load align=0x8", (MemArg(3, 0),)),
        ("v128.load8_lane 3", (MemArg(0, 0), 3)),
        ("v128.load8_lane $m1 3", (MemArg(0, 0, 1), 3)),
        ("v128.load8_lane 1 offset=2 3", (MemArg(0, 2, 1), 3)),
        ("v128.load8_lane offset=2 align=1 3", (MemArg(0, 2), 3)),
        ("struct.get $s $y", (0, 1)),
        ("struct.get 0 7", (0, 7)),
        ("br_on_cast 0 anyref (ref $s)", (Cast(0, RefType(True, AbsHeapType.ANY), RefType(False, 0)),)),
        ("block end", ((),)),
        ("block (result i32) end", ((I32,),)),
        ("block (type $f) end", (1,)),
        ("block (param i32) end", (2,)),
        ("loop $l (result) end $l", ((),)),
        (
            "try_table $l (catch $g 0) (catch_ref 0 0) (catch_all 0) (catch_all_ref 0) end",
            ((), (Catch(0, False, 0), Catch(0, True, 0), Catch(None, False, 0), Catch(None, True, 0))),
        ),
        ("select", ()),
        ("select (result)", ((),)),
        ("select (result i32) (result i32)", ((I32, I32),)),
        ("i32.const -1", (0xFFFFFFFF,)),
        ("i64.const 0x8000_0000_0000_0000", (1 << 63,)),
        ("v128.const i8x16 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0x7f", (0x7F << 120 | 0xFF,)),
        ("v128.const f32x4 1 0 0 -nan:0x1", (0xFF800001 << 96 | 0x3F800000,)),
        ("v128.const f64x2 -0 inf", (0x7FF0000000000000 << 64 | 1 << 63,)),
        ("i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 255", ((*range(15), 255),)),
    ],
)  # fmt: skip
def test_immediates(text: str, immediates: tuple[Any, ...]) -> None:
    assert _immediates(text) == immediates


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("16777217", 0x4B800000),  # ties go to the even neighbour
        ("16777219", 0x4B800002),
        ("16777217.0000000000000000000000001", 0x4B800001),  # the nearest f64 is a tie, the number is not
        ("0x1.000001p0", 0x3F800000),
        ("0x1.000001000000000000000001p0", 0x3F800001),
        ("0x1.000002fffffffffffffffp0", 0x3F800001),
        ("-0x1.000001000000000000000001p0", 0xBF800001),
        ("340282356779733661637539395458142568447", 0x7F7FFFFF),
        ("0x1p-150", 0x00000000),
        ("0x1.000000000000000000001p-150", 0x00000001),
        ("0x0.000001p-126", 0x00000000),
        ("1e-50", 0x00000000),
    ],
)
def test_an_f32_is_rounded_once(text: str, bits: int) -> None:
    assert f32_to_bits(_immediates(f"f32.const {text}")[0]) == bits


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("0x1.00000000000008p0", 0x3FF0000000000000),
        ("0x1.000000000000080001p0", 0x3FF0000000000001),
        ("9007199254740993", 0x4340000000000000),
        ("4.9e-324", 1),
        ("nan:0x4", 0x7FF0000000000004),
        ("-nan", 0xFFF8000000000000),
    ],
)
def test_an_f64_is_rounded_once(text: str, bits: int) -> None:
    assert f64_to_bits(_immediates(f"f64.const {text}")[0]) == bits


@pytest.mark.parametrize(
    ("text", "mnemonics"),
    [
        ("(i32.add (i32.const 1) (i32.const 2)) drop", "i32.const i32.const i32.add drop end"),
        ("i32.const 1 (i32.eqz) drop", "i32.const i32.eqz drop end"),
        ("(drop (block (result i32) i32.const 1 (i32.eqz)))", "block i32.const i32.eqz end drop end"),
        ("(if (i32.const 1) (then nop) (else))", "i32.const if nop else end end"),
        ("(if (then))", "if end end"),
        ("(if (nop) (nop) (then (if (nop) (then))))", "nop nop if nop if end end end"),
        ("nop if nop else (nop) end", "nop if nop else nop end end"),
        ("(loop (nop (nop)) nop)", "loop nop nop nop end end"),
        ("(select (result i32) (nop))", "nop select end"),
    ],
)
def test_flat_and_folded_sequences(text: str, mnemonics: str) -> None:
    assert [opcode.mnemonic for opcode, _ in _instructions(text)] == mnemonics.split()


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("block $a block $b br $a end end", 1),
        ("block $a block $a br $a end end", 0),
        ("block $a block $b end br $a end", 0),
        ("(block $a (if $b (br $a) (then)))", 0),
        ("(block $a (if $b (nop) (then (br $a))))", 1),
        ("(if $b (nop) (then) (else (br $b)))", 0),
        ('block $"a b" block br $"a\\20b" end end', 1),
        ("block $a br 7 end", 7),
    ],
)
def test_labels(text: str, depth: int) -> None:
    assert [immediates for opcode, immediates in _instructions(text) if opcode.mnemonic == "br"] == [(depth,)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("i32.foo", "unknown operator i32.foo"),
        ("(i32.foo)", "unknown operator i32.foo"),
        ("end", "an instruction expected"),
        ("else", "an instruction expected"),
        ("then", "unexpected token 'then'"),
        ("(then)", "unexpected token 'then'"),
        ("(end)", "unexpected token 'end'"),
        ("block", "unexpected token '\\)': 'end' expected"),
        ("(block end)", "an instruction expected"),
        ("(if (nop))", "'\\(then' expected"),
        ("(if (nop) nop (then))", "'\\(then' expected"),
        ("(if (then) (then))", "'\\(else' or '\\)' expected"),
        ("(if (else))", "unexpected token 'else'"),
        ("(if (then) (else) (else))", "unexpected token 'else'"),
        ("(if (then) nop)", "'\\(else' or '\\)' expected"),
        ("if else else end", "an instruction expected"),
        ("block $a end $b", "mismatching label \\$b"),
        ("block end $b", "mismatching label \\$b"),
        ("if $a else $b end", "mismatching label \\$b"),
        ("(i32.add i32.const 1)", "operand in parentheses"),
        ("i32.const", "i32 expected"),
        ("i32.const 0x", "unknown operator 0x: i32 expected"),
        ("i32.const 4294967296", "constant out of range"),
        ("i32.const -2147483649", "constant out of range"),
        ("i64.const 18446744073709551616", "constant out of range"),
        ("f32.const 340282356779733661637539395458142568448", "constant out of range"),
        ("f64.const 0x1p1024", "constant out of range"),
        ("f32.const nan:0x800000", "constant out of range"),
        ("f32.const nan:canonical", "f32 expected"),
        ("local.get 4294967296", "constant out of range"),
        ("local.get -1", "the index of a local"),
        ("br_table", "a label"),
        ("i32.load align=0", "alignment must be a power of two"),
        ("i32.load align=3", "alignment must be a power of two"),
        ("i32.load align=4 offset=1", "'offset=1'|offset=1"),
        ("i32.load offset=18446744073709551616", "constant out of range"),
        ("i32.load offset=-1", "unknown operator offset=-1"),
        ("v128.const i32x4 1 2 3", "wrong number of lane literals"),
        ("v128.const i32x4 1 2 3 4 5", "unexpected token '5'"),
        ("v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "constant out of range"),
        ("v128.const i33x4 1", "vector shape"),
        ("i8x16.shuffle 1 2 3", "u8"),
        ("i8x16.extract_lane_s 256", "constant out of range"),
        ("i8x16.extract_lane_s -1", "u8"),
        ("block (param $x i32) end", "a value type"),
        ("call_indirect (param $x i32)", "a value type"),
        ("block (result i32) (param i32) end", "unexpected token 'param'"),
        ("struct.get $s $z", "unknown field \\$z"),
        ("struct.get $f $x", "unknown field \\$x"),
        ("ref.test i32", "a reference type"),
        ("table.copy 0", "the index of a table"),
    ],
)
def test_malformed_instructions(text: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        _instructions(text)
