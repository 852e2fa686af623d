"""The backend ``wasmtime``: traps, linking, and host functions."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Timer
from typing import Any, cast

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Caller, Extern, Func, Instance, Memory, Store, Table
from zenowasm.interp.errors import (
    Exhaustion,
    LimitError,
    LinkError,
    Trap,
    TrapCode,
)
from zenowasm.interp.limits import PAGE_SIZE, ExecutionLimits
from zenowasm.interp.types import (
    FUNCREF,
    I32,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    TableType,
)

wat2wasm = pytest.importorskip("wasmtime").wat2wasm

ENGINE = registry.engine("wasmtime")


def compile(source: str) -> Any:
    return ENGINE.compile(bytes(wat2wasm(source)))


def instantiate(
    source: str, store: Store | None = None, imports: Mapping[tuple[str, str], Extern] | None = None
) -> Instance:
    return (store or ENGINE.new_store()).instantiate(compile(source), imports or {})


def function(instance: Instance, name: str) -> Func:
    return cast(Func, instance.exports[name])


# --- traps

TRAPS = {
    "unreachable": ("unreachable", TrapCode.UNREACHABLE),
    "div_zero": ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", TrapCode.INTEGER_DIVIDE_BY_ZERO),
    "overflow": ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", TrapCode.INTEGER_OVERFLOW),
    "trunc_range": ("(drop (i32.trunc_f32_s (f32.const 1e20)))", TrapCode.INTEGER_OVERFLOW),
    "trunc_nan": ("(drop (i32.trunc_f32_s (f32.const nan)))", TrapCode.INVALID_CONVERSION_TO_INTEGER),
    "load": ("(drop (i32.load (i32.const -1)))", TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
    "fill": ("(memory.fill (i32.const -1) (i32.const 0) (i32.const 2))", TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
    "table_get": ("(drop (table.get (i32.const 99)))", TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS),
    "table_fill": ("(table.fill (i32.const 99) (ref.null func) (i32.const 2))", TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS),
    "undefined": ("(call_indirect (i32.const 99))", TrapCode.UNDEFINED_ELEMENT),
    "uninitialized": ("(call_indirect (i32.const 0))", TrapCode.UNINITIALIZED_ELEMENT),
    "mismatch": ("(call_indirect (param i32) (i32.const 7) (i32.const 1))", TrapCode.INDIRECT_CALL_TYPE_MISMATCH),
}


@pytest.mark.parametrize("name", TRAPS)
def test_trap_codes(name: str) -> None:
    body, code = TRAPS[name]
    instance = instantiate(
        f"""(module (memory 1) (table 5 funcref) (elem (i32.const 1) $innermost) (func $innermost {body})
              (func $middle (export "f") call $innermost))"""
    )
    with pytest.raises(Trap) as caught:
        function(instance, "f").call()
    assert caught.value.code is code
    assert caught.value.backtrace == ("innermost", "middle")
    assert caught.value.function == 0
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_trap_has_the_offset_of_its_instruction_and_counts_imported_functions() -> None:
    store = ENGINE.new_store()
    binary = bytes(wat2wasm('(module (import "" "" (func)) (func nop) (func (export "f") nop nop unreachable))'))
    nothing = store.host_function(FuncType(), lambda *_: ())
    instance = store.instantiate(ENGINE.compile(binary), {("", ""): nothing})
    with pytest.raises(Trap) as caught:
        function(instance, "f").call()
    assert (caught.value.function, caught.value.offset) == (2, binary.index(b"\x01\x01\x00") + 2)
    assert caught.value.backtrace == ("function 2",)


def test_call_stack_exhausted() -> None:
    with pytest.raises(Exhaustion):
        function(instantiate('(module (func $f (export "f") call $f))'), "f").call()


def test_a_trap_leaves_the_store_usable() -> None:
    instance = instantiate('(module (func (export "bad") unreachable) (func (export "good") (result i32) i32.const 1))')
    for _ in range(3):
        with pytest.raises(Trap):
            function(instance, "bad").call()
        assert function(instance, "good").call() == (1,)


# --- linking and instantiating


def test_a_missing_import() -> None:
    with pytest.raises(LinkError, match=r"unknown import: a\.b of type \(func\)"):
        instantiate('(module (import "a" "b" (func)))')


@pytest.mark.parametrize("wanted", ["(func (param i32))", "(func (result i32))", "(memory 1)", "(table 1 funcref)"])
def test_an_import_of_another_type(wanted: str) -> None:
    store = ENGINE.new_store()
    given = store.host_function(FuncType(), lambda *_: ())
    with pytest.raises(LinkError, match=r"^incompatible import type"):
        instantiate(f'(module (import "a" "b" {wanted}))', store, {("a", "b"): given})


def test_an_import_from_another_store() -> None:
    other = ENGINE.new_store().new_global(GlobalType(I32), 1)
    with pytest.raises(LinkError, match="belongs to another store"):
        instantiate('(module (import "a" "b" (global i32)))', None, {("a", "b"): other})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ('(memory 1) (data (i32.const 65536) "a")', TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
        ("(table 1 funcref) (func $f) (elem (i32.const 1) $f)", TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS),
        ("(func $f unreachable) (start $f)", TrapCode.UNREACHABLE),
    ],
)
def test_traps_of_instantiation(fields: str, code: TrapCode) -> None:
    with pytest.raises(Trap) as caught:
        instantiate(f"(module {fields})")
    assert caught.value.code is code


def test_exceptions_of_a_start_function() -> None:
    store = ENGINE.new_store()
    error = KeyError("start")

    def fail(*_: object) -> tuple[()]:
        raise error

    with pytest.raises(KeyError) as caught:
        instantiate(
            '(module (import "" "" (func $f)) (start $f))', store, {("", ""): store.host_function(FuncType(), fail)}
        )
    assert caught.value is error


def test_limits_of_a_store() -> None:
    limits = ExecutionLimits(memory_bytes=3 * PAGE_SIZE, table_elements=10)
    store = ENGINE.new_store(limits)
    for fields in ("(memory 4)", "(table 11 funcref)"):
        with pytest.raises(LimitError):
            instantiate(f"(module {fields})", store)
    with pytest.raises(LimitError):
        store.new_memory(MemType(Limits(4)))
    with pytest.raises(LimitError):
        store.new_table(TableType(FUNCREF, Limits(11)))
    instance = instantiate(
        """(module (memory (export "m") 1) (table (export "t") 1 funcref)
             (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
             (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))""",
        store,
    )
    assert function(instance, "memory").call(3) == (0xFFFFFFFF,)
    assert function(instance, "memory").call(2) == (1,)
    assert function(instance, "table").call(10) == (0xFFFFFFFF,)
    assert function(instance, "table").call(9) == (1,)
    memory, table = cast(Memory, instance.exports["m"]), cast(Table, instance.exports["t"])
    assert (memory.grow(1), memory.grow(1 << 70), memory.grow(0)) == (-1, -1, 3)
    assert (table.grow(1, None), table.grow(1 << 70, None), table.grow(0, None)) == (-1, -1, 10)


@pytest.mark.parametrize("limits", [Limits(2, 1), Limits(-1), Limits(0, 1 << 40)])
def test_types_with_invalid_limits(limits: Limits) -> None:
    store = ENGINE.new_store()
    with pytest.raises(ValueError, match="invalid limits"):
        store.new_memory(MemType(limits))
    with pytest.raises(ValueError, match="invalid limits"):
        store.new_table(TableType(FUNCREF, limits))


# --- host functions


def test_a_host_exception_arrives_as_it_was() -> None:
    store = ENGINE.new_store()
    cause = OSError("cause")
    raised: list[BaseException] = []

    def fail(_: Caller, arguments: tuple[Any, ...]) -> tuple[()]:
        error = (ValueError("host"), KeyboardInterrupt(), StopIteration(3), Trap(TrapCode.UNREACHABLE))[arguments[0]]
        raised.append(error)
        raise error from cause

    instance = instantiate(
        """(module (import "h" "f" (func $f (param i32)))
             (func (export "f") (param i32) (call $f (local.get 0)) unreachable))""",
        store,
        {("h", "f"): store.host_function(FuncType((I32,)), fail)},
    )
    for index in range(4):
        with pytest.raises(BaseException) as caught:
            function(instance, "f").call(index)
        assert caught.value is raised[index]
        assert caught.value.__cause__ is cause
        assert caught.value.__context__ is None


def test_a_host_function_calls_back_and_sees_the_exports() -> None:
    store = ENGINE.new_store()

    def reply(caller: Caller, arguments: tuple[Any, ...]) -> tuple[int]:
        allocate, memory = cast(Func, caller.export("alloc")), cast(Memory, caller.export("memory"))
        assert caller.export("absent") is None
        text = memory.read(arguments[0], arguments[1]).upper()
        (address,) = allocate.call(len(text) + 1)
        memory.write(address, text + b"\0")
        return (address,)

    instance = instantiate(
        """(module (import "h" "reply" (func $reply (param i32 i32) (result i32)))
             (memory (export "memory") 1 20) (data (i32.const 8) "hello") (global $top (mut i32) (i32.const 65536))
             (func (export "alloc") (param i32) (result i32) (local i32)
               (drop (memory.grow (i32.const 1))) (local.set 1 (global.get $top))
               (global.set $top (i32.add (global.get $top) (local.get 0))) (local.get 1))
             (func (export "f") (result i32) (call $reply (i32.const 8) (i32.const 5))))""",
        store,
        {("h", "reply"): store.host_function(FuncType((I32, I32), (I32,)), reply)},
    )
    assert function(instance, "f").call() == (65536,)
    memory = cast(Memory, instance.exports["memory"])
    assert memory.read(65536, memory.find(0, 65536, 1 << 40) - 65536) == b"HELLO"


def test_an_inner_failure_may_be_caught_by_the_host() -> None:
    store = ENGINE.new_store()

    def attempt(caller: Caller, _: tuple[Any, ...]) -> tuple[int]:
        inner = cast(Func, caller.export("inner"))
        with pytest.raises(Trap, match="unreachable"):
            inner.call()
        return (1,)

    instance = instantiate(
        """(module (import "h" "try" (func $try (result i32))) (func (export "inner") unreachable)
             (func (export "f") (result i32) (call $try)))""",
        store,
        {("h", "try"): store.host_function(FuncType((), (I32,)), attempt)},
    )
    assert function(instance, "f").call() == (1,)


@pytest.mark.parametrize("depth", range(12))
def test_endless_mutual_recursion_exhausts_the_stack(depth: int) -> None:
    store = ENGINE.new_store()

    def again(caller: Caller, _: tuple[Any, ...]) -> tuple[Any, ...]:
        return cast(Func, caller.export("f")).call()

    instance = instantiate(
        '(module (import "h" "f" (func $f)) (func (export "f") (call $f)))',
        store,
        {("h", "f"): store.host_function(FuncType(), again)},
    )

    def start(frames: int) -> None:
        if frames:
            start(frames - 1)
        else:
            function(instance, "f").call()

    with pytest.raises(Exhaustion):
        start(depth)


CTRL_C = """(module (import "h" "f" (func $f (result i32)))
    (func (export "f") (param i32) (result i32)
      (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (call $f)))"""


LONG = 2_000_000_000
"""Rounds of the loop above, about a second: many times what passes before the signal comes, on a busy machine too."""


@pytest.fixture
def ctrl_c_in_a_moment() -> Iterator[Callable[[], None]]:
    """What starts the wait for the signal, to be called when all is ready for it to arrive."""
    before = signal.getsignal(signal.SIGINT)
    timer = Timer(0.05, signal.raise_signal, (signal.SIGINT,))
    yield timer.start
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_during_guest_code_arrives_at_the_next_host_function(ctrl_c_in_a_moment: Callable[[], None]) -> None:
    store = ENGINE.new_store()
    entered: list[bool] = []

    def enter(*_: object) -> tuple[int]:
        entered.append(True)
        return (1,)

    host = store.host_function(FuncType((), (I32,)), enter)
    instance = instantiate(CTRL_C, store, {("h", "f"): host})
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_in_a_moment()
        function(instance, "f").call(LONG)
    assert entered == []
    assert function(instance, "f").call(1) == (1,)


def test_ctrl_c_stops_a_host_function(ctrl_c_in_a_moment: Callable[[], None]) -> None:
    store = ENGINE.new_store()

    def wait(*_: object) -> tuple[int]:
        for _ in range(2000):
            time.sleep(0.01)
        return (1,)

    instance = instantiate(CTRL_C, store, {("h", "f"): store.host_function(FuncType((), (I32,)), wait)})
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_in_a_moment()
        function(instance, "f").call(1)
    assert time.monotonic() - started < 10


def test_a_handler_of_ctrl_c_that_does_not_raise_lets_the_call_go_on(ctrl_c_in_a_moment: Callable[[], None]) -> None:
    store = ENGINE.new_store()
    calls: list[int] = []
    host = store.host_function(FuncType((), (I32,)), lambda *_: (1,))
    instance = instantiate(CTRL_C, store, {("h", "f"): host})
    before = signal.signal(signal.SIGINT, lambda number, _: calls.append(number))
    try:
        ctrl_c_in_a_moment()
        assert function(instance, "f").call(LONG) == (1,)
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == [signal.SIGINT]


@pytest.mark.parametrize("returned", [None, 5, (), (1, 2), ("x",), (1.5,)])
def test_ill_typed_results_of_a_host_function(returned: Any) -> None:
    store = ENGINE.new_store()
    host = store.host_function(FuncType((), (I32,)), lambda *_: returned)
    with pytest.raises(TypeError):
        host.call()


def test_a_caller_is_empty_after_the_call() -> None:
    store = ENGINE.new_store()
    callers: list[Caller] = []

    def keep(caller: Caller, _: tuple[Any, ...]) -> tuple[()]:
        callers.append(caller)
        return ()

    instance = instantiate(
        '(module (import "h" "f" (func $f)) (memory (export "m") 1) (func (export "f") (call $f)))',
        store,
        {("h", "f"): store.host_function(FuncType(), keep)},
    )
    function(instance, "f").call()
    assert callers[0].export("m") is None
