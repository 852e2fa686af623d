"""Random programs, stopped at and looked at before every instruction: nothing changes, and everything has a type."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import Guest, Outcome, state
from support.programs import Program, arguments, program

from zenowasm.debugger import Action, Reason, Resume, Session, Stop
from zenowasm.interp.types import F32, F64

_STOPS = 2_000


class Looker:
    """Looks at everything at each stop."""

    def __init__(self) -> None:
        self.stops = 0
        self.trapped = False

    def stopped(self, session: Session, stop: Stop) -> Resume:
        self.stops += 1
        self.trapped = self.trapped or stop.reason is Reason.TRAP
        view = session.frame()
        operands = view.operands()
        assert len(operands) == len(view.frame.stack)
        for variable in (*operands, *view.locals(), *view.globals()):
            assert variable.text
            assert isinstance(variable.value, float) is (variable.type in (F32, F64))
        assert session.listing(2)
        session.backtrace()
        return Resume(Action.STEP if self.stops < _STOPS else Action.CONTINUE)


def run(made: Program, guest: Guest) -> tuple[list[Outcome], object]:
    outcomes = []
    for choice, (export, signature) in enumerate(made.exports):
        outcomes.append(guest.outcome(export, *arguments(signature, choice)))
        guest["g0"].set(60)
    return outcomes, state(guest.instance)


@settings(max_examples=60)
@given(st.binary(max_size=100) | st.binary(min_size=200, max_size=600))
def test_a_program_does_the_same_while_it_is_looked_at(tape: bytes) -> None:
    made = program(tape)
    watched = Guest(made.binary)
    looker = Looker()
    Session(looker, stop_at_start=True).attach("random", watched.store)
    outcomes = run(made, watched)
    assert outcomes == run(made, Guest(made.binary))
    assert looker.stops >= 1
    if any(outcome.trap for outcome in outcomes[0]):
        assert looker.trapped or looker.stops >= _STOPS
