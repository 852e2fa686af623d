"""The debugger's expressions: what C computes for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import number, parse


class Numbers:
    """Names that mean numbers."""

    def value(self, name: str):
        return {"n": 7, "$0": -2, "x::y": 3, "f": 0.5}[name]


def value(text: str):
    return number(parse(text)(Numbers()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / -2", -3),
        ("1 << 4 | 1", 17),
        ("6 & 3 == 3", 0),
        ("n > 3 && $0 < 0", 1),
        ("n < 3 || f", 1),
        ("0 && 1 / 0", 0),
        ("1 || 1 / 0", 1),
        ("!n", 0),
        ("true && !false", 1),
        ("~0", -1),
        ("- - n", 7),
        ("x::y*n", 21),
        ("0x10 + 'a'", 113),
        ("'\\n'", 10),
        ("f * 4", 2.0),
        ("1 <= 1 != 0", 1),
        ("5 ^ 1", 4),
    ],
)
def test_values(text, expected) -> None:
    assert value(text) == expected


@given(st.integers(-1000, 1000), st.integers(-1000, 1000).filter(bool))
def test_division_truncates_as_that_of_c_does(a, b) -> None:
    assert value(f"({a}) / ({b})") * b + value(f"({a}) % ({b})") == a
    assert abs(value(f"({a}) % ({b})")) < abs(b)
    assert value(f"({a}) % ({b})") * a >= 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read the expression '' at its end"),
        ("1 +", "at its end"),
        ("(1", "at its end"),
        ("1 2", "at `2`"),
        ("a ? b", "at `? b`"),
        ("n[1", "at its end"),
        ("n.", "at its end"),
        (")", "at `)`"),
        ("(" * 60, "nested too deeply"),
        ("-" * 60 + "1", "nested too deeply"),
        ("1" * 1001, "longer than 1000 characters"),
    ],
)
def test_what_is_no_expression(text, message) -> None:
    with pytest.raises(DebuggerError) as caught:
        parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["1 / 0", "1 << 64", "1 << -1", "1 >> -1", "f % 0"])
def test_what_cannot_be_computed(text) -> None:
    with pytest.raises(DebuggerError, match="cannot be computed"):
        value(text)
