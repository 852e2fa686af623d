"""Tests of the rows whose meaning does not follow from their row: written by hand, by mnemonic.

A module's ``f`` functions are called in the order of ``calls`` in one store, so that state carries over; afterwards
the exported globals, memories and tables are compared too.
"""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

from collections.abc import Sequence

from support.aggregates import AGGREGATES
from support.written import BIG, Written, each, function

_INDEXES = (0, 1, 2, 3, 4, 5, 0x7FFFFFFF, BIG)
_RANGES = [
    (0, 0, 0),
    (1, 2, 3),
    (2, 1, 3),
    (0, 5, 1),
    (8, 0, 0),
    (0, 8, 0),
    (9, 0, 0),
    (0, 9, 0),
    (8, 0, 1),
    (0, 0, 9),
    (1, 1, BIG),
    (BIG, 0, 1),
    (0, BIG, 1),
    (BIG, BIG, BIG),
    (0, 0, 8),
]

_CONTROL = {
    "unreachable": Written(
        [function("local.get 0 if unreachable end i32.const 7", parameters="i32", results="i32")],
        each("f", 0, 1),
        [function("i64.const 0 i32.const 0 unreachable i64.const 0", results="i32")],
        (),
    ),
    "nop": Written([function("nop i32.const 3 nop", results="i32")], [("f",)], [function("nop", results="i32")], ()),
    "block": Written(
        [
            function(
                "local.get 0 block (param i32) (result i32 i64) i32.const 1 i32.add i64.const 5 end drop",
                parameters="i32",
                results="i32",
            )
        ],
        each("f", 0, BIG),
        [
            function("block (result i32) i64.const 0 end", results="i32"),
            function("block (result i32) end", results="i32"),
            function("block i32.const 0 end"),
            function("i32.const 0 block i32.eqz drop end"),
            function("block (param i64) drop end i32.const 0 drop"),
        ],
    ),
    "loop": Written(
        [
            function(
                "i32.const 0 local.get 0 "
                "loop (param i32 i32) (result i32) "
                "  local.tee 0 i32.add "
                "  local.get 0 i32.const 1 i32.sub local.tee 0 local.get 0 br_if 0 drop "
                "end",
                parameters="i32",
                results="i32",
            )
        ],
        each("f", 1, 2, 10, 100),
        [
            function("loop (result i32) end", results="i32"),
            function("loop (param i32) drop br 0 end"),
            function("i32.const 1 loop (param i32) drop br 0 end i32.eqz"),
        ],
    ),
    "if": Written(
        [
            function(
                "local.get 1 local.get 0 if (param i64) (result i64) i64.const 3 i64.mul else i64.const 4 i64.sub end "
                "local.get 0 if (param i64) (result i64) i64.const 1 i64.add end",
                parameters="i32 i64",
                results="i64",
            )
        ],
        each("f", (0, 5), (1, 5), (BIG, 5), (0x80000000, 7)),
        [
            function("i64.const 0 if end"),
            function("if end"),
            function("i32.const 0 if (result i32) i32.const 0 end drop"),
            function("i32.const 0 if (result i32) i32.const 0 else i64.const 0 end drop"),
        ],
    ),
    "else": Written(
        [function("local.get 0 if (result i32) i32.const 1 else i32.const 2 end", parameters="i32", results="i32")],
        each("f", 0, 1, 2),
        [
            function("i32.const 0 if (result i32) i64.const 0 else i32.const 2 end", results="i32"),
            function("i32.const 0 if (result i32) i32.const 0 else end", results="i32"),
        ],
        (),
    ),
    "end": Written(
        [function("block block nop end i32.const 1 drop end i32.const 2", results="i32")],
        [("f",)],
        [function("i32.const 1 i32.const 2", results="i32"), function("block i32.const 1 end")],
        (),
    ),
    "br": Written(
        [
            function(
                "block (result i32) block (result i32) i32.const 9 i32.const 1 local.get 0 br_if 0 drop "
                "i64.const 8 i32.const 2 br 1 end i32.const 10 i32.add end",
                parameters="i32",
                results="i32",
            )
        ],
        each("f", 0, 1),
        [
            function("br 1"),
            function("block (result i32) br 0 end", results="i32"),
            function("i64.const 0 br 0", results="i32"),
        ],
        (1,),
    ),
    "br_if": Written(
        [
            function(
                "block (result i32) i32.const 4 i32.const 1 local.get 0 br_if 0 i32.add end",
                parameters="i32",
                results="i32",
            )
        ],
        each("f", 0, 1, 0x80000000),
        [
            function("i64.const 0 br_if 0"),
            function("br_if 0"),
            function("i32.const 0 br_if 1"),
            function("i64.const 0 i32.const 0 br_if 0 drop i32.const 0", results="i32"),
        ],
        (0,),
    ),
    "br_table": Written(
        [
            function(
                "block $a (result i64) block $b (result i64) block $c (result i64) "
                "  i32.const 5 i64.const 6 local.get 0 br_table $c $a $b $c $a "
                "end i64.const 100 i64.add end i64.const 1000 i64.add end",
                parameters="i32",
                results="i64",
            )
        ],
        each("f", *_INDEXES),
        [
            function("i64.const 0 br_table 0 0"),
            function("i32.const 0 br_table 0 1 0"),
            function("i32.const 0 br_table 1"),
            function("block (result i32) i32.const 0 i32.const 0 br_table 0 1 end drop"),
            function(
                "block (result i64) block (result i32) i32.const 0 i32.const 0 br_table 0 1 end drop i64.const 0 end drop"
            ),
        ],
        ((0, 2, 1, 0), 2),
    ),
    "return": Written(
        [
            function(
                "i64.const 1 local.get 0 block (param i32) i32.eqz if i32.const 5 return end end drop i32.const 6",
                parameters="i32",
                results="i32",
            )
        ],
        each("f", 0, 1),
        [function("return", results="i32"), function("i64.const 0 return", results="i32")],
        (),
    ),
    "call": Written(
        [
            "(module (func $g (param i32 i64) (result i64 i32) local.get 1 i64.const 1 i64.add local.get 0)"
            '(func (export "f") (param i32 i64) (result i64) local.get 0 local.get 1 call $g drop)'
            '(func $deep (export "deep") (param i32) (result i32) local.get 0 if (result i32)'
            "  local.get 0 i32.const 1 i32.sub call $deep i32.const 2 i32.add else i32.const 0 end))"
        ],
        [("f", 3, 4), ("f", 0, (1 << 64) - 1), ("deep", 0), ("deep", 1), ("deep", 60)],
        [
            function("call 1"),
            "(module (func $g (param i32)) (func i64.const 0 call $g))",
            "(module (func $g (param i32)) (func call $g))",
            "(module (func $g (result i32) i32.const 0) (func call $g))",
        ],
        (0,),
    ),
    "call_indirect": Written(
        [
            "(module (type $t (func (param i32) (result i32))) (type $same (func (param i32) (result i32)))"
            '(table (export "table") 6 funcref) (elem (i32.const 0) $inc $dbl $nop $same)'
            "(func $inc (type $t) local.get 0 i32.const 1 i32.add) (func $dbl (type $t) local.get 0 local.get 0 i32.add)"
            "(func $nop) (func $same (type $same) local.get 0)"
            '(func (export "f") (param i32) (result i32) i32.const 21 local.get 0 call_indirect (type $t)))'
        ],
        each("f", *_INDEXES, 6, 7),
        [
            "(module (func i32.const 0 call_indirect))",
            "(module (table 1 externref) (func i32.const 0 call_indirect))",
            "(module (table 1 funcref) (func i64.const 0 call_indirect))",
            "(module (table 1 funcref) (func i64.const 0 i32.const 0 call_indirect (param i32)))",
            "(module (table 1 funcref) (func i32.const 0 call_indirect (result i32)))",
        ],
        (0, 0),
    ),
}

