"""What errors say."""

from __future__ import annotations

import pytest

from zenowasm.interp import errors
from zenowasm.interp.errors import (
    DecodeError,
    Exhaustion,
    Trap,
    TrapCode,
    UncaughtException,
    ValidationError,
    WasmError,
)


def test_all_have_one_base() -> None:
    found = [it for it in vars(errors).values() if isinstance(it, type) and issubclass(it, Exception)]
    assert len(found) > 5
    assert all(issubclass(it, WasmError) for it in found)


def test_a_decode_error_says_where() -> None:
    error = DecodeError("unexpected end", 0x2A)
    assert str(error) == "unexpected end (at byte 0x2a)"
    assert (error.message, error.offset) == ("unexpected end", 42)


@pytest.mark.parametrize(
    ("function", "offset", "expected"),
    [
        (None, None, "type mismatch"),
        (3, None, "type mismatch (at function 3)"),
        (None, 16, "type mismatch (at byte 0x10)"),
        (0, 0, "type mismatch (at function 0, byte 0x0)"),
    ],
)
def test_a_validation_error_says_where(function: int | None, offset: int | None, expected: str) -> None:
    assert str(ValidationError("type mismatch", function=function, offset=offset)) == expected


def test_a_trap_says_why_and_where() -> None:
    assert str(Trap(TrapCode.UNREACHABLE)) == "unreachable"
    assert str(Trap(TrapCode.UNREACHABLE, "here", function=2)) == "unreachable: here (in function 2)"
    trap = Trap(TrapCode.CAST_FAILURE, function=2, offset=255, backtrace=("inner", "outer"))
    assert str(trap) == "cast failure (in inner at byte 0xff)"
    assert str(Trap(TrapCode.UNREACHABLE, function=0, offset=0)) == "unreachable (in function 0 at byte 0x0)"


def test_the_words_of_trap_codes_are_distinct() -> None:
    assert len({code.value for code in TrapCode}) == len(TrapCode.__members__)


def test_exhaustion_and_exceptions_have_the_suites_words() -> None:
    assert str(Exhaustion()) == "call stack exhausted"
    assert str(Exhaustion("10 calls")) == "call stack exhausted: 10 calls"
    assert "exception" in str(UncaughtException())
