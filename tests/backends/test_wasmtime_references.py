"""The backend ``wasmtime``: references to the guests' objects, tags, exceptions, and types that modules define."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Caller, Extern, Func, Global, HostBody, Instance, Memory, Store, Table, Tag
from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.values import Reference
from zenowasm.interp.errors import LimitError, LinkError, Trap, TrapCode, UncaughtException
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.runtime.values import I31, ExternRef
from zenowasm.interp.types import (
    EQREF,
    EXNREF,
    EXTERNREF,
    FUNCREF,
    I32,
    I64,
    V128,
    AbsHeapType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    TableType,
    TagType,
    ValType,
)

wat2wasm = pytest.importorskip("wasmtime").wat2wasm

ENGINE = registry.engine("wasmtime")
ANYREF = RefType(True, AbsHeapType.ANY)
OBJECTS = """(module
  (type $s (struct (field i32))) (type $other (struct (field i64))) (type $a (array i8)) (type $f (func (result i32)))
  (import "h" "swap" (func $swap (param anyref externref) (result externref anyref)))
  (import "h" "act" (func $act))
  (tag $t (export "tag") (param i32))
  (global $kept (export "global") (mut (ref null $s)) (struct.new $s (i32.const 3)))
  (table (export "table") 2 10 (ref null $s))
  (func $seven (export "seven") (result i32) (i32.const 7))
  (func (export "struct") (result (ref $s)) (struct.new $s (i32.const 5)))
  (func (export "other") (result structref) (struct.new $other (i64.const 5)))
  (func (export "array") (result eqref) (array.new $a (i32.const 5) (i32.const 5)))
  (func (export "i31") (param i32) (result anyref) (ref.i31 (local.get 0)))
  (func (export "func") (result (ref $f)) (ref.func $seven))
  (func (export "field") (param (ref $s)) (result i32) (struct.get $s 0 (local.get 0)))
  (func (export "get_u") (param i31ref) (result i32) (i31.get_u (local.get 0)))
  (func (export "call") (param (ref null $f)) (result i32) (call_ref $f (local.get 0)))
  (func (export "any") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "extern") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "is_kept") (param eqref) (result i32) (ref.eq (local.get 0) (global.get $kept)))
  (func (export "swap") (param anyref externref) (result externref anyref) (call $swap (local.get 0) (local.get 1)))
  (func (export "exception") (result exnref)
    (block (result exnref) (try_table (catch_all_ref 0) (throw $t (i32.const 9))) unreachable))
  (func (export "throw_ref") (param exnref) (throw_ref (local.get 0)))
  (func (export "catch") (result i32)
    (block $b (result i32) (try_table (catch $t $b) (call $act)) (i32.const 0)))
  (func (export "act") (call $act)))"""


def swap(_: Caller, arguments: tuple[Any, ...]) -> Sequence[Any]:
    return arguments


def instantiate(
    source: str, store: Store | None = None, imports: Mapping[tuple[str, str], Extern] | None = None
) -> Instance:
    return (store or ENGINE.new_store()).instantiate(ENGINE.compile(bytes(wat2wasm(source))), imports or {})


def objects(act: HostBody = lambda *_: (), store: Store | None = None) -> Instance:
    store = store or ENGINE.new_store()
    exchange = store.host_function(FuncType((ANYREF, EXTERNREF), (EXTERNREF, ANYREF)), swap)
    return instantiate(OBJECTS, store, {("h", "swap"): exchange, ("h", "act"): store.host_function(FuncType(), act)})


def call(instance: Instance, name: str, *arguments: Any) -> Any:
    results = cast(Func, instance.exports[name]).call(*arguments)
    return results[0] if len(results) == 1 else results


# --- references


@pytest.mark.parametrize(
    ("name", "kind"),
    [("struct", AbsHeapType.STRUCT), ("array", AbsHeapType.ARRAY), ("exception", AbsHeapType.EXN)],
)
def test_objects_of_the_guest_say_their_kind(name: str, kind: AbsHeapType) -> None:
    found = call(objects(), name)
    assert isinstance(found, Reference)
    assert found.kind is kind
    assert repr(found) == f"<{kind} reference>"


def test_objects_of_the_guest_go_back_in() -> None:
    instance = objects()
    found = call(instance, "struct")
    assert call(instance, "field", found) == 5
    assert call(instance, "extern", found) == call(instance, "any", found) == found
    assert call(instance, "swap", found, found) == (found, found)
    assert found != call(instance, "struct")
    assert found != call(instance, "other")


@pytest.mark.parametrize("number", [0, 1, (1 << 31) - 1])
def test_small_integers(number: int) -> None:
    instance = objects()
    assert call(instance, "i31", number) == I31(number)
    assert call(instance, "get_u", I31(number)) == number
    assert call(instance, "extern", I31(number)) == call(instance, "any", I31(number)) == I31(number)
    assert call(instance, "swap", I31(number), I31(number)) == (I31(number), I31(number))


def test_host_references_are_the_same_object_on_both_sides() -> None:
    instance = objects()
    one, two = ExternRef("one"), ExternRef("two")
    assert call(instance, "any", one) is call(instance, "extern", one) is one
    first, second = call(instance, "swap", one, two)
    assert (first, second) == (one, two)


def test_a_host_reference_is_kept_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    events = []
    read = capi.get_external
    monkeypatch.setattr(capi, "get_external", lambda *given: events.append("read") or read(*given))
    monkeypatch.setattr(capi.Root, "__del__", lambda root: events.append("let go"))
    text = '(module (func (export "f") (param externref) (result anyref) (any.convert_extern (local.get 0))))'
    store = ENGINE.new_store()
    thing = ExternRef(object())
    function: Any = store.instantiate(ENGINE.compile(wat2wasm(text)), {}).exports["f"]
    (found,) = function.call(thing)
    assert found is thing
    assert events[0] == "read"
    assert "let go" in events


def test_functions_of_a_type_that_a_module_defines() -> None:
    instance = objects()
    found = call(instance, "func")
    assert found == instance.exports["seven"]
    assert found.call() == (7,)
    assert call(instance, "call", found) == 7
    with pytest.raises(TypeError, match="type mismatch"):
        call(instance, "call", instance.exports["struct"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("field", None),
        ("field", I31(1)),
        ("field", ExternRef(1)),
        ("get_u", ExternRef(1)),
        ("call", I31(1)),
        ("any", 5),
        ("throw_ref", I31(1)),
    ],
)
def test_references_that_do_not_fit(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match="does not take"):
        call(objects(), name, value)


def test_wasmtime_checks_the_types_that_a_module_defines() -> None:
    instance = objects()
    other = call(instance, "other")
    table = cast(Table, instance.exports["table"])
    for attempt in (
        lambda: call(instance, "field", other),
        lambda: cast(Global, instance.exports["global"]).set(other),
        lambda: table.set(0, other),
        lambda: table.grow(1, other),
    ):
        with pytest.raises(TypeError, match="type mismatch"):
            attempt()
    assert table.size == 2


def test_references_of_another_store_are_refused() -> None:
    with pytest.raises(ValueError, match="struct belongs to another store"):
        call(objects(), "any", call(objects(), "struct"))


def test_globals_and_tables_of_references() -> None:
    instance = objects()
    variable, table = cast(Global, instance.exports["global"]), cast(Table, instance.exports["table"])
    assert call(instance, "is_kept", variable.get()) == 1
    found = call(instance, "struct")
    variable.set(found)
    assert call(instance, "is_kept", found) == 1
    assert table.get(0) is None
    table.set(0, found)
    assert table.grow(3, found) == 2
    assert table.get(0) == table.get(4) == found
    assert table.grow(100, found) == -1


@pytest.mark.parametrize("heap", AbsHeapType)
@pytest.mark.parametrize("address", [I32, I64])
def test_null_of_every_type(heap: AbsHeapType, address: Any) -> None:
    store, type = ENGINE.new_store(), RefType(True, heap)
    variable = store.new_global(GlobalType(type, True), None)
    table = store.new_table(TableType(type, Limits(2, 5), address), None)
    variable.set(None)
    table.set(1, None)
    assert (variable.get(), table.get(1), table.grow(1, None)) == (None, None, 2)
    assert (variable.type, table.type) == (GlobalType(type, True), TableType(type, Limits(3, 5), address))
    imports: dict[tuple[str, str], Extern] = {("", "g"): variable, ("", "t"): table}
    prefix = "i64 " if address is I64 else ""
    instantiate(
        f'(module (import "" "g" (global (mut {type}))) (import "" "t" (table {prefix}1 5 {type})))', store, imports
    )


def test_objects_are_kept_for_as_long_as_python_refers_to_them_and_no_longer() -> None:
    instance = objects(store=ENGINE.new_store(ExecutionLimits(memory_bytes=4 * PAGE_SIZE)))
    kept = call(instance, "struct")
    for _ in range(20_000):
        assert call(instance, "swap", call(instance, "struct"), kept)[1] == kept
    assert call(instance, "field", kept) == 5


def test_a_reference_may_be_the_last_one_to_its_store() -> None:
    found = call(objects(), "struct")
    gc.collect()
    identity = found.store.host_function(FuncType((EQREF,), (EQREF,)), lambda _, arguments: arguments)
    assert identity.call(found) == (found,)


# --- exceptions and tags


def test_an_uncaught_exception_has_its_value() -> None:
    instance = objects()
    exception = call(instance, "exception")
    with pytest.raises(UncaughtException) as caught:
        call(instance, "throw_ref", exception)
    assert caught.value.exception == exception


def test_an_uncaught_exception_of_a_start_function_whatever_its_name() -> None:
    with pytest.raises(UncaughtException) as caught:
        instantiate('(module (tag $t) (func $f (@name "maximum number of") throw $t) (start $f))')
    assert isinstance(caught.value.exception, Reference)


def test_an_exception_passes_through_a_host_function() -> None:
    def act(caller: Caller, _: tuple[Any, ...]) -> tuple[()]:
        cast(Func, caller.export("throw_ref")).call(exceptions[0])
        return ()

    instance = objects(act)
    exceptions = [call(instance, "exception")]
    assert call(instance, "catch") == 9
    with pytest.raises(UncaughtException) as caught:
        call(instance, "act")
    assert caught.value.exception == exceptions[0]


def test_the_exception_of_another_store_is_the_hosts() -> None:
    def act(*_: Any) -> tuple[()]:
        call(elsewhere, "throw_ref", call(elsewhere, "exception"))
        return ()

    elsewhere = objects()
    with pytest.raises(UncaughtException):
        call(objects(act), "catch")


def test_tags_link_by_identity() -> None:
    store = ENGINE.new_store()
    instance = objects(store=store)
    tag = cast(Tag, instance.exports["tag"])
    assert tag.type == TagType(FuncType((I32,)))
    thrower = instantiate(
        """(module (import "" "t" (tag $t (param i32))) (export "tag" (tag $t))
             (func (export "f") i32.const 4 throw $t))""",
        store,
        {("", "t"): tag},
    )
    assert thrower.exports["tag"] == tag != objects(store=store).exports["tag"]
    catcher = """(module (import "" "t" (tag $t (param i32))) (import "" "f" (func $f))
        (func (export "f") (result i32) (block $b (result i32) (try_table (catch $t $b) (call $f)) (i32.const 0))))"""
    assert call(instantiate(catcher, store, {("", "t"): tag, ("", "f"): thrower.exports["f"]}), "f") == 4
    with pytest.raises(LinkError, match="incompatible import type"):
        instantiate('(module (import "" "t" (tag (param i64))))', store, {("", "t"): tag})


# --- types


def test_modules_say_their_types_as_the_reference_engine_does() -> None:
    binary = bytes(
        wat2wasm(
            """(module (rec (type $a (sub (struct (field (ref null $b))))) (type $b (func (param (ref $a)))))
                 (import "" "f" (func $f (type $b))) (tag (export "t") (param i64)) (export "f" (func $f))
                 (table (export "u") i64 0 0xffff_ffff_ffff_ffff (ref null $a))
                 (memory (export "m") i64 1 0x1_0000_0000) (global (export "g") (ref null $b) (ref.null $b)))"""
        )
    )
    module, expected = ENGINE.compile(binary), registry.engine("reference").compile(binary)
    assert (module.imports, module.exports) == (expected.imports, expected.exports)


def test_sizes_beyond_32_bits() -> None:
    instance = instantiate(
        """(module (table (export "t") i64 1 0xffff_ffff_ffff_ffff funcref)
             (memory (export "m") i64 1 0x1_0000_0000))"""
    )
    table, memory = cast(Table, instance.exports["t"]), cast(Memory, instance.exports["m"])
    assert table.grow(2, None) == 1
    assert table.type == TableType(FUNCREF, Limits(3, (1 << 64) - 1), I64)
    assert memory.type == MemType(Limits(1, 1 << 32), I64)


def test_a_64_bit_memory_of_the_host() -> None:
    store = ENGINE.new_store()
    memory = store.new_memory(MemType(Limits(1, 5), I64))
    instantiate('(module (import "" "m" (memory i64 1 5)))', store, {("", "m"): memory})
    assert memory.type == MemType(Limits(1, 5), I64)


def test_a_table_found_before_its_instance_is_complete() -> None:
    seen: list[Any] = []

    def look(caller: Caller, _: tuple[Any, ...]) -> tuple[()]:
        table = cast(Table, caller.export("t"))
        seen.append(table)
        assert (table.get(0), table.size) == (None, 3)
        with pytest.raises(TypeError, match="before its instance is complete"):
            assert table.type
        return ()

    store = ENGINE.new_store()
    host = store.host_function(FuncType(), look)
    instantiate(
        '(module (import "" "f" (func $f)) (table (export "t") 3 funcref) (start $f))', store, {("", "f"): host}
    )
    assert seen[0].type == TableType(FUNCREF, Limits(3))


@pytest.mark.parametrize("name", ["func", "struct"])
def test_the_host_cannot_make_what_refers_to_types_of_a_module(name: str) -> None:
    (type,) = cast(Func, objects().exports[name]).type.results
    assert isinstance(type, RefType)
    nullable = RefType(True, type.heap)
    store = ENGINE.new_store()
    with pytest.raises(TypeError, match="outside a module"):
        store.host_function(FuncType((type,)), lambda *_: ())
    with pytest.raises(TypeError, match="outside a module"):
        store.new_global(GlobalType(nullable), None)
    for address in (I32, I64):
        with pytest.raises(TypeError, match="outside a module"):
            store.new_table(TableType(nullable, Limits(1), address))


# --- traps

NULLS = {
    "(call_ref $f (ref.null $f))": TrapCode.NULL_FUNCTION_REFERENCE,
    "(return_call_ref $f (ref.null $f))": TrapCode.NULL_FUNCTION_REFERENCE,
    "(drop (i31.get_s (ref.null i31)))": TrapCode.NULL_I31_REFERENCE,
    "(drop (struct.get $s 0 (ref.null $s)))": TrapCode.NULL_STRUCTURE_REFERENCE,
    "(struct.set $s 0 (ref.null $s) (i32.const 1))": TrapCode.NULL_STRUCTURE_REFERENCE,
    "(drop (array.len (ref.null array)))": TrapCode.NULL_ARRAY_REFERENCE,
    "(array.fill $a (ref.null $a) (i32.const 0) (i32.const 0) (i32.const 0))": TrapCode.NULL_ARRAY_REFERENCE,
    "(throw_ref (ref.null exn))": TrapCode.NULL_EXCEPTION_REFERENCE,
    "(drop (ref.as_non_null (ref.null any)))": TrapCode.NULL_REFERENCE,
}


@pytest.mark.parametrize("instruction", NULLS)
def test_which_null_it_was(instruction: str) -> None:
    types = "(type $f (func)) (type $s (struct (field (mut i32)))) (type $a (array (mut i32)))"
    store = ENGINE.new_store()
    # Other modules of the store have other instructions at the same place.
    for other in ("(drop (array.len (ref.null array)))", "(drop (struct.get $s 0 (ref.null $s)))"):
        instantiate(f"(module {types} (func nop nop nop nop {other * 9}))", store)
    instance = instantiate(f'(module {types} (func nop nop) (func (export "f") {instruction}))', store)
    with pytest.raises(Trap) as caught:
        call(instance, "f")
    assert caught.value.code is NULLS[instruction]


@pytest.mark.parametrize(
    "body",
    [
        "(loop (global.set $g (struct.new $l (global.get $g))) (br 0))",
        "(drop (array.new $a (i64.const 0) (i32.const 100000000)))",
    ],
)
def test_a_full_heap(body: str) -> None:
    source = f"""(module (type $l (struct (field (ref null $l)))) (type $a (array (mut i64)))
        (global $g (mut (ref null $l)) (ref.null $l)) (func (export "f") {body}))"""
    with pytest.raises(Trap) as caught:
        call(instantiate(source, ENGINE.new_store(ExecutionLimits(memory_bytes=16 * PAGE_SIZE))), "f")
    assert caught.value.code is TrapCode.MEMORY_LIMIT


def test_exceptions_of_the_host_that_fill_the_heap() -> None:
    store = ENGINE.new_store(ExecutionLimits(memory_bytes=16 * PAGE_SIZE))
    tag = store.new_tag(TagType(FuncType((I32,))))
    kept = []
    with pytest.raises(LimitError, match="the guests' heap has no room for an exception"):
        while len(kept) < 16 * PAGE_SIZE:  # each takes more than a byte
            kept.append(store.new_exception(tag, (len(kept),)))
    kept.clear()
    assert store.new_exception(tag, (7,)) is not None


@pytest.mark.parametrize(
    "fields",
    [
        "(global (ref $a) (array.new $a (i64.const 0) (i32.const 100000000)))",
        "(func $f (drop (array.new_default $a (i32.const 100000000)))) (start $f)",
    ],
)
def test_a_heap_that_instantiation_fills(fields: str) -> None:
    with pytest.raises(Trap) as caught:
        instantiate(f"(module (type $a (array (mut i64))) {fields})")
    assert caught.value.code is TrapCode.MEMORY_LIMIT


# --- vectors

SIGNALLING = [0x7FA00001_FFA00001_7F800001_00000001, 0x7FF0000000000001_FFF4000000000000, (1 << 128) - 1]


@pytest.mark.parametrize("bits", SIGNALLING)
def test_lanes_keep_their_bits_all_ways(bits: int) -> None:
    store = ENGINE.new_store()
    types: tuple[ValType, ...] = (V128,)
    seen: list[int] = []

    def host(_: Caller, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        seen.extend(arguments)
        return arguments

    instance = instantiate(
        """(module (import "h" "f" (func $f (param v128) (result v128)))
             (global $g (export "g") (mut v128) (v128.const i64x2 0 0))
             (func (export "f") (param v128) (result v128) (global.set $g (call $f (local.get 0))) (global.get $g)))""",
        store,
        {("h", "f"): store.host_function(FuncType(types, types), host)},
    )
    assert call(instance, "f", bits) == bits
    assert seen == [bits]
    assert cast(Global, instance.exports["g"]).get() == bits
    assert store.new_global(GlobalType(V128), bits).get() == bits


def test_exceptions_cross_the_host_as_values() -> None:
    store = ENGINE.new_store()
    exception = call(objects(store=store), "exception")
    identity = store.host_function(FuncType((EXNREF,), (EXNREF,)), lambda _, arguments: arguments)
    assert identity.call(exception) == (exception,)
    assert identity.call(None) == (None,)
