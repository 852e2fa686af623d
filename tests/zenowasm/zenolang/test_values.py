import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.zenolang import values
from zenowasm.zenolang.errors import NestingError, OperationError, SizeLimitError
from zenowasm.zenolang.limits import ScriptLimits

TEXT = st.text()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_json_round_trip(value: object):
    assert values.from_json(values.to_json(value)) == value


@given(st.integers())
def test_json_keeps_integers_exact(number: int):
    result = values.from_json(values.to_json(number))
    assert result == number
    assert type(result) is int


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10.0, "10"), (2.5, "2.5"), (1e300, "1e+300"), ([1.0, {"a": 2.0}], '[1,{"a":2}]'), ("é", '"é"')],
)
def test_to_json(value: object, expected: str):
    assert values.to_json(value) == expected


@pytest.mark.parametrize("source", ["", "{", "NaN", "-Infinity", "1e999", '"\\ud800"', "[" * 100_000, "1" * 5000])
def test_from_json_refuses(source: str):
    with pytest.raises(OperationError, match="invalid JSON"):
        values.from_json(source)


@pytest.mark.parametrize("source", ["1e999", "[-1e999]", "1" * 5000])
def test_from_json_says_that_a_number_is_too_large(source: str):
    with pytest.raises(OperationError, match=r"^invalid JSON: a number is too large$"):
        values.from_json(source)


@pytest.mark.parametrize("value", [object(), b"bytes", float("nan"), {"a": {1, 2}}])
def test_to_json_refuses(value: object):
    with pytest.raises(OperationError, match="no JSON form"):
        values.to_json(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (True, "true"), (False, "false"), (10.0, "10"), (0.5, "0.5"), (7, "7"), ([1], "[1]"), ("a", "a")],
)
def test_text(value: object, expected: str):
    assert values.text(value) == expected


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", "0", "false", [], {}])
def test_falsy(value: object):
    assert not values.truthy(value)


@pytest.mark.parametrize("value", [True, 1, -1, 0.5, "no", "t", [0], {"a": 0}])
def test_truthy(value: object):
    assert values.truthy(value)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True),
        (1, "1", True),
        ("007", 7, False),
        (True, "true", True),
        (True, 1, False),
        (False, 0, False),
        (None, "", False),
        (None, None, True),
        ([1, [True]], [1, [True]], True),
        ([1], [True], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        (2**60, 2**60 + 1, False),
    ],
)
def test_equal(left: object, right: object, expected: bool):
    assert values.equal(left, right) is expected
    assert values.equal(right, left) is expected


@given(VALUES)
def test_every_value_equals_itself(value: object):
    assert values.equal(value, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        (1, "<", 2, True),
        (2, "<=", 2, True),
        (3, ">", 3, False),
        (3, ">=", 3.0, True),
        (10, ">", "9", True),
        ("9.5", "<", 10, True),
        ("a", "<", "b", True),
        ("10", "<", "9", True),
    ],
)
def test_ordered(left: object, operator: str, right: object, expected: bool):
    assert values.ordered(operator, left, right) is expected


@pytest.mark.parametrize(("left", "right"), [(1, "a"), (None, 1), ([1], [2]), (True, 0)])
def test_what_has_no_order(left: object, right: object):
    with pytest.raises(OperationError, match="cannot order"):
        values.ordered("<", left, right)


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        (1, "+", 2, 3),
        ("a", "+", None, "a"),
        (1, "+", "1", "11"),
        ([1], "+", [2], [1, 2]),
        (6, "/", 2, 3),
        (7, "/", 2, 3.5),
        (2**100 * 3, "/", 3, 2**100),
        (-7, "%", 3, -1),
        (7, "%", -3, 1),
        (-7.5, "%", 2, -1.5),
        (2, "*", 0.5, 1.0),
    ],
)
def test_calculate(left: object, operator: str, right: object, expected: object):
    result = values.calculate(operator, left, right)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("left", "operator", "right", "message"),
    [
        (1, "/", 0, "division by zero"),
        (1, "%", 0, "division by zero"),
        (1.5, "%", 0, "division by zero"),
        (1e308, "*", 10, "too large"),
        (2**2000 + 1, "/", 2, "too large"),
        (1, "+", None, "not int and nil"),
        (True, "+", 1, "not bool and int"),
        ("a", "-", 1, "not string and int"),
    ],
)
def test_calculate_refuses(left: object, operator: str, right: object, message: str):
    with pytest.raises(OperationError, match=message):
        values.calculate(operator, left, right)


@given(st.integers(), st.integers().filter(bool))
def test_the_remainder_belongs_to_division_towards_zero(left: int, right: int):
    remainder = values.calculate("%", left, right)
    assert isinstance(remainder, int)
    assert (left - remainder) % right == 0
    assert abs(remainder) < abs(right)
    assert remainder == 0 or (remainder < 0) == (left < 0)


def test_measure_counts_shared_values_every_time():
    shared = [1, 2]
    assert values.measure([shared, shared], ScriptLimits()) == 7


def test_measure_limits_nesting():
    deep: list[object] = []
    for _ in range(64):
        deep = [deep]
    with pytest.raises(NestingError, match="64 deep"):
        values.measure(deep, ScriptLimits())
    values.measure(deep[0], ScriptLimits())


@pytest.mark.parametrize("value", ["x" * 100, [1] * 100, {"x" * 100: 1}, 2**100])
def test_measure_limits_size(value: object):
    with pytest.raises(SizeLimitError):
        values.measure(value, ScriptLimits(value_size=99, integer_bits=99))


def test_measure_stops_at_a_value_that_unfolds_without_end():
    value: list[object] = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(SizeLimitError):
        values.measure(value, ScriptLimits(value_size=1000))


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (1, "int", True),
        (True, "int", False),
        (True, "bool", True),
        (1, "float", True),
        (None, "int", False),
        (None, "any", True),
        ({}, "map", True),
    ],
)
def test_has_type(value: object, name: str, expected: bool):
    assert values.has_type(value, name) is expected
