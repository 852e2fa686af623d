"""Debugging at source level: breakpoints on lines, conditions, and what is not known."""

from __future__ import annotations

import shutil
from importlib import util

import pytest
from attrs import define, evolve, field
from support.debugged import RECORDS, c_at, stripped_c
from support.engines import Guest

from zenowasm.debugger import Action, DebuggerError, Resume, Session, Stop
from zenowasm.debugger.expressions import number
from zenowasm.interp.binary import decode, encode


@define
class Front:
    """Answers each stop by a function of the session, in turn, and goes on after the last."""

    answers: list
    stops: list[tuple[str, str]] = field(factory=list)

    def stopped(self, session: Session, stop: Stop) -> Resume:
        view = session.frame()
        self.stops.append((stop.reason.value, str(view.source_line)))
        answer = self.answers.pop(0) if self.answers else Action.CONTINUE
        return Resume(answer if isinstance(answer, Action) else answer(session) or Action.CONTINUE)

    def logged(self, session: Session, text: str) -> None:
        raise AssertionError(text)


def run(program: bytes, *answers, breakpoints=(), argument: int = 3, **options) -> tuple[Session, Front]:
    front = Front(list(answers))
    session = Session(front, **options)
    for location, condition in breakpoints:
        session.add_breakpoint(location, condition)
    guest = Guest(program, "reference")
    session.attach("program", guest.store)
    guest("run", argument)
    return session, front


@pytest.fixture(scope="module")
def program() -> bytes:
    return c_at("-O0").read_bytes()


def test_a_breakpoint_stops_where_its_condition_holds(program) -> None:
    seen = []
    session, _ = run(
        program,
        *[lambda session: seen.append(session.evaluate("i").number())] * 9,
        breakpoints=[("records.c:18", "i % 2 == 1 && n > 4")],
        argument=6,
    )
    assert seen == [1, 3, 5]
    assert [it.hits for it in session.breakpoints] == [3]


def test_a_condition_that_cannot_be_computed_stops_and_says_why(program) -> None:
    session, front = run(program, breakpoints=[("records.c:33", "nothing > 1")])
    assert front.stops == [("breakpoint", "records.c:33")]
    assert next(it.problem for it in session.breakpoints if it.problem).startswith("there is no variable nothing")


def test_a_breakpoint_is_ignored_so_many_times(program) -> None:
    def ignore(session: Session) -> None:
        session.ignore(1, 2)

    _, front = run(program, ignore, breakpoints=[("records.c:18", None)], argument=5)
    assert len(front.stops) == 1 + 5 - 1 - 2
    with pytest.raises(DebuggerError, match="there is no breakpoint 7"):
        Session(front).ignore(7, 1)


def test_a_function_stops_where_it_has_its_arguments(program) -> None:
    values = []
    run(program, lambda session: values.append(session.evaluate("n").number()), breakpoints=[("run", None)], argument=5)
    assert values == [5]


def test_members_bit_fields_and_elements_are_changed_and_nothing_beside_them(program) -> None:
    changes = {
        "list->at.x": 10,
        "list->flag": 6,
        "list->neg": -3,
        "list->colour": 6,
        "list->name[0]": 78,
        "list->weights[0][1]": 2.5,
        "counter": -1,
        "yes": 1,
        "total": 100,
    }
    before = {"list->at.y": -2, "list->weights[1][2]": 1.0, "list->weights[0][0]": 0.0, "list->name[4]": ord("2")}
    seen = []

    def change(session: Session) -> None:
        for target, value in changes.items():
            session.assign(target, str(value) if target != "yes" else "true")
        seen.append({it: number(session.evaluate(it)) for it in (*changes, *before)})
        for target, value, message in [
            ("list->flag", "8", "8 does not fit into the 3 bits"),
            ("list->at", "1", "change its members"),
            ("list->at.x", "0.5", "takes an integer"),
        ]:
            with pytest.raises(DebuggerError, match=message):
                session.assign(target, value)

    run(program, change, breakpoints=[("records.c:36", None)])
    assert seen == [changes | before]


