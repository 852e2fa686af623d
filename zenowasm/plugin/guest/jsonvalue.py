"""JSON between host and guest: strict, bounded in nesting, and with the original engine's number format.

Guests are compiled for a host that uses Go's JSON, so an integral float is written as ``10``, lone surrogates become
U+FFFD, and NaN and infinities are errors (ABI document, section "JSON").
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from json.scanner import make_scanner
from math import isfinite
from typing import Any, TypeAlias

JSONValue: TypeAlias = Any
"""``None``, ``bool``, ``int``, ``float``, ``str``, or a list or a string-keyed dict of these."""

MAX_NESTING = 128
"""The nesting depth of lists and objects in one value, far below Python's recursion limit."""
MAX_VALUES = 1_000_000
"""The most values in one document, so that parsing or writing any document takes a fraction of a second."""
_ENCODED_NESTING = MAX_NESTING + 16
"""The nesting limit for encoding: a parsed value must fit into the request or reply that wraps it later."""
_MOST_BITS = 4096
"""The most bits of an integer: Python refuses to print far larger ones, and no guest can parse them."""
_EXACT = 2**53
_PLAIN = 1e21  # from here on Go writes floats with an exponent
_WHITESPACE = " \t\n\r"
# The closing quote is optional, so that an unterminated string is scanned once and not from each of its quotes.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_STRING_OR_SEPARATOR = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[,:]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JSONError(ValueError):
    """The text is not JSON, or a value cannot be written as JSON."""


def parse_first(data: bytes) -> JSONValue:
    """Parse the first JSON value in UTF-8 ``data`` and ignore the rest.

    Raises ``JSONError`` if there is no valid value, if it is nested deeper than ``MAX_NESTING``, or if its own bytes
    are not UTF-8.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        # The bytes after the value need not be UTF-8: only the valid bytes are parsed, and must suffice.
        text = data[: error.start].decode()
        try:
            return _parse(text)[0]
        except JSONError as inner:
            raise JSONError(f"invalid UTF-8 at byte {error.start}") from inner
    return _parse(text)[0]


def parse_whole(data: bytes) -> JSONValue:
    """Parse UTF-8 ``data`` that consists of one JSON value; raises ``JSONError``, like ``parse_first``."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise JSONError(f"invalid UTF-8 at byte {error.start}") from error
    value, end = _parse(text)
    if text[end:].strip(_WHITESPACE):
        raise JSONError(f"unexpected text after the value at byte {len(text[:end].encode())}")
    return value


def _parse(text: str) -> tuple[JSONValue, int]:
    """Return the first value and its end offset."""
    start = len(text) - len(text.lstrip(_WHITESPACE))
    if start == len(text):
        raise JSONError("unexpected end of JSON input")
    if len(text) > MAX_NESTING:  # a shorter text cannot exceed either limit
        # One of these precedes each value but the first. The exact count, which excludes strings, is rarely needed.
        if text.count("[") + text.count(",") + text.count(":") > MAX_VALUES:
            _check_count(text, start)
        # The number of brackets is a cheap upper bound of the nesting; the text is scanned only if it is too high.
        if text.count("[") + text.count("{") > MAX_NESTING:
            _check_nesting(text, start)
    try:
        value, end = _scan(text, start)
    except StopIteration as error:
        raise JSONError(f"Expecting value at byte {len(text[: error.value].encode())}") from error
    except json.JSONDecodeError as error:
        # Some of Python's messages already end in "at".
        place = f"at byte {len(text[: error.pos].encode())}"
        raise JSONError(f"{error.msg.removesuffix(' at')} {place}") from error
    except JSONError:
        raise
    except RecursionError as error:
        raise JSONError("nested too deeply") from error
    except ValueError as error:  # Python's message tells the user to change a Python setting
        limit = sys.get_int_max_str_digits()
        raise JSONError(f"number out of range: an integer of more than {limit} digits") from error
    if "\\u" in text and _SURROGATE_ESCAPE.search(text):
        value = _without_surrogates(value)
    return value, end


