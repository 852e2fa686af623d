"""Breakpoints, and what a session shows of a stopped execution."""

from __future__ import annotations

import pytest
from support.engines import Guest, host_imports
from support.wasm import wat

from zenowasm.debugger import Action, DebuggerError, DebuggerQuit, HostView, Reason, Session
from zenowasm.interp.errors import Exhaustion, Trap, TrapCode, WasmError
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.types import I32, FuncType


def looking(into: list, look, action: Action = Action.CONTINUE):
    """Make an answer that records what ``look`` returns of the session."""

    def answer(session: Session) -> Action:
        into.append(look(session))
        return action

    return answer


# -- breakpoints --


def test_a_breakpoint_stops_at_every_entry_and_counts(debugged) -> None:
    run = debugged(at=["fac"])
    assert run("fac", 3) == (6,)
    assert run.stops == [("breakpoint", "fac", 0)] * 4
    (breakpoint_,) = run.session.breakpoints
    assert (breakpoint_.hits, breakpoint_.resolved) == (4, True)


@pytest.mark.parametrize("location", ["divide", "$divide", "3", " divide "])
def test_a_function_is_found_by_name_and_index(debugged, location) -> None:
    run = debugged(at=[location])
    run("outer", 2)
    assert run.stops == [("breakpoint", "divide", 0)]


def test_a_function_without_a_name_is_found_by_its_export(debugged) -> None:
    run = debugged(at=["visible"], text='(module (func (export "visible") nop))')
    run("visible")
    assert run.stops == [("breakpoint", "visible", 0)]


def test_a_name_that_several_functions_have_stops_in_each(debugged) -> None:
    run = debugged(at=["a"], text='(module (func (export "a") call $a) (func $a nop))')
    run("a")
    assert [stop[1:] for stop in run.stops] == [("a", 0), ("a", 0)]


def test_an_entry_is_not_hit_by_a_branch_back_to_the_first_instruction(debugged) -> None:
    run = debugged(at=["spin"])
    run("spin", 5)
    assert run.stops == [("breakpoint", "spin", 0)]
    run("spin", 5)
    assert len(run.stops) == 2


def test_an_instruction_is_hit_whenever_it_comes(debugged) -> None:
    run = debugged(at=["spin+1", "spin+0"])
    run("spin", 3)
    assert [stop[2] for stop in run.stops] == [0, 1, 0, 1, 0, 1]


def test_two_breakpoints_at_one_place_make_one_stop(debugged) -> None:
    run = debugged(at=["divide", "divide+0"])
    run("outer", 2)
    assert len(run.stops) == 1
    assert [b.number for b in run.script.whole[0].breakpoints] == [1, 2]


def test_breakpoints_come_and_go_while_stopped(debugged) -> None:
    def change(session: Session) -> Action:
        session.delete_breakpoint(1)
        session.add_breakpoint("divide+2")
        return Action.CONTINUE

    run = debugged(change, at=["divide"])
    run("outer", 2)
    run("outer", 2)
    assert run.stops == [("breakpoint", "divide", 0), ("breakpoint", "divide", 2), ("breakpoint", "divide", 2)]


@pytest.mark.parametrize("location", ["nothing", "divide+99", "divide+x", "99", "+", "divide+" + "9" * 40, "divide+٣"])
def test_a_place_that_does_not_exist_is_never_hit(debugged, location) -> None:
    run = debugged(at=[location])
    assert run("outer", 2) == (111,)
    assert run.stops == []
    assert [b.resolved for b in run.session.breakpoints] == [False]


def test_an_unknown_name_suggests_the_nearest(debugged) -> None:
    run = debugged(at=["diwide"])
    assert run.session.nearest_function("diwide") is None  # nothing has run yet
    run("outer", 2)
    assert run.session.nearest_function("diwide+3") == "divide"
    assert run.session.nearest_function("qqqqqqqq") is None


def test_a_name_with_a_plus_is_a_name_first(debugged) -> None:
    run = debugged(at=["operator+1"], text='(module (func $"operator+1" (export "f") nop))')
    run("f")
    assert run.stops == [("breakpoint", "operator+1", 0)]


def test_wrong_requests_about_breakpoints(debugged) -> None:
    session = debugged().session
    with pytest.raises(DebuggerError, match="expected a function or a line"):
        session.add_breakpoint(" ")
    with pytest.raises(DebuggerError, match="expected one of none"):
        session.delete_breakpoint(1)


# -- traps and the end of a run --


def test_a_trap_stops_once_with_all_frames_standing(debugged) -> None:
    seen: list = []
    run = debugged(looking(seen, lambda s: [(v.function, v.pc, v.line.text) for v in s.backtrace()]), at=["nothing"])
    with pytest.raises(Trap) as caught:
        run("outer", 0)
    assert seen == [[("divide", 5, "i32.div_s"), ("outer", 2, "call $divide")]]
    (stop,) = run.script.whole
    assert stop.reason is Reason.TRAP
    assert stop.error is caught.value


