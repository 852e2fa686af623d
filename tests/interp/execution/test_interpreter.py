"""Invocation: limits, traps with their place, host functions, and a store that stays usable after all of them."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

import gc
from typing import Any

import pytest
from support.engines import ENGINES, Guest, host_imports
from support.samples import name_map, name_section
from support.wasm import one_function, wat

from zenowasm.backends.protocol import ExecutionLimits
from zenowasm.interp.errors import Exhaustion, Trap, TrapCode, UncaughtException
from zenowasm.interp.events import Probe
from zenowasm.interp.types import I32, FuncType

RECURSION = """(module
  (func $down (export "down") (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $down i32.const 1 i32.add else i32.const 0 end)
  (func $forever (export "forever") call $forever)
  (func (export "fine") (result i32) i32.const 42))"""


# -- depth --


def test_calls_are_limited_by_depth() -> None:
    guest = Guest(wat(RECURSION), limits=ExecutionLimits(call_depth=6))
    assert guest("down", 5) == (5,)
    with pytest.raises(Exhaustion, match="call stack exhausted"):
        guest("down", 6)
    assert guest("down", 5) == (5,)


def test_calls_are_limited_by_values() -> None:
    many = '(module (func $f (export "f") (param i32) (local i64 i64 i64 i64 i64 i64 i64) local.get 0 if local.get 0 i32.const 1 i32.sub call $f end))'
    guest = Guest(wat(many), limits=ExecutionLimits(stack_values=100))
    guest("f", 5)
    with pytest.raises(Exhaustion, match="stack"):
        guest("f", 30)
    guest("f", 5)


@pytest.mark.parametrize("name", ENGINES)
def test_recursion_without_end_is_exhaustion_and_the_store_goes_on(name: str) -> None:
    guest = Guest(wat(RECURSION), name)
    for _ in range(3):
        with pytest.raises(Exhaustion):
            guest("forever")
        assert guest("fine") == (42,)


def test_deep_recursion_never_meets_pythons_limit() -> None:
    guest = Guest(wat(RECURSION), limits=ExecutionLimits(call_depth=150_000, stack_values=10_000_000))
    assert guest("down", 120_000) == (120_000,)
    with pytest.raises(Exhaustion):
        guest("forever")
    gc.collect()
    assert guest("fine") == (42,)


@pytest.mark.parametrize("opening", [b"\x02\x40", b"\x03\x40"])
def test_deep_nesting_executes(opening: bytes) -> None:
    depth = 100_000
    code = opening * depth + b"\x0b" * depth + b"\x41\x07"
    assert Guest(one_function(code, b"", b"\x7f"))("f") == (7,)


def test_a_branch_out_of_deep_nesting() -> None:
    depth = 50_000
    code = (
        b"\x02\x40" * depth + b"\x0c" + bytes((depth - 1 & 0x7F | 0x80, depth - 1 >> 7 & 0x7F | 0x80, depth - 1 >> 14))
    )
    guest = Guest(one_function(code + b"\x0b" * depth))
    guest("f")
    assert guest.store.fuel_consumed == 2


# -- traps --

TRAPS = """(module $traps
  (import "env" "back" (func $back))
  (table 4 funcref) (elem (i32.const 0) $boom $typed) (memory 1)
  (func $boom (export "boom") unreachable)
  (func $typed (param i32))
  (func $middle i32.const 1 drop call $boom)
  (func $outer (export "outer") call $middle)
  (func (export "around") call $back)
  (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "truncate") (param f32) (result i32) local.get 0 i32.trunc_f32_s)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load)
  (func (export "indirect") (param i32) local.get 0 call_indirect)
  (func (export "get") (param i32) local.get 0 table.get 0 drop)
  (func (export "fine") (result i32) i32.const 42))"""

TRAP_CALLS = [
    (("boom",), TrapCode.UNREACHABLE, b"\x00"),
    (("divide", 1, 0), TrapCode.INTEGER_DIVIDE_BY_ZERO, b"\x6d"),
    (("divide", 1 << 31, -1), TrapCode.INTEGER_OVERFLOW, b"\x6d"),
    (("truncate", float("nan")), TrapCode.INVALID_CONVERSION_TO_INTEGER, b"\xa8"),
    (("truncate", 3e10), TrapCode.INTEGER_OVERFLOW, b"\xa8"),
    (("load", 65533), TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS, b"\x28"),
    (("indirect", 4), TrapCode.UNDEFINED_ELEMENT, b"\x11"),
    (("indirect", 2), TrapCode.UNINITIALIZED_ELEMENT, b"\x11"),
    (("indirect", 1), TrapCode.INDIRECT_CALL_TYPE_MISMATCH, b"\x11"),
    (("get", 4), TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS, b"\x25"),
]


def traps_guest(name: str) -> Guest:
    return Guest(wat(TRAPS), name, imports=host_imports({"back": (FuncType(), lambda caller, _: call_back(caller))}))


def call_back(caller: Any) -> tuple[()]:
    caller.export("outer").call()
    return ()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("case", TRAP_CALLS, ids=lambda case: "-".join(map(str, case[0])))
def test_a_trap_knows_its_code_and_place(name: str, case: tuple[tuple[Any, ...], TrapCode, bytes]) -> None:
    (export, *operands), code, opcode = case
    binary, guest = wat(TRAPS), traps_guest(name)
    with pytest.raises(Trap) as caught:
        guest(export, *operands)
    trap = caught.value
    assert trap.code is code
    assert trap.function is not None
    assert trap.offset is not None
    assert binary[trap.offset : trap.offset + 1] == opcode
    assert str(trap).startswith(code.value)
    assert guest("fine") == (42,)


@pytest.mark.parametrize("name", ENGINES)
def test_a_backtrace_names_the_active_functions(name: str) -> None:
    guest = traps_guest(name)
    with pytest.raises(Trap) as caught:
        guest("outer")
    assert caught.value.backtrace[:3] == ("boom", "middle", "outer")
    assert caught.value.function == 1
    assert "boom" in str(caught.value)


INDIRECT = """(module
  (type $one (func (param i32) (result i32)))
  (table (export "table") 1 funcref) (elem (i32.const 0) $double)
  (func $double (export "double") (type $one) local.get 0 i32.const 2 i32.mul)
  (func (export "square") (type $one) local.get 0 local.get 0 i32.mul)
  (func (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "call") (param i32) (result i32) local.get 0 i32.const 0 call_indirect (type $one)))"""


@pytest.mark.parametrize("name", ENGINES)
def test_an_indirect_call_looks_at_the_table_each_time(name: str) -> None:
    guest = Guest(wat(INDIRECT), name)
    for export, expected in (("double", 10), ("square", 25), ("double", 10)):
        guest["table"].set(0, guest[export])
        assert guest("call", 5) == (expected,)
    for reference, code in (
        (guest["sum"], TrapCode.INDIRECT_CALL_TYPE_MISMATCH),
        (None, TrapCode.UNINITIALIZED_ELEMENT),
    ):
        guest["table"].set(0, reference)
        with pytest.raises(Trap) as caught:
            guest("call", 5)
        assert caught.value.code is code
    guest["table"].set(0, guest["square"])
    assert guest("call", 5) == (25,)


def test_a_backtrace_goes_on_through_the_host() -> None:
    with pytest.raises(Trap) as caught:
        traps_guest("reference")("around")
    assert caught.value.backtrace[:3] == ("boom", "middle", "outer")
    assert len(caught.value.backtrace) == 4
    assert caught.value.function == 1


def test_functions_without_names_have_numbers() -> None:
    with pytest.raises(Trap) as caught:
        Guest(one_function(b"\x00"))("f")
    assert caught.value.backtrace == ("function 0",)


def test_a_long_backtrace_is_cut() -> None:
    names = name_section((1, name_map({0: "f"})))
    endless = one_function(b"\x20\0\x45\x04\x40\0\x0b\x20\0\x41\x01\x6b\x10\0", b"\x7f") + names
    with pytest.raises(Trap) as caught:
        Guest(endless)("f", 5000)
    assert caught.value.backtrace[0] == "f"
    assert len(caught.value.backtrace) < 100


def test_what_happened_before_a_trap_stays() -> None:
    text = '(module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 0)) (func (export "f") (i32.store8 (i32.const 5) (i32.const 9)) (global.set 0 (i32.const 3)) unreachable))'
    guest = Guest(wat(text))
    with pytest.raises(Trap):
        guest("f")
    assert guest["m"].read(5, 1) == b"\x09"
    assert guest["g"].get() == 3


# -- host functions --

HOSTED = """(module
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $guest (export "guest") (param i32) (result i32)
    local.get 0 i32.const 1 i32.add call $host i32.const 100 i32.mul)
  (func (export "plain") (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
  (func (export "table") (result i32) i32.const 4 i32.const 0 call_indirect (param i32) (result i32))
  (table 1 funcref) (elem (i32.const 0) $host)
  (export "host" (func $host)))"""
ONE_TO_ONE = FuncType((I32,), (I32,))


def hosted(body: Any, name: str = "reference") -> Guest:
    return Guest(wat(HOSTED), name, imports=host_imports({"host": (ONE_TO_ONE, body)}))


@pytest.mark.parametrize("name", ENGINES)
def test_hosts_and_guests_call_each_other(name: str) -> None:
    def host(caller: Any, arguments: tuple[int]) -> tuple[int]:
        (value,) = arguments
        if value >= 4:
            return (value,)
        return tuple(caller.export("guest").call(value))  # type: ignore[return-value]

    guest = hosted(host, name)
    assert guest("guest", 0) == (4 * 100**4 & 0xFFFFFFFF,)
    assert guest("table") == (4,)
    assert guest("host", 9) == (9,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("raised", [ValueError("mine"), KeyError("x"), KeyboardInterrupt(), Trap(TrapCode.UNREACHABLE)])
def test_an_exception_of_the_host_arrives_unchanged(name: str, raised: BaseException) -> None:
    def host(caller: Any, arguments: Any) -> Any:
        raise raised

    guest = hosted(host, name)
    for export, *operands in (("guest", 1), ("table",), ("host", 3)):
        with pytest.raises(type(raised)) as caught:
            guest(export, *operands)
        assert caught.value is raised
    assert guest("plain", 2) == (6,)


@pytest.mark.parametrize("name", ENGINES)
def test_a_host_may_catch_a_guests_trap(name: str) -> None:
    def host(caller: Any, arguments: tuple[int]) -> tuple[int]:
        if arguments[0] == 0:
            raise ZeroDivisionError
        try:
            caller.export("guest").call(-1)
        except ZeroDivisionError:
            return (7,)
        raise AssertionError

    guest = hosted(host, name)
    assert guest("guest", 1) == (700,)
    assert guest("guest", 1) == (700,)


def test_hosts_inside_of_guests_inside_of_hosts_end_in_exhaustion_not_in_pythons_stack() -> None:
    guest = hosted(lambda caller, arguments: caller.export("guest").call(0))
    for _ in range(3):
        with pytest.raises(Exhaustion):
            guest("guest", 0)
        assert guest("plain", 5) == (15,)


def test_fuel_is_settled_after_traps_and_exceptions() -> None:
    def host(caller: Any, arguments: tuple[int]) -> tuple[int]:
        if arguments[0] == 1:
            raise LookupError
        return caller.export("plain").call(1)  # type: ignore[no-any-return]

    guest = hosted(host)
    consumed = []
    for operand in (5, 0, 5, 0):
        before = guest.store.fuel_consumed
        try:
            guest("guest", operand)
        except LookupError:
            assert operand == 0
        consumed.append(guest.store.fuel_consumed - before)
    # Entry, three operands, call; then const and mul; inside of it entry, get, const and mul of the other.
    assert consumed == [5 + 2 + 4, 5, 5 + 2 + 4, 5]


@pytest.mark.parametrize("name", ENGINES)
def test_a_host_sees_the_fuel_consumed_so_far(name: str) -> None:
    seen: list[int] = []

    def host(caller: Any, arguments: tuple[int]) -> tuple[int]:
        seen.append(guest.store.fuel_consumed)
        if arguments[0] < 3:
            caller.export("guest").call(arguments[0])
            seen.append(guest.store.fuel_consumed)
        return (1,)

    guest = hosted(host, name)
    guest("guest", 0)
    seen.append(guest.store.fuel_consumed)
    assert seen == [5, 10, 15, 17, 19, 21]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("results", [(), (1, 2), ("one",), (1.5,), (1 << 40,)])
def test_results_of_a_host_must_fit(name: str, results: tuple[Any, ...]) -> None:
    guest = hosted(lambda caller, arguments: results, name)
    with pytest.raises((TypeError, ValueError)):
        guest("guest", 0)
    assert guest("plain", 2) == (6,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("operands", [(), (1, 2), ("one",), (None,), (1 << 32,), (-(1 << 31) - 1,), (0.5,)])
def test_arguments_must_fit(name: str, operands: tuple[Any, ...]) -> None:
    guest = hosted(lambda caller, arguments: arguments, name)
    with pytest.raises((TypeError, ValueError)):
        guest("plain", *operands)
    assert guest("plain", -1) == (0xFFFFFFFD,)


# -- probes --


class Stop(Exception):
    pass


class StopAfter(Probe):
    def __init__(self, count: int) -> None:
        self.count = count
        self.unwinding: list[int] = []

    def before_instruction(self, execution: Any) -> None:
        if self.count == 0:
            raise Stop
        self.count -= 1

    def before_unwinding(self, execution: Any, error: Exception) -> None:
        self.unwinding.append(len(list(execution.frames())))


def test_an_exception_of_a_probe_ends_the_execution_and_the_store_goes_on() -> None:
    guest = Guest(wat(RECURSION))
    for count in range(30):
        guest.store.probe = StopAfter(count)
        with pytest.raises(Stop):
            guest("down", 10)
        guest.store.probe = None
        assert guest("down", 3) == (3,)


def test_a_probe_sees_the_frames_of_a_trap() -> None:
    guest = traps_guest("reference")
    guest.store.probe = probe = StopAfter(1000)
    with pytest.raises(Trap):
        guest("outer")
    assert probe.unwinding == [3]


# -- exceptions of guests that a host function called --

TAIL_CALLS = {
    "return_call": "(return_call $h (local.get 0))",
    "return_call_indirect": "(return_call_indirect (type $i) (local.get 0) (i32.const 0))",
    "return_call_ref": "(return_call_ref $i (local.get 0) (ref.func $h))",
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("tail_call", TAIL_CALLS)
def test_an_exception_of_a_tail_called_host_function_goes_on_in_the_caller(tail_call: str, name: str) -> None:
    """The frame that was replaced does not catch it, whatever block the tail call stands in."""
    binary = wat(f"""(module (tag $e (param i32)) (type $i (func (param i32) (result i32)))
      (import "env" "h" (func $h (type $i))) (table funcref (elem $h))
      (func (export "throw") (param i32) local.get 0 throw $e)
      (func $tail (export "uncaught") (type $i) i32.const 11 block try_table (catch_all 0) {TAIL_CALLS[tail_call]} end end drop i32.const 22)
      (func (export "caught") (type $i) block (result i32) try_table (result i32) (catch $e 0) local.get 0 call $tail end end))""")

    def host(caller: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        if arguments[0]:
            caller.export("throw").call(*arguments)
        return (7,)

    guest = Guest(binary, name, imports=host_imports({"h": (FuncType((I32,), (I32,)), host)}))
    assert (guest("caught", 0), guest("caught", 33)) == ((7,), (33,))
    with pytest.raises(UncaughtException):
        guest("uncaught", 33)
    assert guest("uncaught", 0) == (7,)
