"""JSON from guests and to guests: numbers, nesting, bytes that are not text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.guest.jsonvalue import (
    MAX_NESTING,
    MAX_VALUES,
    JSONError,
    encode,
    is_encodable,
    parse_first,
    parse_whole,
)

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' \n\t{"a":1} trailing { garbage \xff', {"a": 1}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'{"\\ud800":["\\udfff x"]}', {"\ufffd": ["\ufffd x"]}),
        (b"10.0", 10),
        (b"1e3", 1000),
        (b"0.5", 0.5),
        (b"12345678901234567890", 12345678901234567890),
        (b"12 13", 12),
        (b"null", None),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
        (b"[" * MAX_NESTING + b"]" * MAX_NESTING + b"[" * 1000, None),
    ],
)
def test_the_first_value_is_taken(data, value):
    parsed = parse_first(data)
    if value is not None or data == b"null":
        assert parsed == value
        assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b"  \n", "unexpected end of JSON input"),
        (b"{", "at byte 1"),
        ('{"ä" x'.encode(), "at byte 6"),
        (b'"\xff"', "invalid UTF-8 at byte 1"),
        (b'{"a":1\xff}', "invalid UTF-8 at byte 6"),
        (b"NaN", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"1e400", "number out of range"),
        (b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), "nested deeper than 128 levels at byte 128"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b'"' + b'\\"' * 500_000, "^Unterminated string starting at byte 0$"),
        (b'["a\tb"]', "^Invalid control character at byte 3$"),
        (b"[" * 200 + b'"' + b'\\"' * 500_000, "nested deeper"),
        (b"9" * 5000, "^number out of range: an integer of more than 4300 digits$"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
    ],
)
def test_what_is_not_json_is_one_clear_error(data, message):
    with pytest.raises(JSONError, match=message):
        parse_first(data)


@given(values)
def test_what_is_encoded_comes_back(value):
    data = encode(value)
    assert b"\0" not in data
    back = parse_first(data)
    assert back == value
    assert json.loads(data) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_integral_floats_travel_as_integers(number):
    data = encode(number)
    assert float(data) == number
    if number.is_integer() and abs(number) < 1e21:
        assert data.decode().lstrip("-").isdigit()


@given(st.binary(max_size=80))
def test_no_bytes_make_another_exception(data):
    try:
        value = parse_first(data)
    except JSONError:
        return
    encode(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.inf, "value has no JSON form: inf"),
        ({"a": [1, math.nan]}, r"a\[1\] has no JSON form: nan"),
        ({"a": {"b": object()}}, "a.b has no JSON form: object"),
        ({"a": {1: 2}}, "a has a key that is not a string: int"),
        ({"n": 1 << 5000}, "n is an integer of 5001 bits"),
        (b"bytes", "value has no JSON form: bytes"),
    ],
)
def test_what_has_no_json_form_is_named(value, message):
    assert not is_encodable(value)
    with pytest.raises(JSONError, match=message):
        encode(value)


def test_a_lone_surrogate_of_the_host_becomes_a_replacement_character():
    assert encode({"a": "x\ud800y"}) == '{"a":"x\ufffdy"}'.encode()


@pytest.mark.parametrize("data", [b" 1 ", b"[1.0]\n", b'{"a":"\\ud800"}', b"null"])
def test_a_whole_value_is_the_first_one(data):
    assert parse_whole(data) == parse_first(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1 2", "unexpected text after the value at byte 1"),
        ('"ä" x'.encode(), "unexpected text after the value at byte 4"),
        (b"{}\0", "unexpected text after the value at byte 2"),
        (b"{}\xff", "invalid UTF-8 at byte 2"),
        (b"", "unexpected end of JSON input"),
    ],
)
def test_what_follows_a_whole_value_is_an_error(data, message):
    with pytest.raises(JSONError) as caught:
        parse_whole(data)
    assert str(caught.value) == message


def test_tuples_are_lists():
    assert encode((1, (2.0,))) == b"[1,[2]]"


@pytest.mark.parametrize(
    ("data", "accepted"),
    [
        (b"[" + b"1," * (MAX_VALUES - 2) + b"1]", True),
        (b"[" + b"1," * MAX_VALUES + b"1]", False),
        (b"[" + b"[]," * MAX_VALUES + b"[]]", False),
        (b'{"a":"' + b",:[" * MAX_VALUES + b'"}', True),
        (b'"' + b'\\",' * MAX_VALUES + b'"', True),
        (b'"' + b"," * (MAX_VALUES + 1), False),
    ],
)
def test_values_are_counted_and_what_stands_in_strings_is_not(data, accepted):
    if accepted:
        parse_first(data)
        return
    with pytest.raises(JSONError, match=f"more than {MAX_VALUES} values|Unterminated string"):
        parse_first(data)
