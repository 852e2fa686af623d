"""Stops at host functions, slots, exceptions and offsets; logpoints; and interruptions."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support.engines import Guest, host_imports
from support.wasm import wat

from zenowasm.debugger import Action, DebuggerError, Event, Reason, Resume, Session, Stop
from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.types import I32, FuncType

TEXT = """
(module
  (import "env" "twice" (func $twice (param i32) (result i32)))
  (tag $oops (param i32))
  (memory (export "memory") 1)
  (data (i32.const 16) "greet")
  (func $double (export "double") (param i32) (result i32) (call $twice (local.get 0)))
  (func $fail (export "fail") (throw $oops (i32.const 3)))
  (func $safe (export "safe") (block $caught (try_table (catch_all $caught) (call $fail))))
  (func $execute (export "plugin_execute") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func $spin (export "spin") (loop $again (br $again))))
"""


class Front:
    """Records stops and messages; ``answers`` look around and return how to go on."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.stops: list[Stop] = []
        self.messages: list[str] = []
        self.values: list[Any] = []

    def stopped(self, session: Session, stop: Stop) -> Resume:
        self.stops.append(stop)
        answer = self.answers.pop(0) if self.answers else Action.CONTINUE
        if not isinstance(answer, Action):
            self.values.append(answer(session))
            answer = Action.CONTINUE
        return Resume(answer)

    def logged(self, session: Session, text: str) -> None:
        self.messages.append(text)


def debug(*answers: Any, at: tuple[str, ...] = ()) -> tuple[Guest, Session, Front]:
    front = Front(*answers)
    session = Session(front)
    for location in at:
        session.add_breakpoint(location)
    twice = (FuncType((I32,), (I32,)), lambda caller, given: (given[0] * 2,))
    guest = Guest(wat(TEXT), imports=host_imports({"twice": twice}))
    session.attach("guest", guest.store)
    return guest, session, front


def test_a_call_of_a_host_function_stops_with_its_arguments() -> None:
    guest, session, front = debug(
        lambda it: (it.frame().function, it.frame().pc, it.evaluate("$arguments[0]").number()), at=("host:env.twice",)
    )
    assert guest("double", 21) == (42,)
    assert front.values == [("double", 1, 21)]
    assert [it.host_function for it in front.stops] == ["env.twice"]
    assert [it.resolved for it in session.breakpoints] == [True]


def test_a_step_from_a_host_function_s_call_stops_after_it() -> None:
    guest, _, front = debug(Action.NEXT, lambda it: it.frame().pc, at=("host:env.twice",))
    guest("double", 21)
    assert front.values == [2]


def test_a_slot_stops_when_the_plugin_is_asked_for_it() -> None:
    guest, _, front = debug(at=("slot:greet",))
    guest("plugin_execute", 16, 5, 0, 0)
    guest("plugin_execute", 16, 4, 0, 0)
    guest("plugin_execute", 17, 5, 0, 0)
    guest("plugin_execute", 65535, 5, 0, 0)
    assert [it.reason for it in front.stops] == [Reason.BREAKPOINT]


def test_an_exception_stops_where_it_is_thrown_if_wanted() -> None:
    guest, session, front = debug(lambda it: [view.function for view in it.backtrace()])
    guest("safe")
    assert front.stops == []
    session.stop_on(Event.THROW, enabled=True)
    guest("safe")
    assert front.values == [["fail", "safe"]]
    assert [it.reason for it in front.stops] == [Reason.THROW]
    assert front.stops[0].exception.fields == (3,)
    with pytest.raises(UncaughtException):
        guest("fail")
    assert [it.reason for it in front.stops] == [Reason.THROW, Reason.THROW, Reason.TRAP]


def test_an_offset_in_the_module_is_a_place() -> None:
    guest, session, front = debug(lambda it: it.frame().line.offset, at=("double+1",))
    guest("double", 1)
    (offset,) = front.values
    guest, session, front = debug(lambda it: it.frame().pc, at=(f"*0x{offset:x}", f"*{offset + 1}"))
    guest("double", 1)
    assert front.values == [1]
    assert [it.resolved for it in session.breakpoints] == [True, False]  # there is no instruction one byte later


@pytest.mark.parametrize("location", ["*", "*x", "host:", "slot:", " "])
def test_a_location_without_a_place_is_refused(location) -> None:
    with pytest.raises(DebuggerError, match="expected"):
        Session(Front()).add_breakpoint(location)


