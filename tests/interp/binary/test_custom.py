"""The name section: whatever is in it, the module stays well-formed and what can be read is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import everything, name_map, name_section
from support.wasm import custom, module, name, u, vec

from zenowasm.interp.binary import Names, decode, decode_names

MODULE, FUNCTIONS, LOCALS = 0, 1, 2


def names_of(*sections: bytes) -> Names:
    return decode_names(decode(module(*sections)))


def test_without_a_name_section_there_are_no_names() -> None:
    assert names_of(custom("other", b"\0\2\1m")) == Names()


def test_module_functions_and_locals_have_names() -> None:
    locals_ = vec([u(3) + name_map({0: "a", 2: "b"}), u(4) + name_map({})])
    found = names_of(
        name_section((MODULE, name("mod")), (FUNCTIONS, name_map({0: "f", 3: "größe"})), (LOCALS, locals_))
    )
    assert found.module == "mod"
    assert dict(found.functions) == {0: "f", 3: "größe"}
    assert dict(found.locals[3]) == {0: "a", 2: "b"}
    assert not found.locals.get(4)


def test_the_names_of_a_real_module() -> None:
    found = decode_names(decode(everything()))
    assert found.module == "everything"
    assert dict(found.functions) == {0: "log", 1: "sum", 2: "start", 3: "pair", 4: "loop"}
    assert dict(found.locals[4]) == {0: "n", 1: "sum", 2: "bit"}


def test_unknown_subsections_are_passed_over() -> None:
    assert names_of(name_section((9, b"\xff\xff"), (FUNCTIONS, name_map({1: "f"})))).functions == {1: "f"}


@pytest.mark.parametrize(
    "damaged",
    [
        (FUNCTIONS, u(3) + u(0) + name("first") + u(1)),  # ends within the second name
        (FUNCTIONS, u(2) + u(0) + name("first") + u(1) + b"\x02\xff\xff"),  # is not UTF-8
        (FUNCTIONS, u(2) + u(0) + name("first") + u(1) + u(200) + b"short"),
    ],
)
def test_what_was_read_before_the_damage_stands(damaged: tuple[int, bytes]) -> None:
    found = names_of(name_section((MODULE, name("mod")), damaged))
    assert found.module == "mod"
    assert dict(found.functions) == {0: "first"}


def test_a_subsection_beyond_the_section_does_not_hide_the_ones_before_it() -> None:
    section = custom("name", b"\0\4\3mod" + b"\1\x7f\1")
    assert names_of(section).module == "mod"


@given(st.binary(max_size=60))
def test_no_contents_of_a_name_section_are_an_error(contents: bytes) -> None:
    names_of(custom("name", contents))


def test_a_claim_of_many_names_costs_nothing() -> None:
    assert names_of(name_section((FUNCTIONS, u(2**32 - 1)))).functions == {}
