"""Answers to questions about a whole replay, which a machine runs for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zenowasm.timetravel.differences import differences
from zenowasm.timetravel.origins import MOST_MOVES, Move, WriteScan, executing
from zenowasm.timetravel.places import OperandPlace, Place
from zenowasm.timetravel.questions import Answer, Question
from zenowasm.timetravel.surveys import Row, Survey
from zenowasm.timetravel.times import DEEPEST, Time

if TYPE_CHECKING:
    from zenowasm.timetravel.machine import TimeMachine

_BEGINNING: Final = "as it was when the recorded run began"
_TOO_LONG: Final = "more moves are not followed"


def answer(machine: TimeMachine, question: Question, now: Time) -> Answer:
    """Answer a question that was asked at a time. The machine must go somewhere afterwards."""
    if question.survey is not None:
        return _surveyed(machine, question, question.survey)
    if question.place is not None:
        return _origin(machine, question, question.place, now)
    return _compared(machine, question)


def _surveyed(machine: TimeMachine, question: Question, survey: Survey) -> Answer:
    roots = [next(iter(machine.history)), *(it for it in machine.history if it.is_root)]
    ends = [*(it.time for it in roots[1:]), None]
    for root, end in zip(roots, ends, strict=True):
        survey.end = end
        machine.search_from(root, survey)
    machine.end_survey(survey)
    rows = sorted(survey.rows, key=lambda it: it.time)
    return Answer(question.text, [str(it) for it in rows], [it.json() for it in rows], survey.count - len(rows))


def _compared(machine: TimeMachine, question: Question) -> Answer:
    first, second = (machine.state_at(Time(it, -DEEPEST, 0)) for it in question.times or ())
    if first is None or second is None:
        return Answer(question.text, ["the replay ends before one of the times"], [])
    found = differences(first, second)
    return Answer(question.text, [str(it) for it in found] or ["no difference"], [it.json() for it in found])


def _origin(machine: TimeMachine, question: Question, start: Place, now: Time) -> Answer:
    """Follow a value back through the instructions that moved it."""
    place: Place | None = start
    end, moves = now, list[Move]()
    while place is not None and len(moves) < MOST_MOVES:
        scan = WriteScan(end, place)
        machine.last(scan)
        if scan.move is None:
            break
        moves.append(scan.move)
        place, end = _source(machine, scan.move)
    rows = [_row(machine, it) for it in moves]
    lines = [str(it) for it in rows]
    if place is not None:
        lines.append(_TOO_LONG if len(moves) == MOST_MOVES else _BEGINNING)
    return Answer(question.text, lines, [it.json() for it in rows])


def _source(machine: TimeMachine, move: Move) -> tuple[Place | None, Time]:
    """Return the place from which a value was moved, and the time until which to look for its write."""
    depth = move.time.depth
    if move.argument is not None:
        call = machine.before(move.time)
        if call is None or call.depth != depth - 1:
            return None, move.time  # the host has called
        first = machine.look(call, lambda frame: executing(frame, frame.pc, call).first)
        return None if first is None else OperandPlace(call.depth, first + move.argument), call
    if move.result is not None and move.after is not None:
        end = machine.before(move.after)
        if end is None or end.depth != depth + 1:
            return None, move.time  # a host function has returned
        length = machine.look(end, lambda frame: len(frame.stack))
        return None if length is None else OperandPlace(end.depth, length - 1 - move.result), end
    return move.source, move.time


def _row(machine: TimeMachine, move: Move) -> Row:
    program = machine.session.program_of(move.function)
    return Row.of(move.time, program, move.function.index, move.pc, str(move))
