from __future__ import annotations

import struct

import pytest

from zenowasm import Aggregate, Function, Global, GuestException, Instance, LimitError, LinkError, Store, Table, Tag

OBJECTS = """(module
  (type $s (struct (field i8) (field i64) (field (ref null $s)) (field f32))) (type $a (array i16))
  (tag $t (export "tag") (param i32 i64 externref))
  (func (export "struct") (result anyref) (struct.new $s (i32.const -1) (i64.const 5)
    (struct.new $s (i32.const 1) (i64.const 2) (ref.null $s) (f32.const 0.5)) (f32.const 1.5)))
  (func (export "array") (result (ref $a)) (array.new $a (i32.const -2) (i32.const 3)))
  (func (export "any") (param anyref) (result anyref) local.get 0)
  (func (export "extern") (param externref) (result externref) local.get 0)
  (func (export "internal") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "throw") (param externref) (throw $t (i32.const -1) (i64.const 7) (local.get 0)))
  (func (export "func") (result funcref) (ref.func 0))
  (func (export "call") (param funcref) (result funcref) local.get 0)
  (func (export "vector") (param v128) (result v128) (i8x16.add (local.get 0) (local.get 0)))
  (func (export "single") (param f32) (result f32) local.get 0))"""


@pytest.fixture
def exports(run):
    return run(OBJECTS)


@pytest.mark.parametrize("name", ["extern", "internal"])
def test_any_object_goes_in_and_comes_back(exports, name) -> None:
    for thing in ({"a": 1}, "text", print, None, [1]):
        assert getattr(exports, name)(thing) is thing


@pytest.mark.parametrize("number", [0, 5, -5, (1 << 30) - 1, -(1 << 30)])
def test_small_integers(exports, number) -> None:
    assert exports.any(number) == number


def test_a_small_integer_that_is_none(exports) -> None:
    with pytest.raises(ValueError, match=r"any\(\), argument 1: 2147483648 does not fit into an i31"):
        exports.any(1 << 31)


def test_objects_of_the_guest_are_read(exports) -> None:
    outer = exports.struct()
    assert isinstance(outer, Aggregate)
    assert (len(outer), outer[0], outer[1], outer[3]) == (4, 255, 5, 1.5)
    assert list(outer[2]) == [1, 2, None, 0.5]
    assert list(exports.array()) == [65534] * 3
    assert repr(exports.array()) == "<Aggregate [65534, 65534, 65534]>"
    assert exports.any(outer) == outer
    assert exports.struct() != outer


def test_what_refers_to_itself_and_what_is_long_are_shown_shortly(run) -> None:
    text = """(module (type $s (struct (field (mut (ref null $s))))) (type $a (array i32))
      (func (export "ring") (result anyref) (local $s (ref $s))
        (local.set $s (struct.new $s (ref.null $s)))
        (struct.set $s 0 (local.get $s) (local.get $s)) (local.get $s))
      (func (export "long") (result anyref) (array.new $a (i32.const 7) (i32.const 1000))))"""
    exports = run(text)
    assert repr(exports.ring()) == "<Aggregate [<Aggregate>]>"
    assert exports.ring()[0][0][0][0] is not None
    assert repr(exports.long()) == "<Aggregate [7, 7, 7, 7, 7, 7, 7, 7, ...]>"


def test_exceptions_of_the_guest(exports) -> None:
    thing = object()
    with pytest.raises(
        GuestException, match=r"an exception with \(-1, 7, <object .*\) was thrown, which nobody caught"
    ) as raised:
        exports.throw(thing)
    assert raised.value.tag == exports.tag
    assert raised.value.fields == (-1, 7, thing)


def test_an_exception_passes_through_a_host_function_to_the_guest_that_catches_it(store) -> None:
    text = """(module
      (import "e" "back" (func $back)) (tag $t (param i32))
      (func (export "throw") (throw $t (i32.const 7)))
      (func (export "catch") (result i32)
        (block $caught (result i32) (try_table (catch $t $caught) (call $back)) (i32.const 0))))"""
    found = {}
    seen = []

    def back():
        try:
            found["exports"].throw()
        except GuestException as error:
            seen.append(error.fields)
            raise

    found["exports"] = Instance(text, {"e": {"back": back}}, store).exports
    assert found["exports"].catch() == 7
    assert seen == [(7,)]


CATCH = """(module
  (import "e" "tag" (tag $t (param i32 i64 externref)))
  (import "e" "fail" (func $fail (param i32)))
  (func (export "tell") (param i32) (result i32 i64 externref)
    (block $caught (result i32 i64 externref)
      (try_table (catch $t $caught) (call $fail (local.get 0))) unreachable))
  (func (export "take") (param i32) (result exnref)
    (block $caught (result exnref) (try_table (catch_all_ref $caught) (call $fail (local.get 0))) (ref.null exn)))
  (func (export "rethrow") (param exnref) (throw_ref (local.get 0))))"""


@pytest.fixture
def catching(store):
    tag = Tag(store, ["i32", "i64", "externref"])

    def fail(number):
        raise GuestException(tag, number, 7, "text")

    return Instance(CATCH, {"e": {"tag": tag, "fail": fail}}, store).exports, tag