_PARAMETRIC = {
    "drop": Written(
        [function("i32.const 1 i64.const 2 drop f32.const 0 drop f64.const 0 drop ref.null func drop", results="i32")],
        [("f",)],
        [function("drop"), function("block drop end")],
        (),
    ),
    "select": Written(
        [
            function("local.get 0 local.get 1 local.get 2 select", parameters="i64 i64 i32", results="i64"),
            function(
                "local.get 0 f32.reinterpret_i32 local.get 1 f32.reinterpret_i32 local.get 2 select i32.reinterpret_f32",
                parameters="i32 i32 i32",
                results="i32",
            ),
        ],
        each("f", (1, 2, 0), (1, 2, 1), (1, 2, BIG), (0x7F800001, 0x7FA00000, 0), (0x7F800001, 0x7FA00000, 1)),
        [
            function("i32.const 0 i64.const 0 i32.const 0 select drop"),
            function("i32.const 0 i32.const 0 i64.const 0 select drop"),
            function("i32.const 0 i32.const 0 select drop"),
            function("ref.null func ref.null func i32.const 0 select drop"),
        ],
        (),
    ),
    "select (result)": Written(
        [
            function(
                "local.get 0 local.get 1 local.get 2 select (result f64) i64.reinterpret_f64",
                parameters="f64 f64 i32",
                results="i64",
            ),
        ],
        each("f", (1.5, -0.0, 0), (1.5, -0.0, 1)),
        [
            function("i32.const 0 i32.const 0 i32.const 0 select (result i64) drop"),
            function("i32.const 0 i64.const 0 i32.const 0 select (result i64) drop"),
            function("ref.null func ref.null extern i32.const 0 select (result externref) drop"),
        ],
    ),
}

