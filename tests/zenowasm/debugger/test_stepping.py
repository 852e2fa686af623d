"""Where each way of going on stops again, and that watching changes nothing."""

from __future__ import annotations

import pytest
from support.engines import Guest, call, host_imports, state
from support.wasm import wat

from zenowasm.debugger import Action, Resume, Session
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.types import I32, FuncType

STEP, NEXT, FINISH, CONTINUE = Action.STEP, Action.NEXT, Action.FINISH, Action.CONTINUE


def test_without_breakpoints_it_stops_before_the_first_instruction(debugged) -> None:
    run = debugged(CONTINUE)
    assert run("fac", 3) == (6,)
    assert run.stops == [("step", "fac", 0)]


def test_step_goes_into_calls(debugged) -> None:
    run = debugged(*[STEP] * 3, at=["twice"])
    assert run("twice", 0) == (2,)
    assert run.stops == [("breakpoint", "twice", 0), ("step", "twice", 1), ("step", "fac", 0), ("step", "fac", 1)]


def test_a_step_back_to_the_first_instruction_is_no_entry(debugged) -> None:
    run = debugged(*[STEP] * 6, at=["spin"])
    run("spin", 3)
    assert [(reason, pc) for reason, _, pc in run.stops] == [
        ("breakpoint", 0),
        *[("step", pc) for pc in (1, 2, 3, 4, 5, 0)],
    ]


def test_next_goes_over_calls(debugged) -> None:
    run = debugged(*[NEXT] * 3, at=["twice"])
    assert run("twice", 5) == (240,)
    assert run.stops[1:] == [("step", "twice", 1), ("step", "twice", 2), ("step", "twice", 3)]


def test_next_goes_over_a_call_of_the_same_function(debugged) -> None:
    run = debugged(*[NEXT] * 30)
    assert run("fac", 4) == (24,)
    assert {stop[1:] for stop in run.stops if stop[2] == 0} == {("fac", 0)}
    assert [stop[2] for stop in run.stops] == sorted(stop[2] for stop in run.stops)


def test_next_leaves_a_function_with_its_last_instruction(debugged) -> None:
    run = debugged(*[NEXT] * 20, at=["divide"])
    run("outer", 2)
    functions = [function for _, function, _ in run.stops]
    assert functions[: functions.index("outer")] == ["divide"] * functions.index("outer")
    assert run.stops[functions.index("outer")] == ("step", "outer", 3)


def test_finish_stops_in_the_caller_and_knows_the_results(debugged) -> None:
    seen = []

    def look(session: Session) -> Action:
        seen.append([(o.type, o.value) for o in session.frame().operands()])
        return CONTINUE

    run = debugged(FINISH, look, at=["divide"])
    assert run("outer", 2) == (111,)
    assert run.stops == [("breakpoint", "divide", 0), ("return", "outer", 3)]
    assert run.script.whole[1].results == 1
    assert seen == [[(I32, 11)]]


def test_finish_of_a_recursion_returns_to_the_next_frame_out(debugged) -> None:
    depths = []

    def note(session: Session) -> Action:
        depths.append(len(session.backtrace()))
        return FINISH

    run = debugged(CONTINUE, CONTINUE, note, note, note, at=["fac"])
    run("fac", 2)
    assert depths == [3, 2, 1]


def test_finish_of_the_outermost_function_runs_on(debugged) -> None:
    run = debugged(FINISH)
    assert run("fac", 3) == (6,)
    assert run("fac", 4) == (24,)
    assert run.stops == [("step", "fac", 0)]


def test_step_and_next_go_on_into_the_next_call_of_the_host(debugged) -> None:
    run = debugged(Resume(NEXT, 1000))
    for _ in range(200):
        run("fac", 0)
    assert len(run.stops) == 2
    assert run.stops[1][1] == "fac"


def test_a_count_steps_so_many_instructions(debugged) -> None:
    one = debugged(*[STEP] * 10)
    one("fac", 3)
    many = debugged(Resume(STEP, 10))
    many("fac", 3)
    assert many.stops[1] == one.stops[10]


@pytest.mark.parametrize(
    ("export", "arguments"), [("fac", (10,)), ("twice", (6,)), ("spin", (50,)), ("outer", (2,)), ("outer", (0,))]
)
@pytest.mark.parametrize("action", [STEP, NEXT, FINISH, CONTINUE])
def test_watching_changes_neither_results_nor_fuel_nor_memory(debugged, export, arguments, action) -> None:
    run = debugged(*[action] * 100_000)
    free = Guest(run.binary)
    watched = call(run.guest.store, run.guest[export], arguments)
    assert watched == call(free.store, free[export], arguments)
    assert state(run.guest.instance) == state(free.instance)
    assert len(run.stops) >= (10 if action is STEP else 1)