def test_a_variable_in_a_local_is_changed_in_optimised_code() -> None:
    seen = []

    def change(session: Session) -> None:
        session.assign("n", "2")
        seen.append(number(session.evaluate("n")))

    run(c_at("-O2").read_bytes(), change, breakpoints=[("run", None)], argument=5)
    assert seen == [2]


def test_a_watched_variable_stops_with_each_of_its_values(program) -> None:
    changes = []

    def watch(session: Session) -> None:
        session.add_watchpoint("counter")

    def look(session: Session) -> None:
        changes.append(number(session.evaluate("counter")))

    _, front = run(program, watch, *[look] * 5, breakpoints=[("run", None)], argument=4)
    assert changes == [8, 10, 13]  # from 7, by 0, 1, 2 and 3
    # The store is the last instruction of line 31, after which the loop of line 17 goes on.
    assert {line for reason, line in front.stops if reason == "watchpoint"} == {"records.c:17"}


def test_a_watchpoint_on_a_variable_of_a_call_ends_with_the_call(program) -> None:
    ended = []

    def watch(session: Session) -> None:
        session.add_watchpoint("w")

    def look(session: Session) -> None:
        ended.append((session.frame().function, dict(session.watchpoints)))

    run(program, watch, lambda _: None, look, breakpoints=[("area", None)], argument=1)
    assert ended == [("run", {})]


def test_the_source_is_found_where_a_map_says(program, tmp_path) -> None:
    moved = tmp_path / "elsewhere" / "records.c"
    moved.parent.mkdir()
    shutil.copyfile(RECORDS, moved)
    shown = []

    def listing(session: Session) -> None:
        view = session.frame()
        shown.append((view.program.source.path(view.source_line.file), session.source_listing(1)))

    run(program, listing, breakpoints=[("records.c:33", None)], source_maps={str(RECORDS.parent): str(moved.parent)})
    ((path, lines),) = shown
    assert path == moved
    text = RECORDS.read_text().splitlines()
    assert [(it.number, it.text, it.current) for it in lines] == [
        (32, text[31], False),
        (33, text[32], True),
        (34, text[33], False),
    ]


def test_a_source_that_is_not_there(program) -> None:
    def listing(session: Session) -> None:
        with pytest.raises(DebuggerError, match=r"/gone/records\.c cannot be read: name its folder by --source-map"):
            session.source_listing(1)

    _, front = run(program, listing, breakpoints=[("records.c:33", None)], source_maps={str(RECORDS.parent): "/gone"})
    assert front.stops


def test_a_file_that_was_probably_meant(program) -> None:
    session, _ = run(program, breakpoints=[("record.c:33", None), ("run", None)])
    assert session.nearest_function("record.c:33") == "records.c"
    assert [it.resolved for it in session.breakpoints] == [False, True]


def test_a_module_without_debugging_information_has_no_lines() -> None:
    def look(session: Session) -> None:
        assert session.frame().source_line is None
        assert session.frame().variables() == []
        with pytest.raises(DebuggerError, match="has no source lines: build it with debugging information"):
            session.source_listing(3)

    _, front = run(stripped_c().read_bytes(), look, breakpoints=[("run", None)])
    assert front.stops == [("breakpoint", "None")]


def test_malformed_information_is_one_note_and_the_session_goes_on(program) -> None:
    module = decode(program)
    customs = tuple(evolve(it, data=it.data[:10]) if it.name == ".debug_abbrev" else it for it in module.customs)
    problems = []

    def look(session: Session) -> None:
        problems.append(session.frame().program.source.problem)

    _, front = run(encode(evolve(module, customs=customs)), look, breakpoints=[("run+1", None)])
    assert front.stops == [("breakpoint", "None")]
    assert problems[0].startswith("the debugging information is malformed: ")


def test_without_the_package_that_reads_it(program, monkeypatch) -> None:
    found = util.find_spec
    monkeypatch.setattr("zenowasm.debugger.source.find_spec", lambda name: None if name == "elftools" else found(name))

    def look(session: Session) -> None:
        assert session.frame().program.source.problem == (
            "the module's source lines are not read: pip install 'zenowasm[debug]'"
        )

    _, front = run(program, look, breakpoints=[("run", None)])
    assert front.stops == [("breakpoint", "None")]