_VARIABLES = {
    "local.get": Written(
        [
            function(
                "local.get 2 f64.convert_i32_u local.get 1 local.get 0", parameters="i64 f32 i32", results="f64 f32 i64"
            )
        ],
        each("f", (5, 2.5, 7), ((1 << 64) - 1, -0.0, BIG)),
        [
            function("local.get 0"),
            function("local.get 1 drop", parameters="i32"),
            function("local.get 0", parameters="i32", results="i64"),
        ],
        (2,),
    ),
    "local.set": Written(
        [
            '(module (func (export "f") (param i32) (result i32 i64) (local i64 i64) i64.const 9 local.set 2 local.get 0 i32.const 1 i32.add local.set 0 local.get 0 local.get 2))'
        ],
        each("f", 0, BIG),
        [
            function("i32.const 0 local.set 0"),
            function("i64.const 0 local.set 0", parameters="i32"),
            function("local.set 0", parameters="i32"),
        ],
        (2,),
    ),
    "local.tee": Written(
        ['(module (func (export "f") (param i32) (result i32 i32) (local i32) local.get 0 local.tee 1 local.get 1))'],
        each("f", 0, BIG),
        [
            function("i64.const 0 local.tee 0 drop", parameters="i32"),
            function("local.tee 0 drop", parameters="i32"),
            function("i32.const 0 local.tee 0 drop"),
        ],
        (1,),
    ),
    "global.get": Written(
        [
            '(module (global i64 (i64.const -3)) (global (export "g") f32 (f32.const nan:0x200000)) (func (export "f") (result f32 i64) global.get 1 global.get 0))'
        ],
        [("f",)],
        [function("global.get 0 drop"), "(module (global i32 (i32.const 0)) (func (result i64) global.get 0))"],
        (1,),
    ),
    "global.set": Written(
        [
            '(module (global (mut i64) (i64.const 0)) (global $g (export "g") (mut i32) (i32.const 1)) (func (export "f") (param i32) local.get 0 global.set $g))'
        ],
        each("f", 5, BIG),
        [
            "(module (global i32 (i32.const 0)) (func i32.const 0 global.set 0))",
            "(module (global (mut i32) (i32.const 0)) (func i64.const 0 global.set 0))",
            "(module (global (mut i32) (i32.const 0)) (func global.set 0))",
            function("i32.const 0 global.set 0"),
        ],
        (1,),
    ),
}

