"""Changes of a stopped execution: what the guest then computes with them."""

from __future__ import annotations

import pytest

from zenowasm.debugger import Action, DebuggerError, Event, Resume, Session
from zenowasm.interp.errors import Trap

SUM = """
(module
  (memory (export "memory") 1)
  (global $limit i32 (i32.const 10))
  (table 1 funcref)
  (elem (i32.const 0) $sum)
  (func $sum (export "sum") (param $a i32) (param $b f32) (result f32)
    (f32.add (f32.convert_i32_s (local.get $a)) (local.get $b)))
  (func $clamp (export "clamp") (param $n i32) (result i32)
    (if (result i32) (i32.gt_s (local.get $n) (global.get $limit))
      (then (global.get $limit)) (else (local.get $n))))
  (func $load (export "load") (result i32) (i32.load (i32.const 8)))
  (func $deep (export "deep") (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))
  (func $trap (export "trap") (result i32) unreachable))
"""


def sets(*changes: tuple[str, str]):
    def answer(session: Session) -> Action:
        for target, value in changes:
            session.assign(target, value)
        return Action.CONTINUE

    return answer


@pytest.mark.parametrize(
    ("location", "call", "changes", "result"),
    [
        ("sum", ("sum", 1, 2.0), [("$a", "-5"), ("$b", "$a * 0.5")], -7.5),
        ("sum+2", ("sum", 1, 2.0), [("$stack[0]", "40")], 42.0),
        ("clamp", ("clamp", 99), [("$globals[0]", "0x20")], 32),
        ("load", ("load",), [("$u8[8]", "255"), ("$i16[9]", "-1")], 0x00FFFFFF),
        ("load", ("load",), [("$f32[8]", "1")], 0x3F800000),
    ],
)
def test_what_a_change_does(debugged, location, call, changes, result) -> None:
    run = debugged(sets(*changes), at=[location], text=SUM)
    assert run(*call) == (result,)


@pytest.mark.parametrize(
    ("target", "value", "message"),
    [
        ("$a", "1 << 32", "does not fit into i32"),
        ("$a", "0.5", "i32 takes an int"),
        ("$u8[8]", "256", "does not fit into 8 bits"),
        ("$a + 1", "2", "a value and not a place"),
        ("$tables[0][0]", "1", "can only become null"),
        ("$globals", "1 +", "at its end"),
        ("$stack[0]", "1", "there is no operand 0: there are none"),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(debugged, target, value, message) -> None:
    def answer(session: Session) -> Action:
        with pytest.raises(DebuggerError, match=message):
            session.assign(target, value)
        return Action.CONTINUE

    run = debugged(answer, at=["sum"], text=SUM)
    assert run("sum", 1, 2.0) == (3.0,)


def test_the_users_own_change_of_a_watched_value_is_no_change_to_stop_at(debugged) -> None:
    def answer(session: Session) -> Action:
        session.add_watchpoint("$a")
        session.assign("$a", "20")
        return Action.CONTINUE

    run = debugged(answer, at=["sum"], text=SUM)
    assert run("sum", 1, 2.0) == (22.0,)
    assert [it[0] for it in run.stops] == ["breakpoint"]


def test_a_reference_becomes_null(debugged) -> None:
    run = debugged(sets(("$tables[0][0]", "null")), at=["load"], text=SUM)
    run("load")
    assert run.guest.instance.module.tables[0].elements == [None]


def test_an_early_return_gives_the_caller_other_results(debugged) -> None:
    def answer(session: Session) -> Action:
        assert session.return_early(["100"])
        assert session.frame().function == "deep"
        assert len(session.backtrace()) == 1
        assert session.evaluate("$results").only.number() == 100
        return Action.CONTINUE

    run = debugged(Action.CONTINUE, answer, at=["deep"], text=SUM)
    assert run("deep", 5) == (101,)


def test_an_early_return_of_an_outer_call_ends_the_calls_inside_it(debugged) -> None:
    def answer(session: Session) -> Action:
        session.select(2)
        assert session.return_early(["7 * 6"])
        return Action.CONTINUE

    run = debugged(*[Action.CONTINUE] * 3, answer, at=["deep"], text=SUM)
    assert run("deep", 5) == (43,)


def test_an_early_return_to_the_host(debugged) -> None:
    def answer(session: Session) -> Action:
        assert not session.return_early(["-1"])
        with pytest.raises(DebuggerError, match="nothing is stopped"):
            session.frame()
        return Action.STEP

    run = debugged(answer, at=["clamp"], text=SUM)
    before = run.guest.store.fuel_consumed
    assert run("clamp", 3) == (0xFFFFFFFF,)
    assert run.guest.store.fuel_consumed - before == 1  # the entry
    assert run("clamp", 3) == (3,)


def test_an_early_return_that_cannot_be(debugged) -> None:
    def answer(session: Session) -> Action:
        for values, message in [([], "has 1 results"), (["1", "2"], "not 2"), (["1 << 40"], "does not fit")]:
            with pytest.raises(DebuggerError, match=message):
                session.return_early(values)
        return Action.CONTINUE

    def at_trap(session: Session) -> Action:
        with pytest.raises(DebuggerError, match="only between instructions"):
            session.return_early(["1"])
        return Action.CONTINUE

    run = debugged(answer, at_trap, at=["trap"], text=SUM)
    with pytest.raises(Trap):
        run("trap")


def test_traps_are_not_stops_unless_wanted(debugged) -> None:
    run = debugged(at=["load"], text=SUM)
    run.session.stop_on(Event.TRAP, enabled=False)
    with pytest.raises(Trap):
        run("trap")
    assert run.stops == []


def test_until_stops_at_a_place_of_the_same_call_or_at_its_return(debugged) -> None:
    def once(session: Session) -> Resume:
        session.delete_breakpoint(1)
        return Resume(Action.UNTIL, place="deep+7")

    run = debugged(Action.CONTINUE, once, Resume(Action.UNTIL, place="deep+1"), at=["deep"], text=SUM)
    assert run("deep", 3) == (3,)
    # The calls inside pass deep+7, too; the second time, the call is past deep+1 and returns.
    assert run.stops == [("breakpoint", "deep", 0)] * 2 + [("step", "deep", 7), ("return", "deep", 7)]
    assert run.script.whole[3].results == 1
