"""A value is followed back through everything that moves it, to what made it."""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.backends.protocol import FuncType
from zenowasm.debugger import DebuggerError, DebuggerQuit, Reason, Resume
from zenowasm.debugger.stepping import Action
from zenowasm.interp.types import I32

MOVING = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (import "env" "put" (func $put))
  (memory (export "memory") 1)
  (table funcref (elem $two))
  (global $kept (mut i32) (i32.const 11))
  (func $two (param $x i32) (param $y i32) (result i32 i32) (local.get $y) (local.get $x))
  (func $made (result i32) (i32.add (i32.const 40) (i32.const 2)))
  (func (export "run") (param $given i32) (local $a i32) (local $b i32) (local $c i64)
    (i32.store (i32.const 100) (call $made))
    (memory.copy (i32.const 200) (i32.const 98) (i32.const 8))
    (local.set $a (i32.load (i32.const 202)))
    (global.set $kept (local.tee $b (select (local.get $a) (i32.const 7) (i32.const 1))))
    (call_indirect (param i32 i32) (result i32 i32) (i32.const 5) (global.get $kept) (i32.const 0))
    (drop)
    (local.set $b)
    (local.set $a (call $ask (local.get $given)))
    (memory.fill (i32.const 300) (i32.const 9) (i32.const 4))
    (call $put)
    (i64.store (i32.const 500) (i64.const 77))
    (local.set $c (i64.load32_u (i32.const 500)))
    (i32.store (i32.const 600) (block (result i32) (br 0 (local.get $given))))
    (nop)))"""


@pytest.fixture
def moving(record):
    functions = {
        "ask": (FuncType((I32,), (I32,)), lambda caller, given: (given[0] * 2,)),
        "put": (FuncType((), ()), lambda caller, given: caller.export("memory").write(400, b"\1\2\3\4") or ()),
    }
    return record(wat(MOVING), [("run", (3,))], functions)


def origin(recorded, place):
    """Ask before the last instruction of ``run``; return the lines without times and places."""

    def lead(session, stop, time, machine):
        if machine.answers:
            return Resume(Action.QUIT)
        if stop.reason is Reason.END:
            return Resume(Action.STEP_BACK, count=2)
        if time.fuel == 1:
            return Resume(Action.CONTINUE)
        return Resume(Action.ASK, question=machine.question(f"origin {place}"))

    (answer,) = recorded.travel(lead, expected=DebuggerQuit).answers
    return [line.partition(": ")[2].partition(" in ")[0] if ": " in line else line for line in answer.lines]


STACK = "taken from the operand stack"


def test_through_a_call_memory_a_copy_locals_a_selection_a_global_and_an_indirect_call(moving):
    assert origin(moving, "$b") == [
        STACK,  # local.set $b
        "the result of a call",  # call_indirect, whose first result is $y
        "copied from local 1",
        "the argument 1",
        "copied from a global",
        STACK,  # global.set
        STACK,  # local.tee
        STACK,  # select
        "copied from local 1",
        STACK,  # local.set $a
        "copied from 4 bytes at 0xca",
        "copied from 4 bytes at 0x64",  # of eight that memory.copy copied, those from 98 + 2
        STACK,  # i32.store
        "the result of a call",
        "made by i32.add",
    ]


def test_to_a_host_call(moving):
    assert origin(moving, "$a") == [STACK, "the result of a call"]
    assert origin(moving, "$u8[402]") == ["written by the host"]


def test_to_an_argument_of_the_host(moving):
    assert origin(moving, "$given") == ["the argument 0"]


def test_to_constants(moving):
    assert origin(moving, "$c") == [STACK, "copied from 4 bytes at 0x1f4", STACK, "the constant of i64.const 77"]
    assert origin(moving, "$u8[303]") == [STACK, "the constant of i32.const 9"]


def test_to_the_beginning(moving):
    assert origin(moving, "$u8[0]") == ["as it was when the recorded run began"]


def test_what_a_branch_carries_was_made_before_it(moving):
    assert origin(moving, "$u32[600]") == [STACK, "copied from local 0", "the argument 0"]


@pytest.mark.parametrize("place", ["1 + 2", "$tables[0][0]", "nothing"])
def test_what_has_no_origin(moving, place):
    def lead(session, stop, time, machine):
        with pytest.raises(DebuggerError):
            machine.question(f"origin {place}")
        return Resume(Action.QUIT)

    moving.travel(lead, expected=DebuggerQuit)