def test_a_session_over_two_stores_keeps_them_apart(debugged) -> None:
    run = debugged(*[NEXT] * 5, at=["fac"])
    other = Guest(wat('(module (func $f (export "f") nop nop))'))
    run.session.attach("other", other.store)
    other("f")
    assert run.stops == []
    run("fac", 0)
    assert {stop[1] for stop in run.stops} == {"fac"}


CALLS_BACK = """
(module (import "env" "again" (func $again (param i32) (result i32)))
  (func $inner (export "inner") (param $n i32) (result i32) (i32.mul (local.get $n) (i32.const 2)))
  (func $start (export "start") (param $n i32) (result i32) (i32.add (call $again (local.get $n)) (i32.const 1))))
"""


@pytest.fixture
def calling_back(debugged):
    def make(*answers, at):
        made = []
        body = lambda caller, arguments: made[0].guest("inner", *arguments)  # noqa: E731
        imports = host_imports({"again": (FuncType((I32,), (I32,)), body)})
        made.append(debugged(*answers, at=at, text=CALLS_BACK, imports=imports))
        return made[0]

    return make


def test_next_goes_over_the_host_and_what_it_calls_back(calling_back) -> None:
    run = calling_back(NEXT, NEXT, NEXT, at=["start"])
    assert run("start", 4) == (9,)
    assert run.stops[1:] == [("step", "start", 1), ("step", "start", 2), ("step", "start", 3)]


def test_step_goes_through_the_host_into_what_it_calls_back(calling_back) -> None:
    run = calling_back(STEP, STEP, at=["start"])
    assert run("start", 4) == (9,)
    assert run.stops[2] == ("step", "inner", 0)


def test_finish_returns_through_the_host(calling_back) -> None:
    run = calling_back(FINISH, at=["inner"])
    assert run("start", 4) == (9,)
    assert run.stops[1] == ("return", "start", 2)
    assert run.script.whole[1].results is None  # the host may have made something else of them


def test_next_goes_over_a_call_into_another_store(debugged) -> None:
    other = Guest(wat('(module (func (export "f") (result i32) i32.const 4))'))
    imports = host_imports({"again": (FuncType((I32,), (I32,)), lambda caller, arguments: other("f"))})
    run = debugged(NEXT, NEXT, NEXT, at=["start"], text=CALLS_BACK, imports=imports)
    run.session.attach("other", other.store)
    assert run("start", 1) == (5,)
    assert run.stops[1:] == [("step", "start", 1), ("step", "start", 2), ("step", "start", 3)]


def test_what_the_host_called_before_is_not_in_the_backtrace(calling_back) -> None:
    seen = []

    def look(session: Session) -> Action:
        seen.append([getattr(view, "level", "host") for view in session.backtrace()])
        return CONTINUE

    run = calling_back(look, look, look, look, at=["inner", "start"])
    run("start", 4)
    run("start", 4)
    assert seen == [[0], [0, "host", 1]] * 2


def test_frames_of_a_trap_that_the_host_has_caught_are_gone(debugged) -> None:
    text = """(module (import "env" "again" (func $again)) (func $bad (export "bad") unreachable)
      (func $inner (export "inner") nop) (func $start (export "start") call $again))"""
    made, seen = [], []

    def again(caller: object, arguments: object) -> tuple[()]:
        with pytest.raises(Trap):
            made[0]("bad")
        made[0]("inner")
        return ()

    def look(session: Session) -> Action:
        seen.append([getattr(view, "function", None) for view in session.backtrace()])
        return CONTINUE

    imports = host_imports({"again": (FuncType(), again)})
    made.append(debugged(look, look, at=["inner"], text=text, imports=imports))
    made[0]("start")
    assert seen == [["bad", "env.again", "start"], ["inner", "env.again", "start"]]


def test_a_trap_that_leaves_several_executions_stops_once(debugged) -> None:
    text = """(module (import "env" "again" (func $again))
      (func $inner (export "inner") unreachable) (func $start (export "start") call $again))"""
    made = []
    imports = host_imports({"again": (FuncType(), lambda caller, arguments: made[0]("inner"))})
    made.append(debugged(at=["nothing"], text=text, imports=imports))
    with pytest.raises(Trap):
        made[0]("start")
    assert made[0].stops == [("trap", "inner", 0)]


def test_after_a_trap_next_goes_on_with_the_next_call(debugged) -> None:
    run = debugged(*[NEXT] * 40, at=["divide"])
    with pytest.raises(Trap) as caught:
        run("outer", 0)
    assert caught.value.code is TrapCode.INTEGER_DIVIDE_BY_ZERO
    assert run.stops[-1][0] == "trap"
    before = len(run.stops)
    assert run("fac", 0) == (1,)
    assert run.stops[before][1:] == ("fac", 0)
