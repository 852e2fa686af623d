"""Tests of the rows of exceptions, tail calls, typed references and aggregates, by mnemonic; see ``irregular``."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

from support.written import BIG, Written, each, function

_TYPES = """
  (type $point (sub (struct (field $x i32) (field $y (mut i64)) (field $b (mut i8)) (field $h (mut i16)))))
  (type $deep (sub $point (struct (field i32) (field (mut i64)) (field (mut i8)) (field (mut i16)) (field f32))))
  (type $pair (struct (field (mut i32)) (field (mut f64))))
  (type $bytes (array (mut i8))) (type $shorts (array (mut i16))) (type $words (array (mut i32)))
  (type $fixed (array i32)) (type $functions (array (mut funcref)))
  (type $unary (func (param i32) (result i32)))
"""
_FIELDS = (
    _TYPES
    + """
  (data $data "\\01\\02\\ff\\80\\05\\06\\07\\08") (elem $elem funcref (ref.func $inc) (ref.null func) (ref.func $inc))
  (func $inc (param i32) (result i32) local.get 0 i32.const 1 i32.add)
  (func $any (param i32) (result anyref)
    block $null block $bytes block $i31 block $deep block $point
      local.get 0 br_table $point $deep $i31 $bytes $null
    end i32.const 1 i64.const 2 i32.const 3 i32.const 4 struct.new $point return
    end i32.const 5 i64.const 6 i32.const 7 i32.const 8 f32.const 9 struct.new $deep return
    end i32.const 10 ref.i31 return
    end i32.const 11 array.new_fixed $bytes 1 return
    end ref.null any)
