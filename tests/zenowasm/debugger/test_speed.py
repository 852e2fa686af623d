"""What a session costs: how often it is asked about an execution, whatever the guest executes in between."""

from __future__ import annotations

from typing import Any

import pytest
from support.engines import Guest
from support.wasm import wat

from zenowasm.debugger import Action, Resume, Session, Stop

TEXT = """
(module
  (memory (export "memory") 1)
  (global $g (mut i32) (i32.const 0))
  (func $never (export "never") nop)
  (func $loop (param $n i32)
    (loop $again
      (i32.store (i32.const 8) (local.get $n))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $run (export "run")
    nop
    (call $loop (i32.const 1000))
    (global.set $g (i32.const 1))
    (call $loop (i32.const 1000))))
"""


class Front:
    """Gives its answers in turn, then goes on."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.places: list[tuple[str, int]] = []

    def stopped(self, session: Session, stop: Stop) -> Resume:
        view = session.frame()
        self.places.append((view.function, view.pc))
        answer = self.answers.pop(0) if self.answers else Action.CONTINUE
        return Resume(answer if isinstance(answer, Action) else answer(session))

    def logged(self, session: Session, text: str) -> None:
        raise AssertionError(text)


class Counted(Session):
    """A session that counts the pauses of its guests."""

    pauses = 0

    def paused(self, *arguments: Any, **options: Any) -> None:
        self.pauses += 1
        super().paused(*arguments, **options)


def watching(expression: str) -> Any:
    def answer(session: Session) -> Action:
        session.add_watchpoint(expression)
        return Action.CONTINUE

    return answer


@pytest.mark.parametrize(
    ("answers", "locations", "stops", "most"),
    [
        ([], ["never"], 0, 1),
        ([], ["run"], 1, 1),
        ([Action.NEXT] * 3, ["run"], 4, 8),
        ([Action.FINISH], ["loop"], 3, 5),
        ([watching("$globals[0]")], ["run"], 2, 4),
        ([watching("$u8[9]")], ["run"], 9, 11),  # 0, 3, 2, 1, 0 in each loop
    ],
    ids=["elsewhere", "entry", "next", "finish", "global", "memory"],
)
def test_a_guest_pauses_only_where_it_may_stop(answers, locations, stops, most) -> None:
    front = Front(*answers)
    session = Counted(front)
    for location in locations:
        session.add_breakpoint(location)
    guest = Guest(wat(TEXT))
    session.attach("guest", guest.store)
    guest("run")
    assert len(front.places) == stops
    assert session.pauses <= most


def test_a_step_makes_no_code(monkeypatch) -> None:
    def unexpected(*_: Any) -> Any:
        raise AssertionError("a step of an instruction needs no other code than the function's own")

    monkeypatch.setattr("zenowasm.debugger.session.also_pausing", unexpected)
    front = Front(*[Action.STEP] * 50)
    session = Counted(front)
    session.add_breakpoint("run")
    guest = Guest(wat(TEXT))
    session.attach("guest", guest.store)
    guest("run")
    assert len(front.places) == 51
    assert session.pauses <= 53