def test_operands_below_those_of_the_trapped_instruction_are_shown(debugged) -> None:
    seen: list = []
    run = debugged(looking(seen, lambda s: [o.text for o in s.frame().operands()]), at=["nothing"])
    with pytest.raises(Trap):
        run("outer", 0)
    assert seen[0][0] == "7"


def test_using_up_the_call_stack_stops_too(debugged) -> None:
    run = debugged(
        at=["nothing"], text='(module (func $f (export "f") call $f))', limits=ExecutionLimits(call_depth=50)
    )
    with pytest.raises(Exhaustion):
        run("f")
    assert run.stops == [("trap", "f", 0)]


def test_a_guests_own_way_to_end_is_no_trap(debugged) -> None:
    class Exit(WasmError):
        pass

    def leave(caller: object, arguments: object) -> None:
        raise Exit

    run = debugged(
        at=["nothing"],
        text='(module (import "env" "exit" (func $exit)) (func (export "f") call $exit))',
        imports=host_imports({"exit": (FuncType(), leave)}),
    )
    with pytest.raises(Exit):
        run("f")
    assert run.stops == []


@pytest.mark.parametrize(("export", "argument"), [("fac", 3), ("outer", 0)])
def test_quitting_ends_the_run_and_stops_no_more(debugged, export, argument) -> None:
    run = debugged(Action.QUIT, at=["fac"])
    with pytest.raises(DebuggerQuit):
        run(export, argument)
    assert run("fac", 3) == (6,)
    assert len(run.stops) == 1


# -- looking --


def test_locals_have_names_types_and_values(debugged) -> None:
    seen: list = []
    run = debugged(
        looking(seen, lambda s: [(v.label, str(v.type), v.text) for v in s.frame().locals()]), at=["divide+2"]
    )
    run("outer", 2)
    assert seen == [[("$a", "i32", "8"), ("$b", "i32", "2"), ("$c", "f32", "1.5")]]


def test_a_local_without_a_name_is_called_by_its_index(debugged) -> None:
    seen: list = []
    run = debugged(looking(seen, lambda s: (s.local("$0").text, s.local("0").label)), at=["twice"])
    run("twice", 20)
    assert seen == [("20 (0x14)", "$0")]


def test_an_unknown_local_is_refused_with_those_there_are(debugged) -> None:
    seen: list = []

    def look(session: Session) -> str:
        with pytest.raises(DebuggerError) as caught:
            session.local("$d")
        return str(caught.value)

    run = debugged(looking(seen, look), at=["divide"])
    run("outer", 2)
    assert seen == ["there is no local $d: divide has $a, $b, $c"]


def test_operands_have_the_types_that_validation_gave_them(debugged) -> None:
    seen: list = []
    text = """(module (func (export "f") (result i32)
      i64.const -1 f32.const 0.5 f64.const nan:0x4000000000000 ref.null func i32.const -200 i32.const 3 i32.add
      br 0))"""
    run = debugged(
        looking(seen, lambda s: [(str(o.type), o.text) for o in s.frame().operands()]), at=["f+6"], text=text
    )
    run("f")
    assert seen == [
        [
            ("i64", "-1"), ("f32", "0.5"), ("f64", "nan:0x4000000000000"), ("funcref", "null"),
            ("i32", "-200 (0xffffff38)"), ("i32", "3"),
        ]
    ]  # fmt: skip


def test_references_are_shown_by_name(debugged) -> None:
    seen: list = []
    text = '(module (func $me (export "f") ref.func $me drop) (elem declare func $me))'
    run = debugged(looking(seen, lambda s: [o.text for o in s.frame().operands()]), at=["f+1"], text=text)
    run("f")
    assert seen == [["me"]]


def test_references_to_aggregates_and_small_integers(debugged) -> None:
    seen: list = []
    text = """(module (type $s (struct (field i32 i64))) (func (export "f")
      (ref.i31 (i32.const 5)) (struct.new $s (i32.const 1) (i64.const 2)) (v128.const i64x2 1 0)
      (drop) (drop) (drop)))"""
    run = debugged(looking(seen, lambda s: [o.text for o in s.frame().operands()]), at=["f+6"], text=text)
    run("f")
    assert seen == [["i31 5", "struct of 2", "0x" + "0" * 31 + "1"]]


def test_a_tail_call_takes_the_place_of_its_caller(debugged) -> None:
    seen: list = []
    text = """(module
      (func $last (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $middle (param i32) (result i32) (return_call $last (local.get 0)))
      (func $first (export "first") (result i32) (call $middle (i32.const 6))))"""
    run = debugged(
        Action.CONTINUE,
        looking(seen, lambda s: [v.function for v in s.backtrace()], Action.FINISH),
        looking(seen, lambda s: [o.value for o in s.frame().operands()]),
        at=["middle", "last"],
        text=text,
    )
    assert run("first") == (7,)
    assert seen == [["last", "first"], [7]]
    assert run.stops[2] == ("return", "first", 2)


def test_an_exception_of_the_guests_stops_where_it_is_caught(debugged) -> None:
    text = """(module (tag $e)
      (func $thrower (throw $e))
      (func $catcher (export "f") (block $h (try_table (catch $e $h) (call $thrower))) nop))"""
    run = debugged(Action.NEXT, at=["thrower"], text=text)
    run("f")
    assert [stop[:2] for stop in run.stops] == [("breakpoint", "thrower"), ("step", "catcher")]