"""
)
_WHICH = each("f", 0, 1, 2, 3, 4)
_POINT = "i32.const 7 i64.const -8 i32.const 0x1ff i32.const 0x18001 struct.new $point"
_MAYBE_POINT = f"local.get 0 if (result (ref null $point)) {_POINT} else ref.null $point end"
_MAYBE = "local.get 0 if (result (ref null ${0})) i32.const 0x18182 i32.const 5 i32.const -1 i32.const 0x18182 array.new_fixed ${0} 4 else ref.null ${0} end"
_FOUR = [(1, 0), (1, 3), (1, 4), (1, BIG), (0, 0)]


def _f(body: str, parameters: str = "", results: str = "", fields: str = _FIELDS) -> str:
    return function(body, parameters=parameters, results=results, fields=fields)


def _maybe(array: str) -> str:
    return _MAYBE.replace("{0}", array)


_EXCEPTIONS = {
    "throw": Written(
        [
            _f(
                "block $h (result i32) try_table (catch $e $h) local.get 0 throw $e end i32.const 0 end",
                "i32",
                "i32",
                "(tag $e (param i32))",
            ),
            _f("local.get 0 throw $e", "i32", "i32", "(tag $e (param i32))"),
        ],
        each("f", 0, 5),
        [
            _f("throw 0", fields=""),
            _f("throw 0", fields="(tag (param i32))"),
            _f("i64.const 0 throw 0", fields="(tag (param i32))"),
        ],
        (0,),
    ),
    "throw_ref": Written(
        [
            _f(
                "local.get 0 if "
                "  block $outer (result i32) try_table (catch $e $outer) "
                "    block $h (result i32 exnref) try_table (catch_ref $e $h) local.get 0 throw $e end unreachable end throw_ref "
                "  end unreachable end return "
                "else ref.null exn throw_ref end unreachable",
                "i32",
                "i32",
                "(tag $e (param i32))",
            )
        ],
        each("f", 3, 0),
        [_f("throw_ref"), _f("ref.null any throw_ref"), _f("i32.const 0 throw_ref")],
        (),
    ),
    "try_table": Written(
        [
            "(module (tag $e (param i32)) (tag $other)"
            " (func $raise (param i32) local.get 0 i32.const 7 i32.eq if throw $other end local.get 0 if local.get 0 throw $e end)"
            ' (func (export "f") (param i32) (result i32)'
            "  block $all block $h (result i32) i64.const 1 i32.const 99"
            "   try_table (param i32) (result i32) (catch $e $h) (catch_all $all) local.get 0 call $raise i32.const 1 i32.add end"
            "   return end i32.const 1000 i32.add return end i32.const -1))"
        ],
        each("f", 0, 1, 7),
        [
            _f("try_table (catch 0 0) end"),
            _f("try_table (catch_all 5) end"),
            _f("block (result i32) try_table (catch_all 0) end i32.const 0 end drop"),
            _f("try_table (result i32) end drop"),
        ],
    ),
}

_TAIL_CALLS = {
    "return_call": Written(
        [
            '(module (func $count (export "f") (param i32 i64) (result i64) local.get 0 if local.get 0 i32.const 1 i32.sub'
            " local.get 1 i64.const 3 i64.add return_call $count end local.get 1))"
        ],
        each("f", (0, 1), (1, 1), (50_000, 0)),
        [
            _f("return_call 9"),
            _f("i64.const 0 return_call $inc", results="i32"),
            _f("i32.const 0 return_call $inc", results="i64"),
        ],
        (0,),
    ),
    "return_call_indirect": Written(
        [
            "(module (type $t (func (param i32) (result i32))) (table 5 funcref) (elem (i32.const 0) $f $same $other)"
            ' (func $f (export "f") (param i32) (result i32) i64.const 1 i32.const 40 local.get 0 return_call_indirect (type $t))'
            " (func $same (type $t) local.get 0) (func $other))"
        ],
        each("f", 1, 2, 3, 5, BIG),
        [
            "(module (func i32.const 0 return_call_indirect))",
            "(module (table 1 funcref) (func (result i32) i32.const 0 return_call_indirect))",
            "(module (table 1 funcref) (func i64.const 0 return_call_indirect))",
        ],
        (0, 0),
    ),
    "call_ref": Written(
        [
            _f(
                "i32.const 20 local.get 0 if (result (ref null $unary)) ref.func $inc else ref.null $unary end call_ref $unary",
                "i32",
                "i32",
            )
        ],
        each("f", 1, 0),
        [
            _f("i32.const 0 call_ref $point", results="i32"),
            _f("i32.const 0 ref.null func call_ref $unary", results="i32"),
            _f("ref.func $inc call_ref $unary", results="i32"),
        ],
    ),
    "return_call_ref": Written(
        [
            _f(
                "i64.const 3 i32.const 20 local.get 0 if (result (ref null $unary)) ref.func $inc else ref.null $unary end return_call_ref $unary",
                "i32",
                "i32",
            )
        ],
        each("f", 1, 0),
        [
            _f("i32.const 0 ref.func $inc return_call_ref $unary", results="i64"),
            _f("ref.func $inc return_call_ref $unary", results="i32"),
        ],
    ),
}

_REFERENCES = {
    "ref.eq": Written(
        [
            _f(
                f"(local (ref null eq)) {_POINT} local.set 1 local.get 1 local.get 1 ref.eq {_POINT} local.get 1 ref.eq"
                " i32.const 5 ref.i31 local.get 0 ref.i31 ref.eq ref.null eq ref.null none ref.eq",
                "i32",
                "i32 i32 i32 i32",
            )
        ],
        each("f", 5, 6, 0x80000005),
        [
            _f("i32.const 0 i32.const 0 ref.eq drop"),
            _f("ref.null func ref.null func ref.eq drop"),
            _f("ref.null eq ref.eq drop"),
        ],
        (),
    ),
    "ref.as_non_null": Written(
        [_f(f"{_MAYBE_POINT} ref.as_non_null struct.get $point $x", "i32", "i32")],
        each("f", 0, 1),
        [_f("i32.const 0 ref.as_non_null drop"), _f("ref.null func ref.as_non_null", results="i32")],
        (),
    ),
    "br_on_null": Written(
        [_f(f"block $null {_MAYBE_POINT} br_on_null $null struct.get $point $x return end i32.const -1", "i32", "i32")],
        each("f", 0, 1),
        [
            _f("i32.const 0 br_on_null 0 drop"),
            _f("ref.null any br_on_null 5 drop"),
            _f("block (result i32) ref.null any br_on_null 0 drop i32.const 0 end drop"),
        ],
        (0,),
    ),
    "br_on_non_null": Written(
        [
            _f(
                f"block $some (result (ref $point)) {_MAYBE_POINT} br_on_non_null $some i32.const -1 return end struct.get $point $x",
                "i32",
                "i32",
            )
        ],
        each("f", 0, 1),
        [
            _f("i32.const 0 br_on_non_null 0"),
            _f("block ref.null any br_on_non_null 0 end"),
            _f("block (result (ref func)) ref.null any br_on_non_null 0 unreachable end drop"),
        ],
        (0,),
    ),
    "ref.i31": Written(
        [_f("local.get 0 ref.i31 i31.get_s", "i32", "i32")],
        each("f", 0, 1, -1, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000),
        [_f("i64.const 0 ref.i31 drop"), _f("i32.const 0 ref.i31", results="eqref i32")],
        (),
    ),
    "i31.get_s": Written(
        [_f("local.get 1 if (result i31ref) local.get 0 ref.i31 else ref.null i31 end i31.get_s", "i32 i32", "i32")],
        each("f", (0, 1), (BIG, 1), (0x40000000, 1), (0x3FFFFFFF, 1), (5, 0)),
        [_f("ref.null eq i31.get_s drop"), _f("i32.const 0 i31.get_s drop")],
        (),
    ),
    "i31.get_u": Written(
        [_f("local.get 1 if (result i31ref) local.get 0 ref.i31 else ref.null i31 end i31.get_u", "i32 i32", "i32")],
        each("f", (0, 1), (BIG, 1), (0x40000000, 1), (0x3FFFFFFF, 1), (5, 0)),
        [_f("ref.null eq i31.get_u drop"), _f("i32.const 0 i31.get_u drop")],
        (),
    ),
    "ref.test": Written(
        [
            _f(
                "local.get 0 call $any ref.test (ref $point) local.get 0 call $any ref.test (ref $deep)",
                "i32",
                "i32 i32",
            ),
            _f("local.get 0 call $any ref.test (ref i31) local.get 0 call $any ref.test (ref array)", "i32", "i32 i32"),
            _f("local.get 0 call $any ref.test (ref eq) local.get 0 call $any ref.test (ref none)", "i32", "i32 i32"),
        ],
        _WHICH,
        [_f("i32.const 0 ref.test (ref any) drop"), _f("ref.null any ref.test (ref func) drop")],
    ),
    "ref.test null": Written(
        [
            _f(
                "local.get 0 call $any ref.test (ref null $point) local.get 0 call $any ref.test (ref null $bytes)",
                "i32",
                "i32 i32",
            ),
            _f(
                "local.get 0 call $any ref.test (ref null none) local.get 0 call $any ref.test (ref null struct)",
                "i32",
                "i32 i32",
            ),
        ],
        _WHICH,
        [_f("i32.const 0 ref.test (ref null any) drop"), _f("ref.null any ref.test (ref null extern) drop")],
    ),
    "ref.cast": Written(
        [
            _f("local.get 0 call $any ref.cast (ref $point) struct.get $point $x", "i32", "i32"),
            _f("local.get 0 call $any ref.cast (ref i31) i31.get_u", "i32", "i32"),
        ],
        _WHICH,
        [_f("i32.const 0 ref.cast (ref any) drop"), _f("ref.null any ref.cast (ref func) drop")],
    ),
    "ref.cast null": Written(
        [
            _f("local.get 0 call $any ref.cast (ref null $deep) ref.is_null", "i32", "i32"),
            _f("local.get 0 call $any ref.cast (ref null array) ref.is_null", "i32", "i32"),
        ],
        _WHICH,
        [_f("i32.const 0 ref.cast (ref null any) drop"), _f("ref.null any ref.cast (ref null $unary) drop")],
    ),
    "br_on_cast": Written(
        [
            _f(
                "block $is (result (ref $point)) local.get 0 call $any br_on_cast $is anyref (ref $point) ref.is_null return end struct.get $point $x",
                "i32",
                "i32",
            ),
            _f(
                "block $is (result (ref null $deep)) local.get 0 call $any br_on_cast $is anyref (ref null $deep) drop i32.const -1 return end ref.is_null",
                "i32",
                "i32",
            ),
        ],
        _WHICH,
        [
            _f("block (result (ref $point)) ref.null any br_on_cast 0 anyref (ref $bytes) unreachable end drop"),
            _f("block (result anyref) i32.const 0 br_on_cast 0 anyref (ref i31) end drop"),
        ],
    ),
    "br_on_cast_fail": Written(
        [
            _f(
                "block $not (result anyref) local.get 0 call $any br_on_cast_fail $not anyref (ref $point) struct.get $point $x return end ref.is_null",
                "i32",
                "i32",
            ),
            _f(
                "block $not (result (ref any)) local.get 0 call $any br_on_cast_fail $not anyref (ref null i31) drop i32.const -1 return end drop i32.const -2",
                "i32",
                "i32",
            ),
        ],
        _WHICH,
        [_f("block (result (ref $point)) ref.null any br_on_cast_fail 0 anyref (ref $point) unreachable end drop")],
    ),
    "any.convert_extern": Written(
        [
            _f(
                "local.get 0 call $any extern.convert_any any.convert_extern ref.test (ref $point) ref.null extern any.convert_extern ref.is_null",
                "i32",
                "i32 i32",
            )
        ],
        _WHICH,
        [_f("ref.null any any.convert_extern drop"), _f("i32.const 0 any.convert_extern drop")],
        (),
    ),
    "extern.convert_any": Written(
        [_f("local.get 0 call $any extern.convert_any ref.is_null", "i32", "i32")],
        _WHICH,
        [_f("ref.null extern extern.convert_any drop"), _f("ref.null func extern.convert_any drop")],
        (),
    ),
}

_STRUCTS = {
    "struct.new": Written(
        [
            _f(
                "(local (ref null $pair)) local.get 0 local.get 1 struct.new $pair local.tee 2 struct.get $pair 1 local.get 2 struct.get $pair 0",
                "i32 f64",
                "f64 i32",
            )
        ],
        each("f", (7, 2.5), (BIG, -0.0)),
        [
            _f("i32.const 0 struct.new $pair drop"),
            _f("f64.const 0 i32.const 0 struct.new $pair drop"),
            _f("struct.new $bytes drop"),
        ],
    ),
    "struct.new_default": Written(
        [
            _f(
                "struct.new_default $point struct.get $point $y struct.new_default $pair struct.get $pair 1",
                results="i64 f64",
            )
        ],
        [("f",)],
        [
            "(module (type (struct (field (ref func)))) (func struct.new_default 0 drop))",
            _f("struct.new_default $words drop"),
        ],
    ),
    "struct.get": Written(
        [
            _f(f"{_MAYBE_POINT} struct.get $point $y", "i32", "i64"),
            _f(f"{_MAYBE_POINT} struct.get $point 0 i64.extend_i32_s", "i32", "i64"),
        ],
        each("f", 0, 1),
        [
            _f(f"{_POINT} struct.get $point $b drop"),
            _f(f"{_POINT} struct.get $pair 0 drop"),
            _f(f"{_POINT} struct.get $point 4 drop"),
        ],
        (0, 1),
    ),
    "struct.get_s": Written(
        [
            _f(f"{_MAYBE_POINT} struct.get_s $point $b", "i32", "i32"),
            _f(f"{_MAYBE_POINT} struct.get_s $point $h", "i32", "i32"),
        ],
        each("f", 0, 1),
        [_f(f"{_POINT} struct.get_s $point $x drop"), _f(f"{_POINT} struct.get_s $point $y drop")],
        (0, 2),
    ),
    "struct.get_u": Written(
        [
            _f(f"{_MAYBE_POINT} struct.get_u $point $h", "i32", "i32"),
            _f(f"{_MAYBE_POINT} struct.get_u $point $b", "i32", "i32"),
        ],
        each("f", 0, 1),
        [_f(f"{_POINT} struct.get_u $point $x drop")],
        (0, 3),
    ),
    "struct.set": Written(
        [
            _f(
                f"(local (ref null $point)) {_MAYBE_POINT} local.tee 2 local.get 1 struct.set $point $b local.get 2 struct.get_s $point $b",
                "i32 i32",
                "i32",
            )
        ],
        each("f", (0, 1), (1, 1), (1, 0xFF), (1, 0x180)),
        [
            _f(f"{_POINT} i32.const 0 struct.set $point $x"),
            _f(f"{_POINT} i32.const 0 struct.set $point $y"),
            _f("i32.const 0 struct.set $point $b"),
        ],
        (0, 2),
    ),
}

_ARRAYS = {
    "array.new": Written(
        [
            _f(
                "(local (ref null $bytes)) i32.const 0x1fe local.get 0 array.new $bytes local.tee 1 array.len local.get 1 i32.const 0 array.get_s $bytes",
                "i32",
                "i32 i32",
            )
        ],
        each("f", 1, 3, 0),
        [
            _f("i32.const 0 array.new $bytes drop"),
            _f("i64.const 0 i32.const 0 array.new $words drop"),
            _f("i32.const 0 i64.const 0 array.new $words drop"),
        ],
    ),
    "array.new_default": Written(
        [
            _f(
                "local.get 0 array.new_default $words array.len local.get 0 i32.const 1 i32.add array.new_default $functions i32.const 0 array.get $functions ref.is_null",
                "i32",
                "i32 i32",
            )
        ],
        each("f", 0, 1, 1000),
        [
            "(module (type (array (ref func))) (func i32.const 0 array.new_default 0 drop))",
            _f("i64.const 0 array.new_default $words drop"),
        ],
    ),
    "array.new_fixed": Written(
        [
            _f(
                "i32.const 4 i32.const 5 i32.const 6 array.new_fixed $fixed 3 local.get 0 array.get $fixed array.new_fixed $words 0 array.len",
                "i32",
                "i32 i32",
            )
        ],
        each("f", 0, 1, 2, 3),
        [_f("i32.const 0 array.new_fixed $fixed 2 drop"), _f("i64.const 0 array.new_fixed $fixed 1 drop")],
    ),
    "array.new_data": Written(
        [
            _f(
                "local.get 0 local.get 1 array.new_data $shorts $data i32.const 0 array.get_s $shorts", "i32 i32", "i32"
            ),
            _f("local.get 0 local.get 1 array.new_data $words $data array.len", "i32 i32", "i32"),
        ],
        each("f", (0, 1), (2, 3), (1, 2), (7, 1), (0, 5), (9, 0), (8, 0), (0, BIG), (BIG, 1)),
        [
            _f("i32.const 0 i32.const 0 array.new_data $functions $data drop"),
            _f("i64.const 0 i32.const 0 array.new_data $words $data drop"),
        ],
    ),
    "array.new_elem": Written(
        [
            _f(
                "local.get 0 local.get 1 array.new_elem $functions $elem i32.const 0 array.get $functions ref.is_null",
                "i32 i32",
                "i32",
            )
        ],
        each("f", (0, 1), (1, 2), (2, 2), (3, 1), (0, 4), (0, BIG)),
        [
            _f("i32.const 0 i32.const 0 array.new_elem $words $elem drop"),
            _f("i32.const 0 i64.const 0 array.new_elem $functions $elem drop"),
        ],
    ),
    "array.get": Written(
        [_f(f"{_maybe('words')} local.get 1 array.get $words", "i32 i32", "i32")],
        each("f", *_FOUR),
        [
            _f("i32.const 0 array.new_default $bytes i32.const 0 array.get $bytes drop"),
            _f("ref.null $words i64.const 0 array.get $words drop"),
        ],
    ),
    "array.get_s": Written(
        [
            _f(f"{_maybe('bytes')} local.get 1 array.get_s $bytes", "i32 i32", "i32"),
            _f(f"{_maybe('shorts')} local.get 1 array.get_s $shorts", "i32 i32", "i32"),
        ],
        each("f", *_FOUR),
        [_f("ref.null $words i32.const 0 array.get_s $words drop"), _f("ref.null $bytes array.get_s $bytes drop")],
    ),
    "array.get_u": Written(
        [
            _f(f"{_maybe('bytes')} local.get 1 array.get_u $bytes", "i32 i32", "i32"),
            _f(f"{_maybe('shorts')} local.get 1 array.get_u $shorts", "i32 i32", "i32"),
        ],
        each("f", *_FOUR),
        [
            _f("ref.null $words i32.const 0 array.get_u $words drop"),
            _f("ref.null $shorts i32.const 0 array.get_u $bytes drop"),
        ],
    ),
    "array.set": Written(
        [
            _f(
                f"(local (ref null $bytes)) {_maybe('bytes')} local.tee 2 local.get 1 i32.const 0x1f3 array.set $bytes local.get 2 local.get 1 array.get_s $bytes",
                "i32 i32",
                "i32",
            )
        ],
        each("f", *_FOUR),
        [
            _f("ref.null $fixed i32.const 0 i32.const 0 array.set $fixed"),
            _f("ref.null $words i32.const 0 i64.const 0 array.set $words"),
        ],
    ),
    "array.len": Written(
        [_f(f"{_maybe('words')} array.len", "i32", "i32")],
        each("f", 0, 1),
        [_f("ref.null struct array.len drop"), _f("i32.const 0 array.len drop")],
        (),
    ),
    "array.fill": Written(
        [
            _f(
                f"(local (ref null $words)) {_maybe('words')} local.tee 3 local.get 1 i32.const 9 local.get 2 array.fill $words local.get 3 i32.const 2 array.get $words",
                "i32 i32 i32",
                "i32",
            )
        ],
        each("f", (1, 0, 4), (1, 3, 1), (1, 4, 0), (1, 5, 0), (1, 0, 5), (1, 1, BIG), (1, BIG, 1), (0, 0, 0)),
        [
            _f("ref.null $fixed i32.const 0 i32.const 0 i32.const 0 array.fill $fixed"),
            _f("ref.null $words i32.const 0 i64.const 0 i32.const 0 array.fill $words"),
        ],
    ),
    "array.copy": Written(
        [
            _f(
                f"(local (ref null $words)) {_maybe('words')} local.tee 4 local.get 1"
                " i32.const 1 i32.const 2 i32.const 3 array.new_fixed $words 3 local.get 2 local.get 3 array.copy $words $words"
                " local.get 4 i32.const 1 array.get $words",
                "i32 i32 i32 i32",
                "i32",
            ),
            _f(
                "(local (ref null $words)) i32.const 1 i32.const 2 i32.const 3 i32.const 4 array.new_fixed $words 4 local.tee 4 local.get 1"
                " local.get 4 local.get 2 local.get 3 array.copy $words $words local.get 4 i32.const 1 array.get $words",
                "i32 i32 i32 i32",
                "i32",
            ),
        ],
        each(
            "f",
            (1, 0, 0, 3),
            (1, 1, 2, 1),
            (1, 1, 0, 3),
            (1, 0, 1, 2),
            (1, 4, 3, 0),
            (1, 5, 0, 0),
            (1, 0, 5, 0),
            (1, 2, 0, 3),
            (1, 0, 0, 5),
            (1, 0, 0, BIG),
            (0, 0, 0, 0),
        ),
        [
            _f("ref.null $fixed i32.const 0 ref.null $words i32.const 0 i32.const 0 array.copy $fixed $words"),
            _f("ref.null $words i32.const 0 ref.null $bytes i32.const 0 i32.const 0 array.copy $words $bytes"),
        ],
    ),
    "array.init_data": Written(
        [
            _f(
                f"(local (ref null $shorts)) {_maybe('shorts')} local.tee 4 local.get 1 local.get 2 local.get 3 array.init_data $shorts $data local.get 4 i32.const 1 array.get_u $shorts",
                "i32 i32 i32 i32",
                "i32",
            )
        ],
        each(
            "f",
            (1, 0, 0, 4),
            (1, 1, 3, 1),
            (1, 4, 8, 0),
            (1, 4, 9, 0),
            (1, 5, 0, 0),
            (1, 0, 1, 4),
            (1, 2, 0, 3),
            (1, 0, 0, BIG),
            (0, 0, 0, 0),
        ),
        [
            _f("ref.null $fixed i32.const 0 i32.const 0 i32.const 0 array.init_data $fixed $data"),
            _f("ref.null $functions i32.const 0 i32.const 0 i32.const 0 array.init_data $functions $data"),
        ],
    ),
    "array.init_elem": Written(
        [
            _f(
                "(local (ref null $functions)) local.get 0 if ref.null func ref.null func ref.null func ref.null func array.new_fixed $functions 4 local.set 4 end"
                " local.get 4 local.get 1 local.get 2 local.get 3 array.init_elem $functions $elem local.get 4 i32.const 1 array.get $functions ref.is_null",
                "i32 i32 i32 i32",
                "i32",
            )
        ],
        each(
            "f",
            (1, 0, 0, 3),
            (1, 1, 2, 1),
            (1, 4, 3, 0),
            (1, 0, 4, 0),
            (1, 5, 0, 0),
            (1, 0, 1, 3),
            (1, 2, 0, 3),
            (1, 0, 0, BIG),
            (0, 0, 0, 0),
        ),
        [_f("ref.null $words i32.const 0 i32.const 0 i32.const 0 array.init_elem $words $elem")],
    ),
}

AGGREGATES: dict[str, Written] = {**_EXCEPTIONS, **_TAIL_CALLS, **_REFERENCES, **_STRUCTS, **_ARRAYS}
