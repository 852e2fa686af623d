"""Modules and their fields. The official suite is in ``test_suite`` and in the tests of the script reader."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.modules import essence
from support.wasm import wat

from zenowasm.interp.binary import Names, decode, decode_names, encode
from zenowasm.interp.errors import DecodeError, LimitError, ParseError
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import ExternKind, Import, SegmentMode
from zenowasm.interp.text import parse_module
from zenowasm.interp.types import I32, I64, AbsHeapType, FuncType, GlobalType, Limits, MemType, RefType, TableType

FUNCTIONS = RefType(False, AbsHeapType.FUNC)


def _names(text: str) -> Names:
    return decode_names(parse_module(text))


# -- identifiers and indexes --


def test_an_identifier_may_be_used_before_it_is_bound() -> None:
    module = parse_module(
        '(export "x" (func $f)) (start $f) (func) (func $f (type $t)) (type (func (param i32))) (type $t (func))'
    )
    assert module.exports[0].index == module.start == 1
    assert module.functions == (1, 1)


def test_index_spaces_are_separate() -> None:
    module = parse_module(
        "(func $x) (memory $x 1) (table $x 1 funcref) (global $x i32 (i32.const 0)) (tag $x) (type $x (func))"
    )
    assert len(module.functions) == len(module.memories) == len(module.tables) == len(module.globals) == 1


def test_parameters_of_a_function_type_are_for_readers_only() -> None:
    module = parse_module("(type (func (param $x i32) (param $x i64)))")
    assert decode_names(module).parameters == {0: {0: "x", 1: "x"}}


def test_imports_come_first_in_their_index_space() -> None:
    module = parse_module('(import "a" "b" (func $i)) (func $f) (export "f" (func $f))')
    assert module.exports[0].index == 1


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("(func $x)", "func"),
        ("(type $x (func))", "type"),
        ("(table $x 1 funcref)", "table"),
        ("(memory $x 1)", "memory"),
        ("(global $x i32 i32.const 0)", "global"),
        ("(tag $x)", "tag"),
        ("(elem $x func)", "elem segment"),
        ('(data $x "")', "data segment"),
    ],
)
def test_an_identifier_is_bound_once(field: str, what: str) -> None:
    with pytest.raises(ParseError, match=rf'duplicate {what} \$"x"'):
        parse_module(field + field.replace("$x", '$"x"'))


@pytest.mark.parametrize(
    "text",
    [
        "(func (call $x))",
        "(func (br $x))",
        "(func (local.get $x))",
        "(func (param (ref $x)))",
        '(export "e" (memory $x))',
        "(start $x)",
        "(elem func $x)",
        "(func (block $x) (br $x))",
        "(func $f (block $x)) (func (br $x))",
        "(func (param $x i32)) (func (local.get $x))",
    ],
)
def test_an_identifier_must_be_bound(text: str) -> None:
    with pytest.raises(ParseError, match=r"unknown .* \$x"):
        parse_module(text)


# -- type uses --


def test_a_written_type_use_takes_the_first_type_that_stands_alone() -> None:
    module = parse_module("(rec (type (func)) (type (func))) (type (sub (func))) (type (func)) (type (func)) (func)")
    assert module.functions == (3,)
    assert len(module.types) == 4


def test_new_types_come_last_in_the_order_of_their_uses() -> None:
    module = parse_module(
        "(func (param i32) (call_indirect (param i64) (block (param f32) (result f64) unreachable))) (type (func))"
    )
    assert [subtype.composite for subtype in module.subtypes()][1:3] == [
        FuncType((I32,)),
        parse_module("(type (func (param f32) (result f64)))").subtypes()[0].composite,
    ]
    assert module.subtypes()[3].composite == FuncType((I64,))


def test_types_of_an_if_come_after_those_of_its_condition() -> None:
    text = "(func (if (param i32) (block (result i32 i32) unreachable) (then drop)))"
    assert encode(parse_module(text)) == wat(f"(module {text})")


@pytest.mark.parametrize(
    "text",
    [
        "(type $t (func (param i32))) (func (type $t) (param i64))",
        "(type $t (func (param i32))) (func (type $t) (result i32))",
        "(type $t (struct)) (func (type $t) (param i32))",
        "(type $t (func (param i32))) (func (block (type $t) (param i64)))",
    ],
)
def test_an_index_and_a_written_type_must_agree(text: str) -> None:
    with pytest.raises(ParseError, match="inline function type"):
        parse_module(text)


def test_locals_are_numbered_after_the_parameters_of_a_named_type() -> None:
    module = parse_module("(type $t (func (param i32 i32))) (func (type $t) (local $x i32) (local.get $x))")
    assert module.codes[0].body().expression.instructions[0].immediates == (2,)


# -- abbreviations --


def test_inline_imports_and_exports() -> None:
    module = parse_module(
        '(func $f (export "a") (export "b") (import "m" "f") (param i32)) (global (import "m" "g") (mut i32))'
        '(table (import "m" "t") 1 2 funcref) (memory (import "m" "m") 3) (memory (export "c") i64 1 2)'
    )
    assert module.imports == (
        Import("m", "f", ExternKind.FUNC, 0),
        Import("m", "g", ExternKind.GLOBAL, GlobalType(I32, mutable=True)),
        Import("m", "t", ExternKind.TABLE, TableType(RefType(True, AbsHeapType.FUNC), Limits(1, 2))),
        Import("m", "m", ExternKind.MEM, MemType(Limits(3))),
    )
    assert [(export.name, export.kind, export.index) for export in module.exports] == [
        ("a", ExternKind.FUNC, 0),
        ("b", ExternKind.FUNC, 0),
        ("c", ExternKind.MEM, 1),
    ]


def test_inline_segments() -> None:
    module = parse_module(
        '(elem $e func) (table i64 funcref (elem 0 0)) (elem $g func) (memory (data "a" "b")) (func elem.drop $g)'
    )
    assert module.tables[0].type == TableType(RefType(True, AbsHeapType.FUNC), Limits(2, 2), I64)
    assert module.memories == (MemType(Limits(1, 1)),)
    segment = module.elements[1]
    assert (segment.mode, segment.table, segment.type, len(segment.init)) == (SegmentMode.ACTIVE, 0, FUNCTIONS, 2)
    assert segment.place is not None
    assert segment.place.instructions[0].opcode.mnemonic == "i64.const"
    assert module.data[0].init == b"ab"
    assert module.codes[0].body().expression.instructions[0].immediates == (2,)


SPELLINGS = [
    ("(func (local i32 i32) (local $x i32))", "(func (local i32) (local i32) (local) (local i32))"),
    ("(elem (i32.const 0) $f) (func $f)", "(elem (offset (i32.const 0)) func 0) (func)"),
    ("(elem funcref (ref.null func))", "(elem (ref null func) (item (ref.null func)))"),
    ('(data (i32.const 1) "ab")', '(data (offset i32.const 1) "a" "\\62")'),
    ("(func (i32.add (i32.const 1) (i32.const 2)) drop)", "(func i32.const 1 i32.const 2 i32.add drop)"),
    (
        "(func (if (result i32) (i32.const 1) (then (i32.const 2)) (else (i32.const 3))) drop)",
        "(func i32.const 1 if (result i32) i32.const 2 else i32.const 3 end drop)",
    ),
    ("(func (block $l (loop $m (br $l) (br $m))))", "(func block $l loop $m br 1 br 0 end $m end $l)"),
    ("(func (block (block $l) (block $l (br $l))))", "(func (block (block) (block (br 0))))"),
    ("(func (param funcref externref anyref))", "(func (param (ref null func) (ref null extern) (ref null any)))"),
    ("(type (func))", "(rec (type (sub final (func))))"),
    ('(import "a" "b" (memory 1))', '(memory (import "a" "b") 1)'),
    ("(module (func))", '(module quote "(func" ")")'),
    ("(func)", '(module quote "(module quote \\"(func)\\")")'),
    ("(module (memory 1))", '(module binary "\\00asm\\01\\00\\00\\00" "\\05\\03\\01\\00\\01")'),
    ('(func (@x y) (@"z" (w)))', "(func)"),
]


@pytest.mark.parametrize(("short", "long"), SPELLINGS)
def test_two_spellings_of_one_module(short: str, long: str) -> None:
    assert essence(parse_module(short)) == essence(parse_module(long))


# -- well-formedness of modules --


@pytest.mark.parametrize("string", ['"abc)', '"abc', '"\\"', '"', '$"abc'])
def test_a_string_that_is_not_closed_is_found_where_it_begins(string: str) -> None:
    with pytest.raises(ParseError, match="unclosed string") as caught:
        parse_module(f'(module\n  (func (export "a"))\n  (func (export {string}))\n)')
    assert (caught.value.line, caught.value.column) == (3, 17)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(module", "unexpected end of text: '\\)' expected"),
        ("(func", "unexpected end of text: 'func' is not closed"),
        ("(func))", "unexpected token '\\)'"),
        ("(module) (module)", "unexpected token '\\(': the end of the text"),
        ("(foo)", "unknown operator foo"),
        ("(offset)", "unexpected token 'offset'"),
        ("(start 0) (start 0)", "multiple start sections"),
        ('(func) (import "a" "b" (func))', "import after function"),
        ('(memory 1) (func (import "a" "b"))', "import after memory"),
        ('(tag) (tag (import "a" "b"))', "import after tag"),
        ('(import "a" "\\ff" (func))', "malformed UTF-8 encoding"),
        ('(import "a" "b" (type (func)))', "unexpected token 'type'"),
        ("(memory)", "u64"),
        ("(memory 0x1_0000_0000_0000_0000)", "constant out of range"),
        ("(memory -1)", "u64"),
        ("(table 1)", "reference type"),
        ("(table funcref)", "'\\(elem'"),
        ("(global i32 i32.const 0 i33)", "unknown operator i33"),
        ("(type (func) (func))", "unexpected token"),
        ("(type (struct (field $x i32) (field $x i32)))", "duplicate field"),
        ("(func (param $x i32 i32))", "'\\)' expected"),
        ("(func (result $x i32))", "a value type"),
        ("(func (result i32) (param i32))", "unexpected token 'param'"),
        ("(func (local i32) (param i32))", "unexpected token 'param'"),
        ("(func (type 7) (param i32))", "unknown type 7"),
        ("(elem (table 0) (i32.const 0) 0)", "reference type"),
        ('(data $ "")', "empty identifier"),
        ('(data "\\zz")', "malformed string"),
        ('(data "a)', "unclosed string"),
        ("(rec (func))", "'\\(type'"),
        ('(tag (export "a") (result))x', "the end of the text"),
    ],
)
def test_malformed_modules(text: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        parse_module(text)


def test_an_error_names_the_place_the_token_and_what_was_expected() -> None:
    with pytest.raises(ParseError) as caught:
        parse_module("(module\n  (func $f (param $x\ti3)))")
    assert str(caught.value) == "unknown operator i3: a value type expected (at line 2, column 22)"
    assert (caught.value.line, caught.value.column, caught.value.offset) == (2, 22, 29)


def test_a_parse_error_counts_as_malformed() -> None:
    with pytest.raises(DecodeError):
        parse_module("(")


def test_a_malformed_binary_in_a_text() -> None:
    with pytest.raises(DecodeError, match="magic header"):
        parse_module('(module binary "asm")')


# -- names and custom sections --


def test_identifiers_become_the_name_section() -> None:
    names = _names(
        "(module $m (type $t (struct (field $a i32) (field $b i32))) (type $u (func (param $q i32)))"
        '(import "x" "y" (func $i (param $p i32)))'
        "(func $f (param $x i32) (local i32) (local $y i32) (block $l (block) (loop $k)))"
        '(table $ta 1 funcref) (memory $me 1) (global $g i32 (i32.const 0)) (tag $ta) (elem $e func) (data $d ""))'
    )
    assert names == Names(
        module="m",
        functions={0: "i", 1: "f"},
        locals={0: {0: "p"}, 1: {0: "x", 2: "y"}},
        labels={1: {0: "l", 2: "k"}},
        types={0: "t", 1: "u"},
        tables={0: "ta"},
        memories={0: "me"},
        globals={0: "g"},
        elements={0: "e"},
        data={0: "d"},
        fields={0: {0: "a", 1: "b"}},
        tags={0: "ta"},
        parameters={1: {0: "q"}},
    )


def test_a_name_section_that_is_spelled_out_wins_over_identifiers() -> None:
    """There should be one name section (specification, name section), and wasm-tools writes this one."""
    text = r'(module (@custom "name" "\00\02\01a") (func $f (param $x i32)))'
    assert encode(parse_module(text)) == wat(text)
    assert [custom.data for custom in parse_module(text).customs] == [b"\0\2\1a"]


def test_the_names_of_identifiers_come_last_as_in_wasm_tools() -> None:
    customs = '(@custom "last" (after last) "") (@custom "data" (after data) "") (@custom "producers" "")'
    text = f'(module $m (func $f) (data "x") {customs})'
    assert encode(parse_module(text)) == wat(text)
    assert [custom.name for custom in parse_module(text).customs] == ["data", "last", "producers", "name"]


def test_a_name_annotation_goes_before_the_identifier() -> None:
    names = _names(
        '(module $m (@name "M") (func $f (@name "a b") (param $x (@name "") i32) (local (@name "l") i32))'
        ' (func (@name "g")))'
    )
    assert (names.module, names.functions, names.locals) == ("M", {0: "a b", 1: "g"}, {0: {0: "", 1: "l"}})
    assert _names('(module $m (@name ""))').module == ""


def test_labels_have_name_annotations() -> None:
    names = _names(
        '(func (if (@name "outer") (block (@name "first") (i32.const 1)) (then (loop $l (@name "x y") (br $l))))'
        ' block (@name "flat") end)'
    )
    assert names.labels == {0: {0: "first", 1: "outer", 2: "x y", 3: "flat"}}


@pytest.mark.parametrize("contents", ["", '"a" "b"', "a", '"\\ff"'])
def test_a_malformed_name_annotation(contents: str) -> None:
    with pytest.raises(ParseError, match="malformed @name annotation") as caught:
        parse_module(f"(func\n (@name {contents}))")
    assert (caught.value.line, caught.value.column) == (2, 2)


@pytest.mark.parametrize(
    ("text", "kind", "column"),
    [
        ('(module (func) (@name "M"))', "name", 16),
        ('(module (@name "M1") (@name "M2"))', "name", 22),
        ('(module (start $f (@name "M")) (func $f))', "name", 19),
        ('(type (@custom "c") $t (func))', "custom", 7),
        ('(func (nop (@custom "c")))', "custom", 12),
        ('(func) (@custom "c") (@name "M") (func)', "name", 22),
        ('(module) (@custom "c")', "custom", 10),
    ],
)
def test_a_misplaced_annotation(text: str, kind: str, column: int) -> None:
    with pytest.raises(ParseError, match=f"misplaced @{kind} annotation") as caught:
        parse_module(text)
    assert caught.value.column == column


def test_annotations_are_space_within_annotations() -> None:
    text = '(module (@name (@x ("y")) "M") (@custom (@x) "c" (@x (@name)) (before (@x) first) "d" (@custom)))'
    module = parse_module(text)
    assert decode_names(module).module == "M"
    assert [(custom.name, custom.data) for custom in module.customs[:1]] == [("c", b"d")]
    with pytest.raises(ParseError, match="a string expected") as caught:
        parse_module("(module\n(@custom (@x)\n  y))")
    assert (caught.value.line, caught.value.column) == (3, 3)


def test_custom_sections_stand_where_they_say() -> None:
    text = (
        '(@custom "last" "1") (@custom "z" (after func)) (@custom "y" (before func) "2" "3")'
        '(@custom "front" (before first)) (@custom "x" (after type)) (@custom "end" (after last))'
    )
    found = decode(encode(parse_module(f"(module {text} (func))")))
    assert [section.name for section in found.sections] == [
        "custom 'front'",
        "types",
        "custom 'x'",
        "custom 'y'",
        "functions",
        "custom 'z'",
        "codes",
        "custom 'last'",
        "custom 'end'",
    ]
    assert [custom.data for custom in found.customs if custom.name in ("last", "y")] == [b"23", b"1"]


@pytest.mark.parametrize(
    "contents",
    ["", "x", '"x" (before)', '"x" (inside type)', '"x" (after types)', '"x" "y" (after type)', '"x" (after type'],
)
def test_a_malformed_custom_annotation(contents: str) -> None:
    with pytest.raises(ParseError):
        parse_module(f"(@custom {contents})")


# -- any text --

_WORDS = (
    "( ( ( ) ) ) module func type rec sub param result local memory table elem data global tag import export start "
    "offset item (ref null (then (else then else end block loop if try_table (catch mut struct array field i32 i64 f32 "
    "v128 funcref $a $b 0 1 7 -1 0x1p3 nan:0x1 1e9 offset=1 align=2 align=3 i32x4 (@name (@custom (@x (; ;) ;; $ é "
    '$"a" "s" "\\00" "'
)
_TOKENS = st.lists(st.sampled_from([*_WORDS.split(), *sorted(TABLE.by_mnemonic)]), max_size=60)


@settings(max_examples=1500, deadline=None)
@given(_TOKENS, st.sampled_from([" ", "", "\n"]), st.sampled_from(["", "(func ", "(module (func block "]))
def test_any_words_are_a_module_or_malformed(words: list[str], between: str, start: str) -> None:
    with suppress(DecodeError, LimitError):
        module = parse_module(f"{start}{between.join(words)}{' end' * start.count('block')}{')' * start.count('(')}")
        assert essence(decode(encode(module))) == essence(module)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=80))
def test_any_text_is_a_module_or_malformed(text: str | bytes) -> None:
    with suppress(ParseError, LimitError):
        parse_module(text)


def test_nesting_takes_no_recursion_and_has_a_limit() -> None:
    parse_module(f"(func {'(drop ' * 50_000}{')' * 50_000})")
    parse_module(f"(func {'block ' * 50_000}{'end ' * 50_000})")
    parse_module(f"(@x {'(' * 50_000}{')' * 50_000})")
    parse_module(f"{'(;' * 50_000}{';)' * 50_000}")
    for word in ("(block ", "block ", "(drop ", "(if "):
        with pytest.raises(LimitError, match="more than 100 instructions inside one another"):
            parse_module(f"(func {word * 200} {')' * 201}", ModuleLimits(nesting=100))
