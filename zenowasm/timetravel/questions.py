"""Questions about a whole replay, and their answers.

``who wrote PLACE``, ``calls FUNCTION``, ``values EXPRESSION at LOCATION``, ``when EXPRESSION``, ``origin PLACE``,
``diff TIME TIME``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from zenowasm.debugger.cells import LocalCell, OperandCell
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import parse, single
from zenowasm.debugger.inspection import computed
from zenowasm.debugger.watchpoints import watched_of, watchpoint
from zenowasm.timetravel.origins import place_of
from zenowasm.timetravel.places import Place
from zenowasm.timetravel.surveys import CallSurvey, PrintSurvey, Survey, TruthSurvey, WriteSurvey

if TYPE_CHECKING:
    from zenowasm.debugger.session import Session

USAGE: Final = (
    "who wrote PLACE",
    "calls FUNCTION",
    "values EXPRESSION at LOCATION",
    "when EXPRESSION",
    "origin PLACE",
    "diff TIME TIME",
)


@frozen
class Question:
    """A question: its text, and one of a survey, two times in fuel to compare, and a place whose value is followed."""

    text: str
    survey: Survey | None = None
    times: tuple[int, int] | None = None
    place: Place | None = None


@frozen
class Answer:
    """The answer to a question: lines for people, objects for JSON, and how many earlier ones are left out."""

    question: str
    lines: Sequence[str]
    rows: Sequence[Mapping[str, object]]
    left_out: int = 0

    def __str__(self) -> str:
        omitted = [f"... {self.left_out} earlier ones"] if self.left_out else []
        return "\n".join([*omitted, *(self.lines or ["never"])])

    def json(self) -> Mapping[str, object]:
        """Return it as the keys of a JSON object."""
        return {"question": self.question, "answer": list(self.rows), "left_out": self.left_out}


def question(text: str, session: Session) -> Question:
    """Parse a question where the session is stopped; raises ``DebuggerError``."""
    word, _, rest = text.strip().partition(" ")
    make = _QUESTIONS.get(word)
    if make is None or not rest.strip():
        raise DebuggerError(f"expected a question: {', '.join(USAGE)}")
    return make(text.strip(), rest.strip(), session)


def _who(text: str, rest: str, session: Session) -> Question:
    wrote, _, place = rest.partition(" ")
    if wrote != "wrote" or not place.strip():
        raise DebuggerError("expected `who wrote PLACE`, such as who wrote list->len or who wrote $u8[1024]")
    found = watchpoint(0, place.strip(), session.frame())
    if isinstance(found.watched, LocalCell):
        raise DebuggerError(f"{place} is a local of one call: `watch {place}` and reverse-continue lead to its writes")
    return Question(text, WriteSurvey(session, found))


def _calls(text: str, rest: str, session: Session) -> Question:
    if not session.knows_function(rest):
        near = session.nearest_function(rest)
        raise DebuggerError(f"there is no function {rest}" + (f"; did you mean {near}?" if near else ""))
    return Question(text, CallSurvey(session, rest))


def _values(text: str, rest: str, session: Session) -> Question:
    expression, at, location = rest.rpartition(" at ")
    if not at:
        raise DebuggerError("expected `values EXPRESSION at LOCATION`, such as values n at plugin.c:20")
    return Question(text, PrintSurvey(session, expression, parse(expression), location.strip()))


def _when(text: str, rest: str, session: Session) -> Question:
    expression, view = parse(rest), session.frame()
    computed(expression, view)  # whose names must be known here
    return Question(text, TruthSurvey(session, rest, expression, view.frame.function))


def _origin(text: str, rest: str, session: Session) -> Question:
    view = session.frame()
    result = single(computed(parse(rest), view))
    place = place_of(result if isinstance(result, OperandCell) else watched_of(result, view))
    if place is None:
        raise DebuggerError("only a variable, an operand, a global or bytes of memory can be followed to their origin")
    return Question(text, place=place)


def _diff(text: str, rest: str, session: Session) -> Question:
    words = rest.split()
    if len(words) != 2 or not all(it.isascii() and it.isdigit() and len(it) < 20 for it in words):
        raise DebuggerError("expected `diff TIME TIME`, such as diff 1200 4711")
    return Question(text, times=(int(words[0]), int(words[1])))


_QUESTIONS: Final[Mapping[str, Callable[[str, str, Session], Question]]] = {
    "who": _who,
    "calls": _calls,
    "values": _values,
    "when": _when,
    "origin": _origin,
    "diff": _diff,
}
