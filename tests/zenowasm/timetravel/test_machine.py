"""Every way back is compared with the trace of all positions, which single steps give."""

from __future__ import annotations

from random import Random

import pytest
from support.debugged import c_at
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import FuncType
from zenowasm.debugger import DebuggerError, DebuggerQuit, Reason, Resume
from zenowasm.debugger.expressions import number
from zenowasm.debugger.stepping import Action
from zenowasm.interp.types import I32
from zenowasm.recordings.errors import DivergenceError
from zenowasm.recordings.recorder import Recorder
from zenowasm.timetravel import HistoryLimits

CALLING = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func $fib (param i32) (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $back (export "back") (param i32) (result i32)
    (i32.store (i32.const 64) (local.get 0)) (call $fib (i32.const 4)))
  (func $run (export "run") (param i32) (result i32) (local i32)
    (loop $l
      (i32.store (i32.const 16) (call $fib (i32.const 5)))
      (local.set 1 (i32.add (local.get 1) (call $ask (local.get 0))))
      (memory.fill (i32.const 80) (local.get 0) (i32.const 9))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""


def ask(caller, given):
    if given[0] % 2:
        caller.export("back").call(given[0])
    caller.export("memory").write(100 + given[0], b"xy")
    return (given[0] * 3,)


@pytest.fixture
def calling(record):
    return record(wat(CALLING), [("run", (n,)) for n in (1, 3, 2)], {"ask": (FuncType((I32,), (I32,)), ask)})


@pytest.fixture
def lines(record):
    return record(c_at("-O0").read_bytes(), [("run", (3,)), ("run", (2,))])


def depth(at) -> int:
    return at.time.depth


def previous(trace, i):
    return i - 1


def previous_outside(trace, i):
    return next((j for j in range(i - 1, -1, -1) if depth(trace[j]) <= depth(trace[i])), -1)


def caller(trace, i):
    entry = next(j for j in range(i + 1) if trace[j].frame is trace[i].frame)
    return entry if depth(trace[i]) == 1 else entry - 1


def line_begins(trace, most):
    """Return the positions at which steps by line stop, in calls that are not deeper than ``most``."""
    found, before = [], None
    for j, at in enumerate(trace):
        if at.begins is None or depth(at) > most:
            continue
        line = (at.frame, at.begins.file, at.begins.line)
        if before is None or before[0] is not line[0] or before[1:] != line[1:]:
            found.append(j)
        before = line
    return found


def line(trace, i):
    if not line_begins(trace, 1 << 30):
        return previous(trace, i)
    return max((j for j in line_begins(trace, 1 << 30) if j < i), default=-1)


def line_outside(trace, i):
    if not line_begins(trace, 1 << 30):
        return previous_outside(trace, i)
    return max((j for j in line_begins(trace, depth(trace[i])) if j < i), default=-1)


def journeys(recorded, trace, action, origins, prepare=lambda session: None):
    """Go to each origin and from there by the action; return where one arrives, as positions or -1, and why.

    ``prepare`` is called at the first origin, for breakpoints.
    """
    at = {it.time: j for j, it in enumerate(trace)}
    waiting, arrived, reasons = list(origins), [], []
    going = False

    def lead(session, stop, time, machine):
        nonlocal going
        if going:
            reasons.append(stop.reason)
            arrived.append(-1 if stop.reason is Reason.BEGINNING else at[time.before])
            digest = trace[arrived[-1]].digest
            if stop.reason is not Reason.BEGINNING and not time.during and digest is not None:
                assert machine.digest() == digest
        going = False
        if not waiting:
            return Resume(Action.QUIT)
        if time == trace[waiting[0]].time:
            if len(waiting) == len(origins):
                prepare(session)
            waiting.pop(0)
            going = True
            return Resume(action)
        machine.go_to(trace[waiting[0]].time)

    with pytest.raises(DebuggerQuit):
        recorded.travel(lead)
    return arrived, reasons


def chosen(trace, seed, count=40):
    return [0, 1, len(trace) - 1, *Random(seed).sample(range(len(trace)), count)]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.STEP_BACK, previous),
        (Action.NEXT_BACK, previous_outside),
        (Action.FINISH_BACK, caller),
        (Action.STEP_LINE_BACK, line),
        (Action.NEXT_LINE_BACK, line_outside),
    ],
)
@pytest.mark.parametrize("program", ["calling", "lines"])
def test_a_way_back_ends_where_the_trace_says(program, action, expected, request):
    recorded = request.getfixturevalue(program)
    trace = recorded.trace()
    origins = chosen(trace, action.value)
    arrived, _ = journeys(recorded, trace, action, origins)
    assert arrived == [expected(trace, i) for i in origins]


