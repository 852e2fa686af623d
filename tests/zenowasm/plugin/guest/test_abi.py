"""What guests answer, as data: lenient where the original is, strict where it would corrupt."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.errors import ReplyError
from zenowasm.plugin.guest.abi import (
    InputDefinition,
    Metadata,
    RequestEncoder,
    Response,
    parse_metadata,
    parse_response,
    parse_slots,
)


def test_metadata():
    data = b'{"name":"n","version":"1","author":"a","description":"d","license":"l","homepage":"h","config":{"k":"v"}}'
    assert parse_metadata(data) == Metadata("n", "1", "a", "d", "l", "h", {"k": "v"})
    assert parse_metadata(b'{"name":null,"unknown":[]} garbage') == Metadata()
    assert parse_metadata(b'{"Name":"N","VERSION":"2"}') == Metadata("N", "2")
    with pytest.raises(ReplyError, match="failed to parse metadata JSON: name: expected a string, found a number"):
        parse_metadata(b'{"name":1}')


def test_slots():
    data = json.dumps(
        [
            {"name": "a.b", "description": "D", "example": "E", "outputs": {"x": 1}, "more": 1},
            {
                "name": "a.c",
                "inputs": {
                    "p": {"type": "string", "required": True, "default": None, "description": "P"},
                    "q": {"default": 0},
                },
            },
            {"name": "a.b", "description": "later"},
        ]
    ).encode()
    first, second = parse_slots(data, 10)
    assert (first.name, first.description, first.inputs) == ("a.b", "later", {})
    assert second.inputs["p"] == InputDefinition("string", True, None, False, "P")
    assert second.inputs["q"] == InputDefinition("any", False, 0, True, "")
    assert parse_slots(b"null", 10) == ()
    assert parse_slots(b"[]", 10) == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "expected a list, found an object"),
        (b"[[]]", r"\[0\]: expected an object, found a list"),
        (b'[{"name":""}]', r"\[0\].name"),
        (b'[{"name":"a\\u001b[2J"}]', r"\[0\].name"),
        (b"[{}]", r"\[0\].name"),
        (b'[{"name":"a","inputs":{"x":"string"}}]', r"\[0\].inputs.x: expected an object, found a string"),
        (b'[{"name":"a"},{"name":5}]', r"\[1\].name: expected a string, found a number"),
        (b'[{"name":"a","inputs":{"x":{"required":"yes"}}}]', r"\[0\].inputs.x.required: expected true or false"),
        (b'[{"name":"a"},{"name":"b"},{"name":"c"}]', "3 slots, the limit is 2"),
    ],
)
def test_bad_slots(data, message):
    with pytest.raises(ReplyError, match=f"^failed to parse slots JSON: .*{message}"):
        parse_slots(data, 2)


@pytest.mark.parametrize(
    ("data", "response"),
    [
        (b'{"success":true,"data":{"a":1}}', Response(True, {"a": 1}, None)),
        (b'{"success":true,"data":null,"error":null}', Response(True)),
        (b'{"error":"x"}', Response(False, None, "x")),
        (b"{}", Response(False)),
        (b"null", Response(False)),
        (b'{"Success":true,"Data":{"A":1}}', Response(True, {"A": 1}, None)),
        (b'{"success":false,"Success":true}', Response(False)),
        (b'{"success":true,"other":1}{"success":false}', Response(True)),
    ],
)
def test_responses(data, response):
    assert parse_response(data) == response


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"success":"true"}', "success: expected true or false, found a string"),
        (b'{"success":1}', "success: expected true or false, found a number"),
        (b'{"success":true,"data":[]}', "data: expected an object, found a list"),
        (b'{"success":false,"error":{}}', "error: expected a string, found an object"),
        (b"7", "expected an object, found a number"),
    ],
)
def test_bad_responses(data, message):
    with pytest.raises(ReplyError, match=f"^failed to parse response JSON: {message}$"):
        parse_response(data)


def test_a_request_has_a_context_only_when_there_is_one():
    assert RequestEncoder().encode("a.b", {"x": 1.0}) == b'{"slot_name":"a.b","parameters":{"x":1}}'
    assert RequestEncoder(b'{"c":1}').encode('a"', {}) == b'{"slot_name":"a\\"","parameters":{},"context":{"c":1}}'


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_another_exception(data):
    for parse in (parse_metadata, parse_response, lambda text: parse_slots(text, 10)):
        with contextlib.suppress(ReplyError):
            parse(data)
