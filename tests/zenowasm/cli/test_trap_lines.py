"""The calls of a guest that trapped, with their lines."""

from __future__ import annotations

import pytest
from support.debugged import divide, stripped_c


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
@pytest.mark.parametrize(("argument", "line"), [("0", 5), ("1", 6)])
def test_calls_have_their_source_lines(zenowasm, backend, argument, line) -> None:
    result = zenowasm("exec", "--backend", backend, divide(), "run", argument)
    assert result.code == 1
    lines = [text.strip() for text in result.err.splitlines()]
    assert lines[1:4] == [
        "Calls of the guest, innermost first:",
        "0: divide at divide.c:2",
        f"1: run at divide.c:{line}",
    ]


def test_without_debugging_information_they_have_none(zenowasm) -> None:
    result = zenowasm("exec", stripped_c(), "run", "70000000")
    assert "0: " in result.err and ".c:" not in result.err
