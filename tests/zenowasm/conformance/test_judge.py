"""Comparing observations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.conformance.judge import Difference, faults, first_difference, matches
from zenowasm.conformance.scenario import UNSAID

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_nothing_differs_from_itself(value):
    assert first_difference(value, value) is None


@given(VALUES, VALUES)
def test_a_difference_is_found_from_both_sides(left, right):
    assert (first_difference(left, right) is None) == (first_difference(right, left) is None)


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "a[1]"),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": None}}, "a.c"),
        ([1], [1, 2], "[1]"),
        (1, True, ""),
        (1, 1.0, ""),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, "a"),
        ("x", ["x"], ""),
    ],
)
def test_where_values_differ(left, right, path):
    found = first_difference(left, right)
    assert found is not None
    assert found.path == path


def test_both_values_are_told():
    assert first_difference({"a": 1}, {"a": 2}) == Difference("a", 1, 2)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ("exact", "exact", True),
        ("exact", "exactly", False),
        ("a...z", "a to z", True),
        ("a...z", "a to y", False),
        ("...", "line\nline", True),
        ("a.c...", "abc", False),
        ({"a": "..."}, {"a": "x"}, True),
        ({"a": "..."}, {"a": [1]}, True),
        ({"a": "..."}, {"a": None}, False),
        ({"a": "..."}, {"a": "x", "b": 1}, False),
        ([1, "..."], [1, "x"], True),
        ([1], [1, 2], False),
        (1, True, False),
        (0, None, False),
    ],
)
def test_matches(wanted, found, expected):
    assert matches(wanted, found) is expected


def test_faults_look_only_at_what_is_expected():
    seen = {"data": {"a": 1}, "fuel": 7}
    assert list(faults({"data": {"a": 1}, "error": UNSAID}, seen)) == []
    assert list(faults({"data": None}, seen)) == ["data: expected None, found {'a': 1}"]
    assert list(faults({"data": {"a": 2}}, seen, "steps[0].")) == ["steps[0].data: expected {'a': 2}, found {'a': 1}"]
    assert list(faults({"missing": 1}, seen)) == ["missing: expected 1, found None"]