def _check_count(text: str, start: int) -> None:
    count = 0
    for match in _STRING_OR_SEPARATOR.finditer(text, start):
        if text[match.start()] != '"':
            count += 1
            if count > MAX_VALUES:
                raise JSONError(f"more than {MAX_VALUES} values at byte {len(text[: match.start()].encode())}")


def _check_nesting(text: str, start: int) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text, start):
        token = match.group()
        if token in "[{":
            depth += 1
            if depth > MAX_NESTING:
                raise JSONError(
                    f"nested deeper than {MAX_NESTING} levels at byte {len(text[: match.start()].encode())}"
                )
        elif token in "]}":
            depth -= 1
            if depth <= 0:
                return


def _float(text: str) -> int | float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JSONError(f"number out of range: {text[:40]}")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _constant(name: str) -> JSONValue:
    raise JSONError(f"{name} is not JSON")


_DECODER: Any = json.JSONDecoder(parse_float=_float, parse_constant=_constant)
_scan: Callable[[str, int], tuple[JSONValue, int]] = make_scanner(_DECODER)
_quoted = json.encoder.encode_basestring


def _without_surrogates(value: JSONValue) -> JSONValue:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    return value


def encode(value: object) -> bytes:
    """Encode ``value`` as compact UTF-8 JSON without any NUL byte.

    Raises ``JSONError``, which names the place, if a part has no JSON form: a number that is not finite, a key that is
    not a string, an object of another type, or nesting far beyond that of a parsed value.
    """
    try:
        # Requests and replies are objects, so this saves a call for most values.
        text = _object(value, _ENCODED_NESTING) if isinstance(value, dict) else _text(value, _ENCODED_NESTING)
    except RecursionError as error:  # the caller's stack was nearly used up
        raise JSONError("nested too deeply") from error
    except (_NoFormError, TypeError):  # a key that is not a string cannot be quoted
        raise JSONError(_misfit(value, "", _ENCODED_NESTING)) from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def is_encodable(value: object) -> bool:
    """Return whether ``encode`` would accept ``value``."""
    try:
        _text(value, _ENCODED_NESTING)
    except (_NoFormError, TypeError):
        return False
    return True


class _NoFormError(Exception):
    """A part of a value has no JSON form. ``_misfit`` then finds it, so that other values need no path tracking."""


def _text(value: object, depth: int) -> str:
    """Encode ``value`` as JSON text; raises ``_NoFormError``."""
    if value.__class__ is dict:
        return _object(value, depth)
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise _NoFormError
        return int.__repr__(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise _NoFormError
        return int.__repr__(int(value)) if value.is_integer() and abs(value) < _PLAIN else float.__repr__(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if depth and isinstance(value, list | tuple):
        return "[" + ",".join([_text(item, depth - 1) for item in value]) + "]"
    raise _NoFormError


def _object(value: Mapping[str, object], depth: int) -> str:
    if not depth:
        raise _NoFormError
    # Most values are strings, and another call would cost more than encoding one.
    pairs = [
        f"{_quoted(key)}:{_quoted(item) if item.__class__ is str else _text(item, depth - 1)}"
        for key, item in value.items()
    ]
    return "{" + ",".join(pairs) + "}"


def _misfit(value: object, path: str, depth: int) -> str:
    """Return why ``_text`` cannot encode a value, empty if it can."""
    at = path or "value"
    if value is None or isinstance(value, str | bool):
        return ""
    if isinstance(value, int):
        return f"{at} is an integer of {value.bit_length()} bits" if value.bit_length() > _MOST_BITS else ""
    if isinstance(value, float):
        return "" if isfinite(value) else f"{at} has no JSON form: {value}"
    if depth == 0:
        return f"{at} is nested deeper than {_ENCODED_NESTING} levels"
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"{at} has a key that is not a string: {type(key).__name__}"
            if found := _misfit(item, f"{path}.{key}" if path else key, depth - 1):
                return found
        return ""
    if isinstance(value, list | tuple):
        return next(filter(None, (_misfit(it, f"{path}[{i}]", depth - 1) for i, it in enumerate(value))), "")
    return f"{at} has no JSON form: {type(value).__name__}"