def test_an_exception_of_python_is_caught_by_the_guest(catching) -> None:
    exports, _ = catching
    assert exports.tell(-1) == (-1, 7, "text")


def test_exceptions_are_references_too(catching, store) -> None:
    exports, tag = catching
    taken = exports.take(-2)
    assert isinstance(taken, GuestException)
    assert (taken.fields, taken.tag) == ((-2, 7, "text"), tag)
    for given in (taken, GuestException(tag, 3, -4, None)):
        with pytest.raises(GuestException) as caught:
            exports.rethrow(given)
        assert (caught.value.fields, caught.value.tag) == (given.fields, tag)
    with pytest.raises(TypeError, match="exnref does not take ValueError"):
        exports.rethrow(ValueError())


def test_an_exception_that_no_guest_catches_arrives_with_its_tag(store) -> None:
    tag = Tag(store, ["f64"])

    def fail():
        raise GuestException(tag, 0.5)

    text = '(module (import "e" "fail" (func $fail)) (func (export "run") (call $fail)))'
    with pytest.raises(GuestException) as caught:
        Instance(text, {"e": {"fail": fail}}, store).exports.run()
    assert (caught.value.tag, caught.value.fields) == (tag, (0.5,))


def test_an_exception_that_does_not_fit_its_tag(store) -> None:
    tag = Tag(store, ["i32"])
    assert repr(tag) == "<Tag: (tag (func (param i32)))>"
    with pytest.raises(TypeError, match=r"GuestException\(\) takes 1 argument, not 2"):
        GuestException(tag, 1, 2)
    with pytest.raises(TypeError, match=r"GuestException\(\), argument 1: i32 takes an int, not str"):
        GuestException(tag, "1")
    with pytest.raises(ValueError, match="unknown type 'i33': did you mean i32"):
        Tag(store, ["i33"])
    assert tag != Tag(store, ["i32"])


def test_vectors_are_bytes(exports) -> None:
    vector = bytes(range(16))
    assert exports.vector(vector) == bytes(2 * it for it in vector)
    assert exports.vector(int.from_bytes(vector, "little")) == exports.vector(memoryview(vector))
    with pytest.raises(ValueError, match="v128 takes 16 bytes, not 3"):
        exports.vector(b"abc")


def test_floats(exports) -> None:
    assert exports.single(0.1) == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert exports.single(3) == 3.0


def test_functions(exports, store) -> None:
    assert exports.call(exports.single) == exports.single
    assert exports.func() == exports.struct
    assert exports.call(None) is None
    mine = Function(store, lambda: 7, [], ["i32"])
    assert exports.call(mine)() == 7
    with pytest.raises(TypeError, match=r"funcref.*does not take .*: wrap it in a Function"):
        exports.call(len)


def test_globals(store) -> None:
    text = """(module (import "e" "base" (global $base i32)) (global (export "g") (mut i64) (i64.const -3))
      (global (export "c") i32 (global.get $base)))"""
    exports = Instance(text, {"e": {"base": -9}}, store).exports
    assert (exports.g.value, exports.c.value) == (-3, -9)
    exports.g.value = 1 << 63
    assert exports.g.value == -(1 << 63)
    with pytest.raises(TypeError, match="immutable"):
        exports.c.value = 1
    with pytest.raises(TypeError, match="i64 takes an int, not str"):
        exports.g.value = "x"
    with pytest.raises(LinkError, match=r"incompatible import type: e.base is a global: i32 takes an int, not str"):
        Instance(text, {"e": {"base": "x"}}, store)
    assert repr(Global(store, "f64", 1.5)) == "<Global (global f64): 1.5>"
    assert Instance(text, {"e": {"base": Global(store, "i32", 4)}}, store).exports.c.value == 4


def test_tables(store) -> None:
    text = """(module (table (export "t") 2 3 externref) (table (export "f") 1 funcref) (func
      (export "g")) (elem (table 1) (i32.const 0) func 0))"""
    exports = Instance(text, store=store).exports
    table = exports.t
    table[0] = "a"
    table[-1] = {"b": 2}
    assert (list(table), len(table), table[0:1]) == (["a", {"b": 2}], 2, ["a"])
    assert table.grow(1, "new") == 2
    assert table[2] == "new"
    with pytest.raises(LimitError, match="a table of 3 elements cannot grow by 1"):
        table.grow(1)
    with pytest.raises(IndexError, match="index 3 is not inside the table of 3 elements"):
        table[3]
    assert exports.f[0] == exports.g
    assert exports.f[0]() is None
    assert len(Table(store, "funcref", 5)) == 5
    with pytest.raises(ValueError, match="unknown type 'functionref': did you mean funcref"):
        Table(store, "functionref", 5)


def test_things_of_another_store(engine, exports) -> None:
    with Store(engine=engine) as other:
        foreign = Function(other, lambda: 7, [], ["i32"])
        with pytest.raises((ValueError, LinkError)):
            Instance('(module (import "e" "f" (func (result i32))))', {"e": {"f": foreign}}, exports.any.store)