_TABLES = (
    '(table $t (export "t") 8 12 funcref) (table $u (export "u") 8 funcref) (table 1 externref)'
    " (elem $active (table $t) (i32.const 2) func $a $b) (elem $passive funcref (ref.func $a) (ref.null func) (ref.func $b)"
    " (ref.null func) (ref.func $a) (ref.func $a) (ref.func $a) (ref.func $a))"
    " (elem declare func $c) (func $a) (func $b) (func $c)"
)
_NULLS = " ".join(
    f"(i32.shl (ref.is_null (table.get $t (i32.const {index}))) (i32.const {index})) i32.or" for index in range(8)
)
_SHOW = f'(func (export "show") (result i32) i32.const 0 {_NULLS})'
_WITH_TABLES = _TABLES + _SHOW


def _bulk_invalid(instruction: str, fields: str, absent: Sequence[str]) -> list[str]:
    """Write the type errors of an instruction that takes three i32."""
    operands = ["i32.const 0", "i32.const 0", "i32.const 0"]
    texts = []
    for index in range(3):
        changed = [*operands[:index], "i64.const 0", *operands[index + 1 :]]
        texts.append(f"(module {fields} (func {' '.join(changed)} {instruction}))")
    texts.append(f"(module {fields} (func i32.const 0 i32.const 0 {instruction}))")
    return texts + [f"(module {without} (func {' '.join(operands)} {instruction}))" for without in absent]


