"""The suite's malformed and invalid modules, as far as they have a binary form and need no proposal."""

from __future__ import annotations

import pytest
from support.suite import FILES, BadModule, bad_modules, good_modules

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError, ValidationError
from zenowasm.interp.validation import validate_module


@pytest.mark.parametrize("file", FILES)
def test_each_bad_module_is_refused_for_its_reason(file: str) -> None:
    wrong = [problem for it in bad_modules(file) if (problem := problem_of(it)) is not None]
    assert wrong == []


@pytest.mark.parametrize("file", FILES)
def test_each_good_module_is_accepted(file: str) -> None:
    for line, binary in good_modules(file):
        try:
            validate_module(decode(binary))
        except (DecodeError, ValidationError) as error:
            pytest.fail(f"{file}.wast:{line}: {error}")


def problem_of(bad: BadModule) -> str | None:
    """Say what is wrong with the way in which a module is refused, ``None`` if nothing is."""
    try:
        validate_module(decode(bad.binary))
    except DecodeError as error:
        found, message = "assert_malformed", error.message
    except ValidationError as error:
        found, message = "assert_invalid", error.message
    else:
        found, message = "accepted", ""
    if found != bad.command:
        return f"{bad.place}: {found}, {bad.command} is right: {bad.words}: {message}"
    if found == "assert_invalid" and not message.startswith(bad.words):
        return f"{bad.place}: {message!r} does not begin with {bad.words!r}"
    return None
