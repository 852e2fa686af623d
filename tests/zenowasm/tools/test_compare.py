"""What is different in two modules."""

from __future__ import annotations

import pytest
from support.wasm import custom, wat

from zenowasm.tools.compare import Change, Difference, FunctionChange, Side, compare, unified

OLD = """(module (import "env" "log" (func $log (param i32)))
  (func $first (result i32) i32.const 1) (func $gone nop) (func $caller call $last)
  (func $last (call $log (i32.const 5)))
  (memory (export "memory") 1) (data (i32.const 0) "old"))"""
NEW = """(module (type (func (param f64))) (import "env" "more" (func)) (import "env" "log" (func $log (param i32)))
  (func $new nop nop) (func $last (call $log (i32.const 5))) (func $first (result i32) i32.const 2)
  (func $caller call $last)
  (memory (export "memory") 1) (export "new" (func $new)) (data (i32.const 0) "newer"))"""


def difference(first: str, second: str) -> Difference:
    return compare(Side(wat(first)), Side(wat(second)))


def test_functions_imports_exports_and_sections() -> None:
    found = difference(OLD, NEW)
    assert set(found.functions) == {
        FunctionChange(Change.CHANGED, "first", 4, 4),
        FunctionChange(Change.REMOVED, "gone", 3, None),
        FunctionChange(Change.ADDED, "new", None, 4),
    }
    assert found.imports == ((Change.ADDED, "env.more (func)"),)
    assert found.exports == ((Change.ADDED, "new (func)"),)
    assert found.sections == (("Data", 9, 11),)


def test_nothing_is_different() -> None:
    assert not difference(OLD, OLD)
    assert not difference("(module (type (func (param f64))) (func $f nop))", "(module (func $f nop))")


def test_types_have_no_index() -> None:
    rest = "(table 1 funcref) (func $f (call_indirect (type {0}) (i32.const 0)) (block (type {0})))"
    moved = f"(module (type (func (param f64))) (type (func)) {rest.format(1)})"
    assert not difference(moved, f"(module (type (func)) {rest.format(0)})").functions


def test_functions_without_names_are_the_same_wherever_they_are() -> None:
    one = "(module (func (result i32) i32.const 1) (func (result i32) i32.const 2) (func nop))"
    other = "(module (func (result i32) i32.const 2) (func nop) (func nop nop) (func (result i32) i32.const 1))"
    found = difference(one, other)
    assert found.functions == (FunctionChange(Change.ADDED, "func[2]", None, 4),)


def test_functions_of_one_name() -> None:
    one = '(module (func (@name "f") nop) (func (@name "f") nop nop))'
    other = '(module (func (@name "f") nop) (func (@name "f") nop nop nop))'
    assert difference(one, other).functions == (FunctionChange(Change.CHANGED, "f #2", 4, 5),)


def test_the_largest_change_is_first() -> None:
    grown = OLD.replace("(func $gone nop)", f"(func $gone {'nop ' * 50})").replace("i32.const 1)", "i32.const 9)")
    assert [it.name for it in difference(OLD, grown).functions] == ["gone", "first"]


def test_custom_sections_are_compared() -> None:
    found = compare(Side(wat(OLD)), Side(wat(OLD) + custom("build_id", b"1")))
    assert found.sections == (("Custom 'build_id'", 0, 10),)


def test_the_instructions_that_changed() -> None:
    old, new = Side(wat(OLD)), Side(wat(NEW))
    assert unified(old, new, "first", ("a", "b"))[-3:] == ["-i32.const 1", "+i32.const 2", " end"]
    assert unified(old, new, "caller", ("a", "b")) == []
    assert [it for it in unified(old, new, "new", ("a", "b")) if it.startswith("+")][-3:] == ["+nop", "+nop", "+end"]


def test_an_unknown_function() -> None:
    with pytest.raises(ValueError, match=r"no function 'frist': did you mean first\?"):
        unified(Side(wat(OLD)), Side(wat(NEW)), "frist", ("a", "b"))