_TABLE = {
    "table.get": Written(
        [function("local.get 0 table.get $t ref.is_null", parameters="i32", results="i32", fields=_WITH_TABLES)],
        each("f", *_INDEXES, 7, 8),
        [
            function("i32.const 0 table.get 0 drop"),
            function("i64.const 0 table.get $t drop", fields=_TABLES),
            function("i32.const 0 table.get 2", results="funcref", fields=_TABLES),
        ],
        (0,),
    ),
    "table.set": Written(
        [function("local.get 0 ref.func $c table.set $t", parameters="i32", fields=_WITH_TABLES)],
        [*each("f", 0, 7, 8, BIG), ("show",)],
        [
            function("i32.const 0 ref.null func table.set 0"),
            function("i32.const 0 ref.null extern table.set $t", fields=_TABLES),
            function("i64.const 0 ref.null func table.set $t", fields=_TABLES),
            function("ref.null func table.set $t", fields=_TABLES),
        ],
        (0,),
    ),
    "table.size": Written(
        [function("table.size 1 table.size $t", results="i32 i32", fields=_WITH_TABLES)],
        [("f",)],
        [function("table.size 0 drop"), function("table.size $t", results="i64", fields=_TABLES)],
        (1,),
    ),
    "table.grow": Written(
        [
            function(
                "ref.func $c local.get 0 table.grow $t table.size $t",
                parameters="i32",
                results="i32 i32",
                fields=_WITH_TABLES,
            )
        ],
        each("f", 0, 1, 4, 65535, BIG, 3, 1, 0),
        [
            function("ref.null func i32.const 0 table.grow 0 drop"),
            function("ref.null extern i32.const 0 table.grow $t drop", fields=_TABLES),
            function("ref.null func i64.const 0 table.grow $t drop", fields=_TABLES),
            function("i32.const 0 table.grow $t drop", fields=_TABLES),
        ],
        (0,),
    ),
    "table.fill": Written(
        [function("local.get 0 ref.func $c local.get 1 table.fill $t", parameters="i32 i32", fields=_WITH_TABLES)],
        [*each("f", (1, 0), (8, 0), (9, 0), (8, 1), (0, 9), (1, BIG), (BIG, 1), (6, 2), (0, 1)), ("show",)],
        [
            function("i32.const 0 ref.null func i32.const 0 table.fill 0"),
            function("i32.const 0 ref.null extern i32.const 0 table.fill $t", fields=_TABLES),
            function("i64.const 0 ref.null func i32.const 0 table.fill $t", fields=_TABLES),
            function("i32.const 0 ref.null func i64.const 0 table.fill $t", fields=_TABLES),
        ],
        (0,),
    ),
    "table.copy": Written(
        [
            function(
                "local.get 0 local.get 1 local.get 2 table.copy $t $u", parameters="i32 i32 i32", fields=_WITH_TABLES
            ),
            function(
                "local.get 0 local.get 1 local.get 2 table.copy $t $t", parameters="i32 i32 i32", fields=_WITH_TABLES
            ),
        ],
        [*each("f", *_RANGES[:-1]), ("show",)],
        _bulk_invalid("table.copy 0 0", _TABLES, [""])
        + _bulk_invalid("table.copy 0 2", _TABLES, ["(table 1 funcref)"])[:1]
        + [function("i32.const 0 i32.const 0 i32.const 0 table.copy 0 2", fields=_TABLES)],
        (0, 1),
    ),
    "table.init": Written(
        [
            function(
                "local.get 0 local.get 1 local.get 2 table.init $t $passive",
                parameters="i32 i32 i32",
                fields=_WITH_TABLES,
            ),
            function(
                "local.get 0 local.get 1 local.get 2 table.init $t $active",
                parameters="i32 i32 i32",
                fields=_WITH_TABLES,
            ),
        ],
        [*each("f", *_RANGES), ("show",)],
        [
            *_bulk_invalid("table.init 0 0", "(table 1 funcref) (elem func)", ["(table 1 funcref)", "(elem func)"]),
            "(module (table 1 externref) (elem func) (func i32.const 0 i32.const 0 i32.const 0 table.init 0 0))",
        ],
        (1, 0),
    ),
    "elem.drop": Written(
        [
            function(
                "local.get 0 if elem.drop $passive end i32.const 0 i32.const 0 local.get 1 table.init $t $passive",
                parameters="i32 i32",
                fields=_WITH_TABLES,
            )
        ],
        [("f", 0, 3), ("f", 1, 0), ("f", 1, 1), ("f", 0, 1), ("f", 0, 0), ("show",)],
        [function("elem.drop 0")],
        (1,),
    ),
    "ref.null": Written(
        [function("ref.null func ref.null extern", results="funcref externref")],
        [("f",)],
        [function("ref.null func", results="externref"), function("ref.null extern", results="i32")],
    ),
    "ref.is_null": Written(
        [
            function(
                "local.get 0 ref.is_null ref.func 0 ref.is_null ref.null extern ref.is_null",
                parameters="funcref",
                results="i32 i32 i32",
            )
        ],
        [("f", None)],
        [
            function("i32.const 0 ref.is_null drop"),
            function("ref.is_null drop"),
            function("ref.null func ref.is_null", results="i64"),
        ],
        (),
    ),
    "ref.func": Written(
        [
            '(module (table 1 funcref) (elem declare func $g) (func $g (result i32) i32.const 77) (func (export "f") (result i32)'
            " i32.const 0 ref.func $g table.set 0 i32.const 0 call_indirect (result i32)))"
        ],
        [("f",)],
        [
            "(module (func ref.func 1 drop))",
            "(module (func $g) (func ref.func $g drop))",
            function("ref.func 0", results="externref"),
        ],
        (0,),
    ),
}

_DATA = '(memory (export "memory") 1 3) (data (i32.const 3) "abcdef") (data $passive "12345678")'

