"""A front that follows a script, and guests to stop in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from attrs import define, field
from support.engines import Guest
from support.wasm import wat

from zenowasm.debugger import Action, Resume, Session, Stop

FACTORIAL = """
(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func $fac (export "fac") (param $n i64) (result i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (if (result i64) (i64.eqz (local.get $n))
      (then (i64.const 1))
      (else (i64.mul (local.get $n) (call $fac (i64.sub (local.get $n) (i64.const 1)))))))
  (func $twice (export "twice") (param i64) (result i64)
    (call $fac (local.get 0)) (call $fac (local.get 0)) i64.add)
  (func $spin (export "spin") (param $left i32)
    (loop $again
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func $divide (export "divide") (param $a i32) (param $b i32) (result i32) (local $c f32)
    (local.set $c (f32.const 1.5))
    (i32.add (i32.const 7) (i32.div_s (local.get $a) (local.get $b))))
  (func $outer (export "outer") (param $x i32) (result i32)
    (i32.add (call $divide (i32.const 8) (local.get $x)) (i32.const 100)))
  (data (i32.const 16) "Hello"))
"""


@define
class Script:
    """Answers each stop with the next of its answers, and with ``continue`` after the last.

    An answer is an action, a ``Resume``, or a function of the session that looks around and returns one.
    """

    answers: list[Any]
    stops: list[tuple[str, str, int]] = field(factory=list)
    whole: list[Stop] = field(factory=list)

    def stopped(self, session: Session, stop: Stop) -> Resume:
        view = session.frame()
        self.stops.append((stop.reason.value, view.function, view.pc))
        self.whole.append(stop)
        answer = self.answers.pop(0) if self.answers else Action.CONTINUE
        if callable(answer) and not isinstance(answer, Action):
            answer = answer(session)
        return answer if isinstance(answer, Resume) else Resume(answer)


@define
class Debugged:
    """A guest under a session."""

    binary: bytes
    guest: Guest
    session: Session
    script: Script

    def __call__(self, export: str, *arguments: Any) -> Any:
        return self.guest(export, *arguments)

    @property
    def stops(self) -> list[tuple[str, str, int]]:
        return self.script.stops


@pytest.fixture
def debugged() -> Callable[..., Debugged]:
    def make(*answers: Any, at: Iterable[str] = (), text: str = FACTORIAL, **guest: Any) -> Debugged:
        script = Script(list(answers))
        session = Session(script, stop_at_start=not at)
        for location in at:
            session.add_breakpoint(location)
        binary = wat(text)
        made = Guest(binary, **guest)
        session.attach("guest", made.store)
        return Debugged(binary, made, session, script)

    return make
