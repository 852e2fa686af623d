"""SQLite's functions that search text, in time that grows with the text and not with its square.

The built-in ones compare the whole of what they look for at each place, and nothing looks at the clock meanwhile: two
texts of a megabyte keep a thread for minutes. Source: sqlite.org, "Built-In Scalar SQL Functions".
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

_Value: TypeAlias = "str | bytes | int | float | None"
_Bounds: TypeAlias = tuple[bool, bool]
_TRIMS: Final[tuple[tuple[str, _Bounds], ...]] = (
    ("trim", (True, True)),
    ("ltrim", (True, False)),
    ("rtrim", (False, True)),
)


def install(connection: sqlite3.Connection, longest: int) -> None:
    """Put the functions in the place of the built-in ones; a text longer than ``longest`` bytes is an error."""

    def add(name: str, count: int, function: Callable[..., _Value]) -> None:
        connection.create_function(name, count, function, deterministic=True)  # an index may use them

    add("instr", 2, _instr)
    add("replace", 3, partial(_replace, longest))
    for name, sides in _TRIMS:
        add(name, 1, partial(_trim, sides))
        add(name, 2, partial(_trim, sides))


def _instr(text: _Value, wanted: _Value) -> int | None:
    if text is None or wanted is None:
        return None
    if isinstance(text, bytes) and isinstance(wanted, bytes):
        return text.find(wanted) + 1
    return _text(text).find(_text(wanted)) + 1


def _replace(longest: int, text: _Value, old: _Value, new: _Value) -> _Value:
    if text is None or old is None:
        return None
    found, wanted = _text(text), _text(old)
    if not wanted:
        return found if isinstance(text, bytes) else text
    if new is None:
        return None
    other = _text(new)
    if len(found) + found.count(wanted) * (len(other) - len(wanted)) > longest:
        raise OverflowError  # for SQLite: string or blob too big
    return found.replace(wanted, other)


def _trim(sides: _Bounds, text: _Value, characters: _Value = " ") -> str | None:
    if text is None or characters is None:
        return None
    found, unwanted = _text(text), frozenset(_text(characters))
    start, end = 0, len(found)
    left, right = sides
    while left and start < end and found[start] in unwanted:
        start += 1
    while right and start < end and found[end - 1] in unwanted:
        end -= 1
    return found[start:end]


def _text(value: str | bytes | float) -> str:
    """Return a value as SQLite's CAST to TEXT does."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode()
        case int():
            return str(value)
    return _float_text(value)


def _float_text(value: float) -> str:
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    # SQLite writes no minus before zero, and adding zero takes it away.
    number, mark, exponent = format(value + 0.0, ".15g").partition("e")
    return f"{number if '.' in number else number + '.0'}{mark}{exponent}"