_MEMORY = {
    "memory.size": Written(
        [function("memory.size", results="i32", fields="(memory 2 5)")],
        [("f",)],
        [function("memory.size drop"), function("memory.size", results="i64", fields="(memory 1)")],
        (0,),
    ),
    "memory.grow": Written(
        [function("local.get 0 memory.grow memory.size", parameters="i32", results="i32 i32", fields=_DATA)],
        each("f", 0, 1, 2, 65535, BIG, 1, 1, 0),
        [
            function("i32.const 0 memory.grow drop"),
            function("i64.const 0 memory.grow drop", fields=_DATA),
            function("memory.grow drop", fields=_DATA),
            function("i32.const 0 memory.grow", results="i64", fields=_DATA),
        ],
        (0,),
    ),
    "memory.fill": Written(
        [function("local.get 0 local.get 1 local.get 2 memory.fill", parameters="i32 i32 i32", fields=_DATA)],
        each(
            "f",
            (0, 1, 0),
            (2, 0x1FF, 5),
            (65536, 1, 0),
            (65537, 1, 0),
            (65535, 7, 1),
            (65535, 7, 2),
            (1, 2, BIG),
            (BIG, 2, 1),
            (0, 0, 65536),
        ),
        _bulk_invalid("memory.fill", _DATA, [""]),
        (0,),
    ),
    "memory.copy": Written(
        [function("local.get 0 local.get 1 local.get 2 memory.copy", parameters="i32 i32 i32", fields=_DATA)],
        each(
            "f",
            (0, 3, 4),
            (5, 3, 6),
            (3, 5, 6),
            (65536, 0, 0),
            (0, 65536, 0),
            (65537, 0, 0),
            (0, 65537, 0),
            (65535, 4, 2),
            (9, 65530, 7),
            (BIG, 1, 1),
            (1, BIG, 1),
            (0, 0, BIG),
            (0, 1, 65535),
        ),
        _bulk_invalid("memory.copy", _DATA, [""]),
        (0, 0),
    ),
    "memory.init": Written(
        [
            function(
                "local.get 0 local.get 1 local.get 2 memory.init $passive", parameters="i32 i32 i32", fields=_DATA
            ),
            function("local.get 0 local.get 1 local.get 2 memory.init 0", parameters="i32 i32 i32", fields=_DATA),
        ],
        each("f", *_RANGES, (65528, 0, 8), (65529, 0, 8), (65536, 8, 0), (65537, 0, 0)),
        _bulk_invalid("memory.init 0", '(memory 1) (data "")', ["(memory 1)", '(data "")']),
        (1, 0),
    ),
    "data.drop": Written(
        [
            function(
                "local.get 0 if data.drop $passive data.drop 0 end i32.const 0 i32.const 0 local.get 1 memory.init $passive",
                parameters="i32 i32",
                fields=_DATA,
            )
        ],
        [("f", 0, 3), ("f", 1, 0), ("f", 1, 1), ("f", 0, 1), ("f", 0, 0)],
        [function("data.drop 0")],
        (1,),
    ),
}


def _constants(type_: str, *texts: str) -> Written:
    functions = " ".join(
        f'(func (export "f{i}") (result {type_}) {type_}.const {text})' for i, text in enumerate(texts)
    )
    other = "i64" if type_ == "i32" else "i32"
    return Written(
        [f"(module {functions})"],
        [(f"f{index}",) for index in range(len(texts))],
        [f"(module (func (result {other}) {type_}.const 0))", f"(module (func {type_}.const 0))"],
    )


_NUMERIC = {
    "i32.const": _constants("i32", "0", "1", "-1", "63", "64", "-64", "-65", "0x7fffffff", "0x80000000"),
    "i64.const": _constants("i64", "0", "1", "-1", "0x7fffffffffffffff", "0x8000000000000000", "-65"),
    "f32.const": _constants(
        "f32", "0", "-0", "1.1", "inf", "-inf", "nan", "-nan", "nan:0x1", "-nan:0x200000", "0x1p-149", "0x1.fffffep127"
    ),
    "f64.const": _constants(
        "f64", "0", "-0", "1.1", "inf", "-inf", "nan", "-nan", "nan:0x1", "-nan:0x4000000000000", "0x1p-1074"
    ),
}

IRREGULAR: dict[str, Written] = {**_CONTROL, **_PARAMETRIC, **_VARIABLES, **_TABLE, **_MEMORY, **_NUMERIC, **AGGREGATES}