def last(trace, i, holds):
    return max((j for j in range(i) if holds(j)), default=-1)


def at_entry(trace, j):
    return trace[j].pc == 0 and all(it.frame is not trace[j].frame for it in trace[max(j - 200, 0) : j])


@pytest.mark.parametrize(
    ("location", "condition", "holds"),
    [
        ("fib", None, lambda trace, j: trace[j].function == "fib" and trace[j].pc == 0),
        ("fib+5", None, lambda trace, j: trace[j].function == "fib" and trace[j].pc == 5),
        ("fib+5", "$0 == 3", lambda trace, j: (trace[j].function, trace[j].pc, trace[j].looked) == ("fib", 5, "i32 3")),
        ("host:env.ask", None, lambda trace, j: trace[j].function == "run" and trace[j].pc == 7),
    ],
)
def test_back_to_a_breakpoint(calling, location, condition, holds):
    trace = calling.trace(lambda session: f"{(it := session.local('0')).type} {it.text}")
    origins = chosen(trace, location)
    assert {trace[j].pc for j in range(len(trace)) if trace[j].function == "run"} >= {7}

    arrived, reasons = journeys(
        calling, trace, Action.CONTINUE_BACK, origins, lambda session: session.add_breakpoint(location, condition)
    )
    assert arrived == [last(trace, i, lambda j: holds(trace, j)) for i in origins]
    assert set(reasons) == {Reason.BREAKPOINT, Reason.BEGINNING}


@pytest.mark.parametrize("watched", ["$u32[16]", "$globals[0]", "$u8[101]", "$u8[84]"])
def test_back_to_who_wrote(calling, watched):
    trace = calling.trace(lambda session: str(number(session.evaluate(watched))))
    origins = chosen(trace, watched)
    arrived, reasons = journeys(
        calling, trace, Action.CONTINUE_BACK, origins, lambda session: session.add_watchpoint(watched)
    )
    assert arrived == [last(trace, i, lambda j: trace[j].looked != trace[j + 1].looked) for i in origins]
    assert set(reasons) == {Reason.WATCHPOINT, Reason.BEGINNING}


def test_back_to_who_wrote_a_local_or_to_where_its_call_began(calling):
    trace = calling.trace(lambda session: session.local("0").text)
    # In the second call of ``run``, before and after the local that counts down has changed.
    run = [j for j, it in enumerate(trace) if it.function == "run" and it.frame is not trace[0].frame]
    frame = trace[run[0]].frame
    mine = [j for j in run if trace[j].frame is frame]
    written = [j for j in mine if j + 1 in mine and trace[j].looked != trace[j + 1].looked]
    assert len(written) == 3
    ways = {mine[-1]: written[2], written[1] + 1: written[1], written[0] + 1: written[0], written[0]: mine[0]}
    for origin, expected in ways.items():
        arrived, _ = journeys(
            calling, trace, Action.CONTINUE_BACK, [origin], lambda session: session.add_watchpoint("$0")
        )
        assert arrived == [expected]


TRAPPING = """(module (memory 1)
  (func (export "run") (param i32) (result i32)
    (i32.store (i32.const 8) (local.get 0)) (i32.load (local.get 0))))"""


def test_back_from_the_end_to_a_trap_and_to_who_wrote(record):
    recorded = record(wat(TRAPPING), [("run", (4,)), ("run", (70000,)), ("run", (8,))])
    seen = []

    def lead(session, stop, time, machine):
        seen.append((stop.reason, None if time is None else (session.frame().pc, time.during)))
        if stop.reason is Reason.TRAP and len(seen) > 2:
            assert "out of bounds" in str(stop.error)
            session.add_watchpoint("$u32[8]")
        goes_on = len(seen) < 3 and stop.reason is not Reason.END
        return Resume(Action.CONTINUE if goes_on else Action.CONTINUE_BACK if len(seen) < 6 else Action.QUIT)

    with pytest.raises(DebuggerQuit):
        recorded.travel(lead)
    assert seen == [
        (Reason.STEP, (0, 0)),
        (Reason.TRAP, (4, 1)),
        (Reason.END, None),
        (Reason.TRAP, (4, 1)),
        (Reason.WATCHPOINT, (2, 0)),
        (Reason.WATCHPOINT, (2, 0)),
    ]


