"""Questions about a whole replay: the answers are compared with the trace of all positions."""

from __future__ import annotations

import json

import pytest
from support.debugged import c_at
from support.wasm import wat

from zenowasm.backends.protocol import FuncType
from zenowasm.debugger import DebuggerError, DebuggerQuit, Reason, Resume
from zenowasm.debugger.expressions import number
from zenowasm.debugger.stepping import Action
from zenowasm.interp.types import I32

WRITING = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $last (mut i32) (i32.const 0))
  (func $half (param $n i32) (result i32)
    (global.set $last (local.get $n))
    (if (i32.eqz (local.get $n)) (then (return (i32.const 5))))
    (i32.shr_u (local.get $n) (i32.const 1)))
  (func $boom (export "boom") (drop (call $half (i32.const 9))) (unreachable))
  (func $run (export "run") (param $n i32)
    (loop $l
      (i32.store offset=12 (i32.const 4) (call $half (local.get $n)))
      (i64.store (i32.const 12) (i64.const 7))
      (i32.store8 (i32.const 15) (i32.const 7))
      (i32.store8 (i32.const 20) (i32.const 7))
      (memory.fill (i32.const 18) (local.get $n) (i32.const 2))
      (drop (call $ask (local.get $n)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""


@pytest.fixture
def writing(record):
    def ask(caller, given):
        caller.export("memory").write(17, b"\1")
        return (0,)

    return record(wat(WRITING), [("run", (3,)), ("boom", ()), ("run", (2,))], {"ask": (FuncType((I32,), (I32,)), ask)})


def asked(recorded, text, at=None):
    """Ask at the beginning, or at a position; return the answer."""
    stops = []

    def lead(session, stop, time, machine):
        stops.append((stop.reason, time))
        if at is not None and len(stops) == 1:
            machine.go_to(at)
        if machine.answers:
            return Resume(Action.QUIT)
        return Resume(Action.ASK, question=machine.question(text))

    machine = recorded.travel(lead, expected=DebuggerQuit)
    assert stops[-1] == (Reason.TIME, stops[-2][1])  # one is where one has asked
    return machine.answers[0]


def at(trace, function, *pcs):
    return [it for it in trace if it.function == function and it.pc in pcs]


def test_all_writes_of_bytes_also_those_that_change_nothing(writing):
    # The instructions of ``run`` that write to 16 to 19: two stores, one that reaches in, a fill, and the host's.
    trace = writing.trace(lambda session: number(session.evaluate("$u32[16]")))
    writers = [it for it in trace if it.function == "run" and it.pc in (4, 7, 17, 19)]
    answer = asked(writing, "who wrote $u32[16]")
    assert [row["time"] for row in answer.rows] == [it.time.fuel for it in writers]
    after = {it.time: trace[trace.index(it) + 1].looked for it in writers if it.pc != 4}
    assert {str(it) for it in after.values()} <= {row["what"].split()[2].rstrip(",") for row in answer.rows}
    assert json.loads(json.dumps(answer.json()))["question"] == "who wrote $u32[16]"


def test_all_writes_of_a_global(writing):
    trace = writing.trace()
    answer = asked(writing, "who wrote $globals[0]")
    assert [row["time"] for row in answer.rows] == [it.time.fuel for it in at(trace, "half", 1)]
    assert [row["what"] for row in answer.rows][:2] == [
        "$globals[0] = 3, before 0",
        "$globals[0] = 2, before 3",
    ]


def test_calls_with_arguments_and_results(writing):
    trace = writing.trace()
    entries = [it for it in trace if it.function == "half" and it.pc == 0]
    answer = asked(writing, "calls half")
    assert [row["time"] for row in answer.rows] == [it.time.fuel for it in entries]
    assert [row["what"] for row in answer.rows] == [
        "half(3) returned 1",
        "half(2) returned 1",
        "half(1) returned 0",
        "half(9) returned 4",
        "half(2) returned 1",
        "half(1) returned 0",
    ]
    assert [row["what"] for row in asked(writing, "calls boom").rows] == ["boom() did not return"]


def test_values_at_a_place(writing):
    trace = writing.trace(lambda session: session.local("n").text if session.frame().function == "half" else None)
    here = at(trace, "half", 6)
    answer = asked(writing, "values $n at half+6")
    assert [(row["time"], row["what"]) for row in answer.rows] == [(it.time.fuel, f"$n = {it.looked}") for it in here]


def test_values_and_truth_by_source_lines(record):
    recorded = record(c_at("-O0").read_bytes(), [("run", (3,))])
    trace = recorded.trace()
    at_18 = [it for it in trace if it.begins is not None and it.begins.line == 18]
    assert at_18
    answer = asked(recorded, "values i at records.c:18")
    assert {row["line"].rpartition(":")[2] for row in answer.rows} == {"18"}
    assert [int(row["what"].split()[2]) for row in answer.rows] == list(range(len(answer.rows)))
    (first, *_) = asked(recorded, "when i == 2", at=at_18[0].time).rows
    values = [row["time"] for row in answer.rows if row["what"] == "i = 2"]
    assert first["time"] <= values[0]
    assert first["what"] == "i == 2 became true"


def test_what_differs_between_two_times(writing):
    trace = writing.trace(lambda session: session.memory("0", 32)[1])
    one, other = trace[10], trace[-1]
    answer = asked(writing, f"diff {one.time} {other.time}")
    differing = {n for n in range(32) if one.looked[n] != other.looked[n]}
    (row,) = [it for it in answer.rows if it["place"].startswith("memory")]
    start = int(row["place"].split()[2].rstrip(","), 16)
    pairs = zip(row["before"].split(), row["after"].split(), strict=True)
    assert {start + n for n, (before, after) in enumerate(pairs) if before != after} == differing
    assert asked(writing, f"diff {one.time} {one.time}").lines == ["no difference"]
    assert asked(writing, f"diff {one.time} 999999").lines == ["the replay ends before one of the times"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("who", "expected a question"),
        ("who is it", "expected `who wrote PLACE`"),
        ("who wrote $n", "a local of one call"),
        ("who wrote $u8[99999999]", "outside|out of|not inside"),
        ("calls halve", "did you mean half"),
        ("values n", "expected `values EXPRESSION at LOCATION`"),
        ("values n + at half", "cannot read the expression"),
        ("when nothing > 3", "nothing"),
        ("diff 1", "expected `diff TIME TIME`"),
        ("diff 1 x", "expected `diff TIME TIME`"),
        ("why", "expected a question"),
    ],
)
def test_a_question_that_cannot_be_understood(writing, text, problem):
    def lead(session, stop, time, machine):
        with pytest.raises(DebuggerError, match=problem):
            machine.question(text)
        return Resume(Action.QUIT)

    writing.travel(lead, expected=DebuggerQuit)


@pytest.mark.parametrize("memory_type", ["", "i64"])
def test_writes_by_segments_vectors_and_copies(record, memory_type):
    p = memory_type or "i32"
    text = f"""(module (memory {memory_type} 1) (data $d "abcdef")
      (func (export "run")
        (memory.init $d ({p}.const 13) (i32.const 0) (i32.const 4))
        (memory.init $d ({p}.const 12) (i32.const 0) (i32.const 4))
        (v128.store ({p}.const 1) (i64x2.splat (i64.const 0)))
        (v128.store ({p}.const 0) (i64x2.splat (i64.const 0)))
        (v128.store8_lane 3 ({p}.const 16) (i32x4.splat (i32.const 1)))
        (memory.copy ({p}.const 15) ({p}.const 40) ({p}.const 2))
        (memory.copy ({p}.const 40) ({p}.const 16) ({p}.const 2))))"""
    recorded = record(wat(text), [("run", ())])
    writers = [it for it in recorded.trace() if it.function == "run" and it.pc in (3, 11, 19, 23)]
    assert [row["time"] for row in asked(recorded, "who wrote $u8[16]").rows] == [it.time.fuel for it in writers]


def test_a_store_that_traps_writes_nothing(record):
    text = """(module (memory 1)
      (func (export "trap") (i32.store (i32.const 65533) (i32.const 1)))
      (func (export "run") (i32.store8 (i32.const 0) (i32.const 1))))"""
    recorded = record(wat(text), [("trap", ()), ("run", ())])
    assert asked(recorded, "who wrote $u8[65534]").rows == []


def test_calls_that_leave_by_a_branch_or_a_tail_call(record):
    text = """(module
      (func $leave (param i32) (result i32)
        (drop (br_if 0 (i32.const 1) (local.get 0)))
        (br_table 0 0 (i32.const 2) (local.get 0)))
      (func $tail (param i32) (result i32) (return_call $leave (local.get 0)))
      (func (export "run") (result i32)
        (i32.add (call $leave (i32.const 0)) (i32.add (call $leave (i32.const 1)) (call $tail (i32.const 0))))))"""
    recorded = record(wat(text), [("run", ())])
    assert [row["what"] for row in asked(recorded, "calls leave").rows] == [
        "leave(0) returned 2",
        "leave(1) returned 1",
        "leave(0) returned 2",
    ]


def test_equal_references_do_not_differ(record):
    text = """(module (type $s (struct (field i32)))
      (global $g (mut (ref null $s)) (ref.null $s)) (table 1 (ref null $s)) (global $f (mut f64) (f64.const nan))
      (func (export "run")
        (global.set $g (struct.new $s (i32.const 1))) (table.set (i32.const 0) (global.get $g))
        (nop) (drop (i32.const 1)) (drop (i32.const 1)) (drop (i32.const 1))))"""
    recorded = record(wat(text), [("run", ())])
    times = [it.time for it in recorded.trace()]
    assert asked(recorded, f"diff {times[-6]} {times[-1]}").lines == ["no difference"]
    changed = asked(recorded, f"diff {times[0]} {times[-1]}")
    assert [row["place"] for row in changed.rows] == ["global 0", "table 0[0]"]
