"""The backend ``wasmtime``: values, compiling, and what lives in a store."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Caller, Extern, Func, Global, Instance, Store
from zenowasm.backends.wasmtime import Engine
from zenowasm.interp.errors import (
    DecodeError,
    LimitError,
    ValidationError,
    WasmError,
)
from zenowasm.interp.features import WASM_2
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.runtime.values import ExternRef
from zenowasm.interp.types import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    ExportType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemType,
    TableType,
)

wat2wasm = pytest.importorskip("wasmtime").wat2wasm

ENGINE = registry.engine("wasmtime")
IDENTITIES = f"""(module {
    " ".join(
        f'(func (export "{type}") (param {type}) (result {type}) local.get 0)'
        for type in ("i32", "i64", "f32", "f64", "v128", "funcref", "externref")
    )
})"""


def compile(source: str) -> Any:
    return ENGINE.compile(bytes(wat2wasm(source)))


def instantiate(
    source: str, store: Store | None = None, imports: Mapping[tuple[str, str], Extern] | None = None
) -> Instance:
    return (store or ENGINE.new_store()).instantiate(compile(source), imports or {})


def function(instance: Instance, name: str) -> Func:
    return cast(Func, instance.exports[name])


# --- values


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("i32", -1, 0xFFFFFFFF),
        ("i32", 0xFFFFFFFF, 0xFFFFFFFF),
        ("i32", -(1 << 31), 0x80000000),
        ("i64", -1, (1 << 64) - 1),
        ("i64", (1 << 64) - 1, (1 << 64) - 1),
        ("f64", -0.0, -0.0),
        ("f32", 0.1, 0.10000000149011612),
        ("v128", (1 << 128) - 2, (1 << 128) - 2),
        ("v128", 0x0F0E0D0C0B0A09080706050403020100, 0x0F0E0D0C0B0A09080706050403020100),
    ],
)
def test_numbers_come_back(name: str, given: Any, expected: Any) -> None:
    (result,) = function(instantiate(IDENTITIES), name).call(given)
    assert result == expected
    assert math.copysign(1, result) == math.copysign(1, expected)


F32_BITS = (0x7FA00001, 0xFFA00001, 0x7F800001, 0xFFC00000, 0x7FC00000, 0x7FFFFFFF, 0x80000000, 0x00000001)
F64_BITS = (0x7FF0000000000001, 0xFFF4000000000000, 0x7FF8000000000000, 0xFFFFFFFFFFFFFFFF, 0x8000000000000000)


@pytest.mark.parametrize("pattern", F32_BITS)
def test_f32_bits_survive_all_ways(pattern: int) -> None:
    seen: list[int] = []
    store = ENGINE.new_store()

    def host(_: Caller, arguments: tuple[Any, ...]) -> tuple[float]:
        seen.append(f32_to_bits(arguments[0]))
        return (f32_from_bits(pattern),)

    instance = instantiate(
        """(module (import "h" "f" (func $f (param f32) (result f32))) (global (export "g") (mut f32) (f32.const 0))
             (func (export "bits") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
             (func (export "make") (param i32) (result f32) (f32.reinterpret_i32 (local.get 0)))
             (func (export "via") (param i32) (result i32)
               (i32.reinterpret_f32 (call $f (f32.reinterpret_i32 (local.get 0))))))""",
        store,
        {("h", "f"): store.host_function(FuncType((F32,), (F32,)), host)},
    )
    assert function(instance, "bits").call(f32_from_bits(pattern)) == (pattern,)
    assert f32_to_bits(function(instance, "make").call(pattern)[0]) == pattern
    assert function(instance, "via").call(pattern) == (pattern,)
    assert seen == [pattern]
    variable = cast(Global, instance.exports["g"])
    variable.set(f32_from_bits(pattern))
    assert f32_to_bits(variable.get()) == pattern
    assert f32_to_bits(store.new_global(GlobalType(F32), f32_from_bits(pattern)).get()) == pattern


@pytest.mark.parametrize("pattern", F64_BITS)
def test_f64_bits_survive_both_ways(pattern: int) -> None:
    instance = instantiate(
        """(module (func (export "bits") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
             (func (export "make") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0))))"""
    )
    assert function(instance, "bits").call(f64_from_bits(pattern)) == (pattern,)
    assert f64_to_bits(function(instance, "make").call(pattern)[0]) == pattern


def test_computed_nans_are_canonical() -> None:
    instance = instantiate(
        """(module (func (export "f") (param f32) (result i32)
             (i32.reinterpret_f32 (f32.add (local.get 0) (f32.const 1)))))"""
    )
    assert function(instance, "f").call(f32_from_bits(0xFFA00001)) == (0x7FC00000,)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("i32", 1 << 32, ValueError),
        ("i32", -(1 << 31) - 1, ValueError),
        ("i64", 1 << 64, ValueError),
        ("v128", 1 << 128, ValueError),
        ("i32", 1.0, TypeError),
        ("f64", "1", TypeError),
        ("externref", object(), TypeError),
        ("funcref", 1, TypeError),
    ],
)
def test_arguments_that_do_not_fit(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        function(instantiate(IDENTITIES), name).call(value)


def test_wrong_number_of_arguments() -> None:
    with pytest.raises(TypeError, match=r"\(func \(param i32\) \(result i32\)\) was called with 2 arguments"):
        function(instantiate(IDENTITIES), "i32").call(1, 2)


def test_several_results() -> None:
    instance = instantiate('(module (func (export "f") (result i32 i64 f32) i32.const -1 i64.const 2 f32.const 0.5))')
    assert function(instance, "f").call() == (0xFFFFFFFF, 2, 0.5)


def test_references_keep_their_identity() -> None:
    instance = instantiate(IDENTITIES)
    reference = ExternRef("x")
    assert function(instance, "externref").call(reference)[0] is reference
    assert function(instance, "externref").call(None) == (None,)
    assert function(instance, "funcref").call(None) == (None,)
    (back,) = function(instance, "funcref").call(function(instance, "i32"))
    assert back == function(instance, "i32")
    assert back != function(instance, "i64")
    assert back.call(5) == (5,)


def test_a_function_reference_outlives_the_host_call_that_received_it() -> None:
    store = ENGINE.new_store()
    kept: list[Func] = []

    def keep(_: Caller, arguments: tuple[Any, ...]) -> tuple[()]:
        kept.extend(arguments)
        return ()

    host = store.host_function(FuncType((FUNCREF,)), keep)
    instance = instantiate(
        """(module (import "h" "keep" (func $keep (param funcref))) (elem declare func $seven)
             (func $seven (result i32) i32.const 7) (func (export "give") (call $keep (ref.func $seven)))
             (func $deep (param i32) (result i32) (if (result i32) (local.get 0)
               (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
             (func (export "overwrite") (drop (call $deep (i32.const 1000)))))""",
        store,
        {("h", "keep"): host},
    )
    function(instance, "give").call()
    function(instance, "overwrite").call()
    assert kept[0].call() == (7,)


def test_functions_of_another_store_are_refused() -> None:
    other = function(instantiate(IDENTITIES), "i32")
    with pytest.raises(ValueError, match="another store"):
        function(instantiate(IDENTITIES), "funcref").call(other)


def test_too_many_host_references() -> None:
    store = ENGINE.new_store(ExecutionLimits(memory_bytes=PAGE_SIZE, table_elements=100_000))
    table = store.new_table(TableType(EXTERNREF, Limits(100_000)))
    with pytest.raises(LimitError, match="host references"):
        for index in range(100_000):
            table.set(index, ExternRef(index))


# --- compiling


@pytest.mark.parametrize(
    ("binary", "message", "offset"),
    [
        (b"", "unexpected end", 0),
        (b"\0as", "unexpected end", 0),
        (b"(module)", "magic header not detected", 0),
        (b"\0asm\2\0\0\0", "unknown binary version", 4),
        (b"\0asm\1\0\0\0\x0e\0", "malformed section id", 8),
        (b"\0asm\1\0\0\0\1\x80\x80\x80\x80\x80\x80\0", "integer representation too long", 9),
    ],
)
def test_malformed(binary: bytes, message: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        ENGINE.compile(binary)
    assert caught.value.message.startswith(message)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(func (result i32))", "type mismatch: expected i32 but nothing on stack"),
        ("(func (call 1))", "unknown function 1"),
    ],
)
def test_invalid(source: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        compile(f"(module {source})")
    assert caught.value.message.startswith(message)
    assert caught.value.offset is not None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(func (param anyref))", "heap types not supported without the gc feature"),
        ("(func (return_call 0))", "illegal opcode 12: return_call needs TAIL_CALL"),
        ("(memory i64 1)", "memory64 must be enabled"),
        ("(memory 1) (memory 1)", "multiple memories"),
        ("(tag)", "exceptions proposal not enabled"),
    ],
)
def test_proposals_that_are_switched_off(source: str, message: str) -> None:
    with pytest.raises((DecodeError, ValidationError)) as caught:
        Engine(WASM_2).compile(bytes(wat2wasm(f"(module {source})")))
    assert caught.value.message.startswith(message)


def test_an_invalid_instruction_has_its_offset() -> None:
    binary = bytes(wat2wasm("(module (func nop i32.const 7 i64.eqz drop))"))
    with pytest.raises(ValidationError) as caught:
        ENGINE.compile(binary)
    assert caught.value.offset == binary.index(b"\x41\x07\x50") + 2


def test_too_large_a_module() -> None:
    with pytest.raises(LimitError):
        compile(f"(module (func (param {'i32 ' * 1001})))")


def test_imports_and_exports() -> None:
    module = compile(
        """(module (import "a" "f" (func (param i32 f64) (result externref))) (import "" "" (global (mut v128)))
             (memory (export "m") 1 5) (table (export "t") 2 funcref) (func (export "é") (result i64) i64.const 0)
             (global (export "g") f32 (f32.const 0)))"""
    )
    assert module.imports == (
        ImportType("a", "f", FuncType((I32, F64), (EXTERNREF,))),
        ImportType("", "", GlobalType(V128, True)),
    )
    assert module.exports == (
        ExportType("m", MemType(Limits(1, 5))),
        ExportType("t", TableType(FUNCREF, Limits(2))),
        ExportType("é", FuncType((), (I64,))),
        ExportType("g", GlobalType(F32)),
    )


# --- memories, tables, globals


def test_memory_is_checked_at_its_bounds() -> None:
    memory = ENGINE.new_store().new_memory(MemType(Limits(1, 3)))
    memory.write(PAGE_SIZE - 3, b"abc")
    assert memory.read(PAGE_SIZE - 3, 3) == b"abc"
    assert memory.read(PAGE_SIZE, 0) == b""
    for address, length in ((PAGE_SIZE - 2, 3), (PAGE_SIZE + 1, 0), (-1, 1), (0, -1), (0, 1 << 70)):
        with pytest.raises(IndexError):
            memory.read(address, length)
    for address in (PAGE_SIZE - 2, -1, 1 << 70):
        with pytest.raises(IndexError):
            memory.write(address, b"xyz")
    assert memory.read(PAGE_SIZE - 3, 3) == b"abc"
    assert memory.grow(1) == 1
    assert (memory.size, memory.type) == (2 * PAGE_SIZE, MemType(Limits(2, 3)))
    assert memory.read(PAGE_SIZE - 3, 6) == b"abc\0\0\0"
    with pytest.raises(ValueError, match="cannot grow"):
        memory.grow(-1)


def test_find_in_memory() -> None:
    memory = ENGINE.new_store().new_memory(MemType(Limits(100)))
    end = memory.size
    for address in (0, 4095, 4096, 12287, 12288, 5_000_000, end - 1):
        memory.write(address, b"\x07")
        assert memory.find(7, 0, end) == address
        assert memory.find(7, address, end + 9) == address
        assert memory.find(7, 0, address) == -1
        assert memory.find(7, address + 1, 1 << 70) == -1
        memory.write(address, b"\0")
    assert memory.find(0, end, end) == -1


def test_an_empty_memory() -> None:
    memory = ENGINE.new_store().new_memory(MemType(Limits(0)))
    assert (memory.size, memory.read(0, 0), memory.find(0, 0, 10)) == (0, b"", -1)
    memory.write(0, b"")
    with pytest.raises(IndexError):
        memory.read(0, 1)


def test_tables() -> None:
    store = ENGINE.new_store()
    reference = ExternRef(1)
    table = store.new_table(TableType(EXTERNREF, Limits(2, 5)), reference)
    assert table.get(0) is table.get(1) is reference
    table.set(1, None)
    assert table.get(1) is None
    assert table.grow(2, reference) == 2
    assert table.get(3) is reference
    assert (table.size, table.type) == (4, TableType(EXTERNREF, Limits(4, 5)))
    for index in (-1, 4):
        with pytest.raises(IndexError):
            table.get(index)
        with pytest.raises(IndexError):
            table.set(index, None)
    with pytest.raises(TypeError):
        table.set(0, 5)


def test_globals() -> None:
    store = ENGINE.new_store()
    constant, variable = store.new_global(GlobalType(I64), -1), store.new_global(GlobalType(V128, True), 5)
    assert constant.get() == (1 << 64) - 1
    assert (constant.type, variable.type) == (GlobalType(I64), GlobalType(V128, True))
    with pytest.raises(TypeError, match="immutable"):
        constant.set(1)
    variable.set(1 << 127)
    assert variable.get() == 1 << 127
    with pytest.raises(TypeError):
        variable.set("x")


# --- whole stores


def test_a_store_is_freed_with_its_last_reference() -> None:
    store = ENGINE.new_store()
    host = store.host_function(FuncType((I32,), (I32,)), lambda _, arguments: arguments)
    instance = instantiate(
        '(module (import "h" "f" (func $f (param i32) (result i32))) (export "f" (func $f)))', store, {("h", "f"): host}
    )
    assert function(instance, "f").call(3) == (3,)
    gone = weakref.ref(store)
    gc.disable()
    try:
        del store, host, instance
        assert gone() is None
    finally:
        gc.enable()


def test_no_error_of_wasmtime_leaks_out() -> None:
    for source in ("(module (func (call 1)))", "(module (func (result i32)))"):
        with pytest.raises(WasmError) as caught:
            compile(source)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("folders", [None, [], [Path("wasmtime-1.dist-info"), Path("wasmtime-2.dist-info")]])
def test_the_version_is_that_of_what_is_installed(folders: list[Path] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the name of a folder, and asked of Python's library where that does not tell."""
    if folders is not None:
        monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(folders))
    assert registry.engine("wasmtime").version == metadata.version("wasmtime")