@pytest.mark.parametrize("program", ["calling", "lines"])
def test_a_time_is_the_instruction_that_consumes_that_unit(program, request):
    recorded = request.getfixturevalue(program)
    trace = recorded.trace()
    times = Random(7).sample(range(trace[-1].time.fuel), 30)
    arrived = []

    def lead(session, stop, time, machine):
        if stop.reason is Reason.TIME:
            arrived.append(time)
        return Resume(Action.GO_TO, place=str(times[len(arrived)])) if len(arrived) < 30 else Resume(Action.QUIT)

    with pytest.raises(DebuggerQuit):
        recorded.travel(lead)
    for wanted, found in zip(times, arrived, strict=True):
        at_least = next(it.time.fuel for it in trace if it.time.fuel >= wanted)
        assert found == [it.time for it in trace if it.time.fuel == at_least][-1]


def test_the_time_after_the_end_is_the_end(lines):
    reasons = []

    def lead(session, stop, time, machine):
        reasons.append(stop.reason)
        return Resume(Action.GO_TO, place="1000000000") if len(reasons) == 1 else Resume(Action.CONTINUE)

    lines.travel(lead)
    assert reasons == [Reason.STEP, Reason.END]


def test_a_search_that_is_interrupted_stays_where_it_began(calling):
    trace = calling.trace()
    stops = []

    def lead(session, stop, time, machine):
        stops.append((stop.reason, time))
        if len(stops) == 1:
            machine.go_to(trace[-1].time)
        if len(stops) == 2:
            session.interrupted = True
            session.add_breakpoint("run")
            return Resume(Action.CONTINUE_BACK)
        return Resume(Action.QUIT)

    with pytest.raises(DebuggerQuit):
        calling.travel(lead)
    assert stops[1:] == [(Reason.TIME, trace[-1].time), (Reason.PAUSE, trace[-1].time)]


@pytest.mark.parametrize("program", ["calling", "lines"])
def test_the_state_is_the_same_whichever_way_one_comes(program, request):
    recorded = request.getfixturevalue(program)
    trace = recorded.trace()
    hashed = [it for it in trace if it.digest is not None]
    ways = Random(3).sample(hashed, min(len(hashed), 30))
    checked = []

    def lead(session, stop, time, machine):
        if stop.reason is Reason.TIME:
            expected = ways[len(checked)]
            assert (time, machine.digest()) == (expected.time, expected.digest)
            checked.append(time)
        if len(checked) == len(ways):
            return Resume(Action.QUIT)
        machine.go_to(ways[len(checked)].time)

    with pytest.raises(DebuggerQuit):
        recorded.travel(lead)
    assert len(checked) == len(ways) > 20


def test_a_change_begins_a_branch_and_going_back_leaves_it(calling):
    trace = calling.trace(lambda session: session.local("0").text)
    # Where the loop of the second call tests its counter, before it is the last round.
    changed = [j for j, it in enumerate(trace) if it.function == "run" and it.looked == "3"][4]
    seen = []

    def lead(session, stop, time, machine):
        seen.append((stop.reason, time, None if time is None else session.local("0").text))
        match len(seen):
            case 1:
                machine.go_to(trace[changed].time)
            case 2:
                session.assign("$0", "1")
                session.assign("$globals[0]", "77")
                return Resume(Action.STEP)
            case 3:  # on the branch, whose root is the changed state
                return Resume(Action.STEP_BACK)
            case 4:
                assert number(session.evaluate("$globals[0]")) == 77
                return Resume(Action.STEP_BACK)
            case 5:  # before the change, as recorded
                return Resume(Action.STEP)
            case 6:
                assert number(session.evaluate("$globals[0]")) != 77
                return Resume(Action.SWITCH, place="1")
            case 7:
                assert [str(it) for it in machine.branches] == [
                    "0: as recorded",
                    f"1: from branch 0 at time {trace[changed].time}: $0 = 1, $globals[0] = 77",
                ]
                return Resume(Action.SWITCH, place="0")
            case _:
                return Resume(Action.QUIT)

    with pytest.raises(DebuggerQuit):
        calling.travel(lead)
    here, before, after = (trace[changed + by].time for by in (0, -1, 1))
    assert seen[1:] == [
        (Reason.TIME, here, "3"),
        (Reason.STEP, after, "1"),
        (Reason.STEP, here, "1"),
        (Reason.STEP, before, trace[changed - 1].looked),
        (Reason.STEP, here, "3"),
        (Reason.TIME, here, "1"),
        (Reason.TIME, here, "3"),
    ]