def test_globals_of_the_frames_module(debugged) -> None:
    seen: list = []
    run = debugged(*[looking(seen, lambda s: [g.text for g in s.frame().globals()])] * 3, at=["fac"])
    run("fac", 2)
    assert seen == [["0"], ["1"], ["2"]]


def test_another_frame_can_be_selected(debugged) -> None:
    seen: list = []

    def look(session: Session) -> tuple:
        view = session.select(1)
        with pytest.raises(DebuggerError, match="expected 0 to 1"):
            session.select(2)
        return view.function, view.line.text, session.local("x").value, [o.text for o in view.operands()]

    run = debugged(looking(seen, look), at=["divide"])
    run("outer", 2)
    assert seen == [("outer", "call $divide", 2, [])]


def test_the_selection_ends_with_the_stop(debugged) -> None:
    seen: list = []

    def select(session: Session) -> Action:
        session.select(1)
        return Action.STEP

    run = debugged(select, looking(seen, lambda s: s.frame().level), at=["divide"])
    run("outer", 2)
    assert seen == [0]


def test_the_host_stands_between_frames_where_it_called_back(debugged) -> None:
    made: list = []
    seen: list = []
    text = """(module (import "env" "again" (func $again (result i32)))
      (func $inner (export "inner") (result i32) i32.const 5)
      (func $start (export "start") (result i32) i32.const 1 call $again i32.add))"""
    imports = host_imports({"again": (FuncType((), (I32,)), lambda caller, arguments: made[0].guest("inner"))})
    describe = lambda view: view.function if isinstance(view, HostView) else (view.level, view.function, view.pc)  # noqa: E731
    run = debugged(
        looking(seen, lambda s: [describe(v) for v in s.backtrace()]), at=["inner"], text=text, imports=imports
    )
    made.append(run)
    assert run("start") == (6,)
    assert seen == [[(0, "inner", 0), "env.again", (1, "start", 1)]]


def test_memory_by_number_and_by_local(debugged) -> None:
    seen: list = []
    text = """(module (memory 1) (data (i32.const 16) "Hello")
      (func (export "f") (param $text i32) (param $wide i64) nop))"""

    def look(session: Session) -> list:
        refused = []
        for address, length in (("65536", 1), ("-1", 1), ("0", 0), ("$wide", 1), ("x", 1)):
            with pytest.raises(DebuggerError) as caught:
                session.memory(address, length)
            refused.append(str(caught.value).split(":")[0])
        assert refused[3:] == ["$wide is not an address", "there is no variable x"]
        assert all(text.startswith("expected an address from 0 to 0xffff") for text in refused[:3])
        return [
            session.memory("$text", 5),
            session.memory("0x10", 2),
            session.memory("text", 1),
            session.memory("65535", 9),
        ]

    run = debugged(looking(seen, look), at=["f"], text=text)
    run("f", 16, 0)
    assert seen == [[(16, b"Hello"), (16, b"He"), (16, b"H"), (65535, b"\0")]]


def test_without_a_memory_there_is_none_to_show(debugged) -> None:
    seen: list = []

    def look(session: Session) -> None:
        with pytest.raises(DebuggerError, match="no memory"):
            session.memory("0", 1)

    run = debugged(looking(seen, look), at=["f"], text='(module (func (export "f") nop))')
    run("f")
    assert seen == [None]


def test_a_listing_marks_the_current_instruction_and_breakpoints(debugged) -> None:
    seen: list = []

    def look(session: Session) -> list:
        return [(line.line.pc, line.line.text, line.current, line.breakpoint) for line in session.listing(1)]

    run = debugged(looking(seen, look), at=["divide+2", "divide+3"])
    run("outer", 2)
    assert seen == [
        [
            (1, "local.set $c", False, False),
            (2, "i32.const 7", True, True),
            (3, "local.get $a", False, True),
        ]
    ]


def test_between_stops_there_is_nothing_to_look_at(debugged) -> None:
    run = debugged()
    run("fac", 1)
    with pytest.raises(DebuggerError, match="nothing is stopped"):
        run.session.frame()
    assert list(run.session.backtrace()) == []


def test_a_session_keeps_no_store_alive_after_a_trap(debugged) -> None:
    import gc
    import weakref

    run = debugged(at=["nothing"])
    with pytest.raises(Trap) as caught:
        run("outer", 0)
    assert caught.value.code is TrapCode.INTEGER_DIVIDE_BY_ZERO
    del caught
    memory = weakref.ref(run.guest.store)
    run.script.whole.clear()
    run.guest = None
    other = Guest(wat('(module (func (export "f") nop))'))
    run.session.attach("other", other.store)
    other("f")
    gc.collect()
    assert memory() is None


def test_an_interrupt_while_a_function_is_compiled_waits_for_its_first_instruction(debugged) -> None:
    guest = debugged(at=["nowhere"])
    guest.session.interrupt()
    assert guest("twice", 3) == (12,)
    assert [reason for reason, _, _ in guest.stops] == ["pause"]