def test_a_logpoint_reports_and_goes_on() -> None:
    guest, session, front = debug()
    session.add_breakpoint("double", log="double of {$0} is {$0 * 2}, {nothing}.")
    guest("double", 4)
    assert front.messages == ["double of 4 is 8, <there is no variable nothing: double has $0>."]
    assert (front.stops, [it.hits for it in session.breakpoints]) == ([], [1])


def test_a_temporary_breakpoint_stops_once_and_a_disabled_one_not_at_all() -> None:
    guest, session, front = debug(at=("double",))
    session.enable(1, enabled=False)
    session.add_breakpoint("double", temporary=True)
    guest("double", 4)
    guest("double", 4)
    assert len(front.stops) == 1
    assert [it.number for it in session.breakpoints] == [1]


def test_another_thread_interrupts_a_guest_and_adds_a_breakpoint() -> None:
    guest, session, front = debug(lambda it: it.frame().function, Action.QUIT)
    thread = threading.Timer(0.1, session.interrupt)
    thread.start()
    again = threading.Timer(0.2, lambda: session.add_breakpoint("spin+1"))
    again.start()
    with pytest.raises(Exception, match="ended the run"):
        guest("spin")
    assert front.values == ["spin"]
    assert [it.reason for it in front.stops] == [Reason.PAUSE, Reason.BREAKPOINT]


MODULES = (
    '(module $first (func (export "run") (call $more)) (func $more nop nop))',
    '(module $second (func (export "run") nop nop))',
)


def run_all(session: Session, texts: tuple[str, ...]) -> None:
    """Run modules one after the other, each twice, in stores of their own."""
    for text in texts:
        binary = wat(text)
        for _ in range(2):
            guest = Guest(binary)
            session.attach("guest", guest.store)
            guest("run")
            guest("run")


def test_a_load_stops_before_the_first_instruction_of_each_module() -> None:
    front = Front(*[lambda session: (session.frame().function, session.frame().pc)] * 10)
    session = Session(front)
    session.stop_on(Event.LOAD, enabled=True)
    run_all(session, MODULES)
    # Each store has a module of its own here.
    assert front.values == [("run", 0)] * 4
    assert {it.reason for it in front.stops} == {Reason.LOAD}


def test_a_module_that_another_module_calls_is_loaded_by_that_call() -> None:
    front = Front(*[lambda session: (session.frame().function, len(session.backtrace()))] * 10)
    session = Session(front)
    session.stop_on(Event.LOAD, enabled=True)
    inner = Guest(wat('(module (func $inner (export "inner") (call $more)) (func $more))'))
    session.attach("guest", inner.store)
    outer = inner.engine.compile(wat('(module (import "a" "b" (func $b)) (func $outer (export "outer") (call $b)))'))
    instance: Any = inner.store.instantiate(outer, {("a", "b"): inner["inner"]})
    for _ in range(2):
        instance.exports["outer"].call()
    assert front.values == [("outer", 1), ("inner", 2)]


def test_a_load_is_no_event_unless_asked_for_and_none_where_something_else_stops() -> None:
    front = Front(*[lambda session: session.frame().function] * 10)
    run_all(Session(front), MODULES)
    assert front.values == []
    session = Session(front)
    session.add_breakpoint("run")
    session.stop_on(Event.LOAD, enabled=True)
    run_all(session, MODULES[:1])
    assert [it.reason for it in front.stops] == [Reason.BREAKPOINT] * 4


def test_a_breakpoint_in_one_module_is_in_no_other() -> None:
    programs = []

    def restrict(session: Session) -> None:
        programs.append(session.frame().program)
        offset = session.frame().program.function(0).lines[1].offset
        assert session.add_breakpoint(f"*{offset}", program=programs[0]).resolved is (len(programs) == 1)

    front = Front(restrict)
    session = Session(front, stop_at_start=True)
    for _ in range(2):
        guest = Guest(wat(MODULES[1]))
        session.attach("guest", guest.store)
        guest("run")
    assert [it.reason for it in front.stops] == [Reason.STEP, Reason.BREAKPOINT]


def test_the_offset_of_a_functions_locals_is_its_entry() -> None:
    text = """(module (func $spin (export "spin") (param $left i32) (local i64)
      (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"""
    places = []

    def look(session: Session) -> None:
        body = session.frame().program.valid.module.codes[0].offset
        session.add_breakpoint(f"*{body}")
        assert not session.add_breakpoint(f"*{body + 1}").resolved

    front = Front(look, *[lambda session: places.append(session.frame().pc)] * 5)
    session = Session(front, stop_at_start=True)
    guest = Guest(wat(text))
    session.attach("guest", guest.store)
    guest("spin", 3)
    guest("spin", 3)
    assert places == [0]  # the second call, and not the branches back to the loop
