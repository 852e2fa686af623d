"""Variables of C and Rust, whose values follow from the programs in ``sources``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define
from support.debugged import c_at, cpp, rust_at, scopes
from support.engines import Guest
from support.looking import look

from zenowasm.debugger import Action, DebuggerError, Resume, Session, Stop


def test_structures_unions_enumerations_arrays_and_bit_fields_of_c() -> None:
    looker = look(
        c_at("-O0"),
        "records.c:41",
        3,
        expressions=(
            "nodes[2]",
            "nodes[1].weights[1][2]",
            "*nodes[2].next",
            "counter",
            "&counter == 0",
            "nodes[1].neg",
        ),
    )
    (seen,) = looker.seen
    assert seen["total"] == str((0 + 1) * (0 + 2) + (1 + 1) * (-1 + 2) + (2 + 1) * (-2 + 2))
    assert (seen["n"], seen["list"], seen["yes"], seen["big"]) == ("3", "0x0", "true", "-5000000000")
    assert seen["text"].endswith(' "hello"')
    assert seen["counter"] == str(7 + 0 + 1 + 2)
    assert (seen["nodes[1].weights[1][2]"], seen["nodes[1].neg"], seen["&counter == 0"]) == ("0.5", "-1", "0")
    one = seen["*nodes[2].next"]
    assert one.startswith('{name = "node1", at = {x = 1, y = -1}, next = 0x')
    assert one.endswith(
        "colour = BLUE, flag = 1, neg = -1, bits = {f = 1.5, u = 1069547520}, "
        "weights = {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.5}}}"
    )
    assert "colour = GREEN, flag = 2, neg = -2" in seen["nodes[2]"]


def test_parameters_by_value_at_every_call() -> None:
    looker = look(c_at("-O0"), "area", 3, expressions=("p.x", "p.y"))
    assert [(it["p.x"], it["p.y"]) for it in looker.seen] == [("2", "-2"), ("1", "-1"), ("0", "0")]
    assert [it["p"] for it in looker.seen] == ["{x = 2, y = -2}", "{x = 1, y = -1}", "{x = 0, y = 0}"]


def test_only_what_is_in_scope_is_visible() -> None:
    inside = look(c_at("-O0"), "records.c:19", 1).seen[0]
    assert {"i", "one", "list", "n"} <= set(inside)
    assert "i" not in look(c_at("-O0"), "records.c:41", 1).seen[0]


def test_what_was_optimised_out_says_so() -> None:
    (seen,) = look(c_at("-O2"), "records.c:41", 3).seen
    assert seen["n"] == "3"
    assert seen["big"] == "<it was optimised out>"
    with pytest.raises(DebuggerError, match="big has no value here: it was optimised out"):
        look(c_at("-O2"), "records.c:41", 3, expressions=("big + 1",))


def test_what_an_expression_cannot_find() -> None:
    for expression, message in (
        ("lsit", "there is no variable lsit: run has n, "),
        ("nodes[0].nam", "node has no member nam: it has name, at, next"),
        ("nodes[3]", "has 3 elements: expected 0 to 2, not 3"),
        ("n.x", "int has no members"),
        ("*n", "int is no pointer"),
        ("nodes + 1", "is no number"),
        ("n / 0", "3 / 0 cannot be computed"),
        ("*(&n)", "is a number, which has no target"),
    ):
        with pytest.raises(DebuggerError) as caught:
            look(c_at("-O0"), "records.c:41", 3, expressions=(expression,))
        assert message in str(caught.value)


def test_a_pointer_to_nowhere_is_shown_and_cannot_be_followed() -> None:
    looker = look(c_at("-O0"), "records.c:17", 0, expressions=("list",))
    assert looker.seen
    with pytest.raises(DebuggerError, match=r"bytes at 0x[0-9a-f]+ are not inside the memory"):
        look(c_at("-O0"), "records.c:41", 3, expressions=("list[100000000]",))


def test_enumerations_with_fields_strings_slices_and_vectors_of_rust() -> None:
    (seen,) = look(rust_at(0), "items.rs:54", 2, expressions=("shapes[1]", "COUNT", "*outer.next.Some.__0")).seen
    assert (seen["n"], seen["total"], seen["COUNT"]) == ("2", repr(3.0 * 2.5 * 2.5 + 3 * 4), "6")
    assert seen["numbers"] == "{0, 1}"
    assert seen["slice"] == "{Circle{__0 = 2.5}, Rect{w = 3, h = 4}}"
    assert seen["shapes"] == "{Empty, Circle{__0 = 2.5}, Rect{w = 3, h = 4}}"
    assert seen["shapes[1]"] == "Circle{__0 = 2.5}"
    fields = '{name = "item2", tag = "tag", shape = Rect{w = 3, h = 4}, next = None, marks = {1, 2, 3}, '
    assert seen["*outer.next.Some.__0"] == fields + "pair = {__0 = -2, __1 = true}, letter = 233 'é'}"
    assert seen["outer"].startswith('{name = "outer", tag = "", shape = Empty, next = Some{__0 = 0x')


def test_optimised_rust_shows_what_is_left() -> None:
    (seen, *_) = look(rust_at(2), "items.rs:51", 2).seen
    assert seen["shapes"] == "{Empty, Circle{__0 = 2.5}, Rect{w = 3, h = 4}}"
    assert seen["total"] == "30.75"


def test_classes_references_templates_and_namespaces_of_cpp() -> None:
    expressions = ("total", "base->id", "item.kind == 7", "numbers[2]", "pair.second * 2", "item.id * 2 + 1")
    (seen,) = look(cpp(), "shop.cpp:26", 4, expressions=expressions).seen
    assert seen["result"] == str(3 + 4 + 16 - 4)
    assert seen["item"] == "{{id = 4}, kind = Large, sold = false, price = -5}"
    assert seen["numbers"] == "{4, 16, -4}"
    assert seen["pair"] == "{first = 1.5, second = 2.5}"
    assert [seen[it] for it in expressions] == ["3", "4", "1", "-4", "5.0", "9"]


@pytest.mark.parametrize("name", ["Item::cost", "shop::Item::cost"])
def test_a_method_is_found_by_its_class(name) -> None:
    looker = look(cpp(), name, 4, expressions=("this->id", "this->kind"))
    assert [it["this->kind"] for it in looker.seen] == ["Large"]
    assert looker.lines == ["shop.cpp:11"]


def test_a_method_of_any_class() -> None:
    assert sorted(look(cpp(), "cost", 4).lines) == ["shop.cpp:11", "shop.cpp:5"]


@pytest.mark.parametrize(("line", "x"), [(5, "8"), (7, "7")])
def test_an_inner_variable_hides_an_outer_one(line, x) -> None:
    assert look(scopes(), f"scopes.c:{line}", 7).seen[-1]["x"] == x
    assert look(scopes(), f"scopes.c:{line}", 7, expressions=("x + 0",)).seen[-1]["x + 0"] == x


def test_a_function_stops_at_its_opening_line_with_its_arguments() -> None:
    (seen,) = look(scopes(), "scopes.c:1", 7).seen
    assert seen["n"] == "7"


@define
class Asking:
    """Evaluates expressions at the first stop, and checks the values while their memory is as it was there."""

    expressions: tuple[str, ...]
    check: Callable[..., None]
    stops: int = 0

    def stopped(self, session: Session, stop: Stop) -> Resume:
        self.stops += 1
        if self.stops == 1:
            self.check(*map(session.evaluate, self.expressions))
        return Resume(Action.CONTINUE)


def check(binary: Path, location: str, argument: int, expressions: tuple[str, ...]) -> Callable[..., None]:
    """A decorator that runs a function with the values of expressions at a location."""

    def decorate(check: Callable[..., None]) -> None:
        asking = Asking(expressions, check)
        session = Session(asking)
        session.add_breakpoint(location)
        guest = Guest(binary.read_bytes(), "reference")
        session.attach("program", guest.store)
        guest("run", argument)
        assert asking.stops

    return decorate


def parts(value, start=0, count=10) -> dict:
    """The parts of a value by the expression that selects each from ``x``."""
    return {f"{it.before}x{it.after}": it for it in value.parts(start, count)}


def texts(value, start=0, count=10) -> dict:
    return {
        expression: it.value if isinstance(it.value, str) else it.value.text()
        for expression, it in parts(value, start, count).items()
    }


def test_the_parts_of_values_of_c() -> None:
    @check(c_at("-O0"), "records.c:41", 3, ("nodes", "nodes[2].next", "nodes[0].next", "counter"))
    def _(nodes, pointer, null, number) -> None:
        assert (nodes.part_count(), nodes.has_elements()) == (3, True)
        assert list(parts(nodes, 1, 1)) == ["x[1]"]
        assert list(parts(nodes, 1)) == ["x[1]", "x[2]"]
        assert not parts(nodes, 3) and not pointer.has_elements()
        members = texts(pointer)
        assert list(members)[:4] == ["x->name", "x->at", "x->next", "x->colour"]
        assert (members["x->at"], members["x->neg"]) == ("{x = 1, y = -1}", "-1")
        assert texts(parts(pointer)["x->at"].value) == {"x.x": "1", "x.y": "-1"}
        weights = parts(pointer)["x->weights"].value
        assert texts(weights) == {"x[0]": "{0.0, 0.0, 0.0}", "x[1]": "{0.0, 0.0, 0.5}"}
        assert texts(parts(weights)["x[1]"].value, 2) == {"x[2]": "0.5"}
        assert [it.part_count() for it in (pointer, null, number)] == [8, 0, 0]


def test_the_parts_of_values_of_rust() -> None:
    expressions = ("numbers", "slice", "shapes[1]", "outer", "*outer.next.Some.__0", "outer.name", "outer.tag")

    @check(rust_at(0), "items.rs:54", 2, expressions)
    def _(numbers, slice_, circle, outer, inner, name, tag) -> None:
        assert texts(numbers) == {"x[0]": "0", "x[1]": "1"}
        assert texts(numbers, 1, 5) == {"x[1]": "1"}
        assert texts(slice_, 1) == {"x[1]": "Rect{w = 3, h = 4}"}
        assert texts(circle) == {"x.Circle": "{__0 = 2.5}"}
        assert texts(outer)["x.name"] == '"outer"'
        assert texts(parts(inner)["x.pair"].value) == {"x.__0": "-2", "x.__1": "true"}
        assert [it.part_count() for it in (name, tag)] == [0, 0]


def test_the_elements_of_rust_vectors_and_slices_in_expressions() -> None:
    (seen,) = look(rust_at(0), "items.rs:54", 2, expressions=("numbers[1]", "slice[1]")).seen
    assert (seen["numbers[1]"], seen["slice[1]"]) == ("1", "Rect{w = 3, h = 4}")
    with pytest.raises(DebuggerError, match="has 2 elements, found the index 2"):
        look(rust_at(0), "items.rs:54", 2, expressions=("numbers[2]",))


def test_the_parts_of_a_base_class_of_cpp() -> None:
    @check(cpp(), "shop.cpp:26", 4, ("item",))
    def _(item) -> None:
        base, kind, *_ = item.parts(0, 10)
        assert (base.name, base.value.text(), base.before + base.after) == ("(anonymous)", "{id = 4}", "")
        assert (kind.name, kind.value.text(), kind.after) == ("kind", "Large", ".kind")