def test_a_branch_ends_where_the_recording_has_no_answer(calling):
    stops = []

    def lead(session, stop, time, machine):
        stops.append(stop)
        if len(stops) == 1:
            session.assign("$0", "9")  # the guest then asks the host for 9, and not for 1
        return Resume(Action.CONTINUE)

    with pytest.raises(DivergenceError, match=r"ask\(1\).*ask\(9\)"):
        calling.travel(lead)
    assert [it.reason for it in stops] == [Reason.STEP, Reason.TRAP, Reason.END]


def test_nothing_can_be_changed_in_the_middle_of_an_instruction(calling):
    problems = []

    def lead(session, stop, time, machine):
        if not problems:
            session.add_breakpoint("host:env.ask")
            problems.append("")
            return Resume(Action.CONTINUE)
        with pytest.raises(DebuggerError, match="between two instructions"):
            session.assign("$0", "9")
        problems.append(session.local("0").text)
        return Resume(Action.QUIT)

    with pytest.raises(DebuggerQuit):
        calling.travel(lead)
    assert problems == ["", "1"]


COUNTING = """(module (global $n (mut i32) (i32.const 0))
  (func (export "run") (global.set $n (i32.add (global.get $n) (i32.const 1)))))"""


def test_steps_up_to_a_time_go_on_in_the_next_store(tmp_path, recorded_in):
    with Recorder(tmp_path / "two.zr") as recorder:
        engine = recorder.engine(registry.engine("reference"))
        module = engine.compile(wat(COUNTING))
        exports = [engine.new_store().instantiate(module, {}).exports["run"] for _ in range(2)]
        for run in exports * 3:
            run.call()
    recorded = recorded_in(tmp_path / "two.zr", HistoryLimits())
    trace = recorded.trace()
    assert len(trace) == 6 * 5
    arrived, _ = journeys(recorded, trace, Action.STEP_BACK, range(29, 0, -1))
    assert arrived == list(range(28, -1, -1))


def test_steps_up_to_a_time_go_on_behind_a_call_that_the_host_makes_back(record):
    # The checkpoint where steps begin is in the inner call, and the outer one has none before the time.
    rest = "(drop (i32.const 0))" * 300
    text = f"""(module
      (import "env" "ask" (func $ask (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "back") (param $n i32) (result i32)
        (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $n))
      (func (export "run") (drop (call $ask (i32.const 2000))) {rest}))"""
    back = (FuncType((I32,), (I32,)), lambda caller, given: caller.export("back").call(given[0]))
    recorded = record(wat(text), [("run", ())], {"ask": back})
    stops = []

    def lead(session, stop, time, machine):
        stops.append(time)
        if len(stops) == 1:
            return Resume(Action.CONTINUE)
        if len(stops) == 2:
            return Resume(Action.GO_TO, place=str(machine.length - 100))
        return Resume(Action.QUIT)

    machine = recorded.travel(lead, expected=DebuggerQuit)
    assert stops[2].fuel == machine.length - 100


def test_another_change_at_the_beginning_of_a_branch_replaces_what_came_after(calling):
    seen = []

    def lead(session, stop, time, machine):
        seen.append((time, number(session.evaluate("$globals[0]"))))
        if len(seen) == 1:
            session.assign("$globals[0]", "1000")
            session.add_breakpoint("host:env.ask")
        if len(seen) < 5:
            return Resume(Action.CONTINUE)
        if len(seen) == 5:
            return Resume(Action.SWITCH, place="1")
        if len(seen) == 6:
            session.assign("$globals[0]", "5000")
            machine.go_to(seen[4][0].before)
        return Resume(Action.QUIT)

    with pytest.raises(DebuggerQuit):
        calling.travel(lead)
    assert seen[6] == (seen[4][0].before, seen[4][1] + 4000)


def test_positions_of_a_function_without_loops_that_is_longer_than_a_step(record):
    stores = "(i32.store (i32.const 8) (local.get 0))" * 900
    recorded = record(wat(f'(module (memory 1) (func (export "run") (param i32) {stores}))'), [("run", (3,))])
    trace = recorded.trace()
    origins = [2_650, 2_690, 300, 2_699, 1]
    arrived, _ = journeys(recorded, trace, Action.STEP_BACK, origins)
    assert arrived == [i - 1 for i in origins]


def test_a_recording_without_a_call_has_nothing_to_stop_at(record):
    def lead(session, stop, time, machine):
        raise AssertionError(stop)

    assert record(wat(COUNTING), []).travel(lead).length == 0
