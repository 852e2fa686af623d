"""Watchpoints: they stop right after whatever changed the value, and only then."""

from __future__ import annotations

import pytest
from support.engines import Guest, host_imports
from support.wasm import wat

from zenowasm.debugger import Action, DebuggerError, Resume, Session, Stop
from zenowasm.interp.types import I32, FuncType

MEMORY = """
(module
  (import "env" "poke" (func $poke (param i32)))
  (memory (export "memory") 1)
  (table $table 4 funcref)
  (elem declare func $run)
  (global $count (mut i32) (i32.const 5))
  (data $bytes "\\01\\02\\03\\04\\05\\06\\07\\08")
  (func $run (export "run") (param $x i32) (local $f f64)
    (i32.store (i32.const 64) (i32.const 7))                                   ;; 0 1 2
    (i32.store (i32.const 72) (i32.const 9))                                   ;; 3 4 5, beside it
    (i32.store8 (i32.const 67) (i32.const 1))                                  ;; 6 7 8
    (memory.fill (i32.const 60) (i32.const 3) (i32.const 8))                   ;; 9 10 11 12
    (memory.init $bytes (i32.const 64) (i32.const 0) (i32.const 8))            ;; 13 14 15 16
    (memory.copy (i32.const 64) (i32.const 68) (i32.const 4))                  ;; 17 18 19 20
    (call $poke (i32.const 64))                                                ;; 21 22
    (v128.store (i32.const 56) (v128.const i64x2 1 2))                         ;; 23 24 25
    (global.set $count (i32.add (global.get $count) (i32.const 1)))            ;; 26 27 28 29
    (local.set $x (i32.add (local.get $x) (i32.const 1)))                      ;; 30 31 32 33
    (local.set $f (f64.const nan))                                             ;; 34 35
    (local.set $f (f64.const nan))                                             ;; 36 37
    (table.set $table (i32.const 1) (ref.func $run))                           ;; 38 39 40
    (table.fill $table (i32.const 0) (ref.null func) (i32.const 3)))           ;; 41 42 43 44
  (func $outer (export "outer") (call $run (i32.const 1)) nop nop))
"""


class Watcher:
    """A front that watches one expression from the first stop, and records the changes and where they were seen."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.changes: list[tuple[str, str | None, str, int]] = []
        self.started = False

    def stopped(self, session: Session, stop: Stop) -> Resume:
        if not self.started:
            self.started = True
            session.add_watchpoint(self.expression)
        view = session.frame()
        self.changes += [(it.old, it.new, view.function, view.pc) for it in stop.changes]
        return Resume(Action.CONTINUE)

    def logged(self, session: Session, text: str) -> None:
        raise AssertionError(text)


def watched(expression: str, export: str = "run") -> list[tuple[str, str | None, str, int]]:
    """Watch an expression from the start of ``run``; return each change, and the next instruction."""

    def poke(caller, arguments):
        caller.export("memory").write(arguments[0], b"\xff")
        return ()

    front = Watcher(expression)
    session = Session(front)
    session.add_breakpoint("run")
    guest = Guest(wat(MEMORY), imports=host_imports({"poke": (FuncType((I32,), ()), poke)}))
    session.attach("guest", guest.store)
    guest(export, *([1] if export == "run" else []))
    return front.changes


def test_bytes_of_memory_are_watched_whatever_writes_to_them() -> None:
    # A store beside them does not count; other stores, bulk operations, vectors and the host's writes do.
    found = watched("$u32[64]")
    assert [pc for *_, pc in found] == [3, 9, 13, 17, 21, 23, 26]
    # What memory.fill, memory.init, memory.copy, the host and v128.store leave there, by the specification.
    assert [int(new or 0) for _, new, *_ in found] == [
        7,
        0x01000007,
        0x03030303,
        0x04030201,
        0x08070605,
        0x080706FF,
        2,
    ]


def test_a_global_a_local_and_an_element_are_watched() -> None:
    assert watched("$globals[0]") == [("5", "6", "run", 30)]
    assert watched("$x") == [("1", "2", "run", 34)]
    assert watched("$tables[0][1]") == [("null", "run", "run", 41), ("run", "null", "run", 45)]


def test_a_value_that_is_set_but_stays_the_same_is_no_change() -> None:
    assert watched("$f") == [("0.0", "nan", "run", 36)]


def test_a_watchpoint_on_a_local_ends_with_its_call() -> None:
    assert watched("$x", "outer") == [("1", "2", "run", 34), ("2", None, "outer", 2)]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$u32[65533]", "not inside the memory"),
        ("$u8[-1]", "not inside the memory"),
        ("$globals[1]", "there is no global 1: expected 0 to 0"),
        ("$tables[0]", r"\$tables\[0\] is a list"),
        ("$tables[0][4]", "has 4 elements"),
        ("$x + 1", "only a place can be watched"),
        ("nothing", "there is no variable nothing"),
    ],
)
def test_what_cannot_be_watched(expression, message) -> None:
    with pytest.raises(DebuggerError, match=message):
        watched(expression)


def test_any_number_of_bytes_is_watched() -> None:
    class Front:
        seen: list[str]

        def stopped(self, session: Session, stop: Stop) -> Resume:
            if not stop.changes:
                session.watch_memory(66, 3)
            self.seen += [f"{it.watchpoint.expression}: {it.old} -> {it.new}" for it in stop.changes]
            return Resume(Action.CONTINUE)

    front = Front()
    front.seen = []
    session = Session(front, stop_at_start=True)
    guest = Guest(wat(MEMORY), imports=host_imports({"poke": (FuncType((I32,)), lambda caller, given: ())}))
    session.attach("guest", guest.store)
    guest("run", 1)
    # 1 at 67; 60 to 67 filled with 3; 64 to 71 become 1 to 8; 68 to 71 copied to 64; two numbers 1 and 2 from 56 on
    assert front.seen == [
        "3 bytes at 0x42: 00 00 00 -> 00 01 00",
        "3 bytes at 0x42: 00 01 00 -> 03 03 00",
        "3 bytes at 0x42: 03 03 00 -> 03 04 05",
        "3 bytes at 0x42: 03 04 05 -> 07 08 05",
        "3 bytes at 0x42: 07 08 05 -> 00 00 00",
    ]


@pytest.mark.parametrize(
    ("address", "length", "message"),
    [
        (0xFFFF, 2, "the 2 bytes at 0xffff are not inside the memory of 0x10000 bytes"),
        (-1, 1, "the 1 bytes at 0x-1 are not inside"),
        (0, 0, "from 1 to 65536 bytes can be watched, not 0"),
        (0, 65537, "from 1 to 65536 bytes can be watched, not 65537"),
    ],
)
def test_bytes_that_cannot_be_watched(address, length, message) -> None:
    class Front:
        error = ""

        def stopped(self, session: Session, stop: Stop) -> Resume:
            with pytest.raises(DebuggerError) as caught:
                session.watch_memory(address, length)
            self.error = str(caught.value)
            return Resume(Action.CONTINUE)

    front = Front()
    session = Session(front, stop_at_start=True)
    guest = Guest(wat('(module (memory 1) (func (export "run")))'))
    session.attach("guest", guest.store)
    guest("run")
    assert message in front.error
