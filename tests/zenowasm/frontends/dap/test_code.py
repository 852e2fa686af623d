"""Disassembly by address, across functions and beyond the ends of the code."""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.debugger.program import Program
from zenowasm.frontends.dap.code import Code
from zenowasm.frontends.dap.errors import RequestError
from zenowasm.interp.binary import decode
from zenowasm.interp.validation import validate_module

TEXT = """
(module
  (import "env" "f" (func))
  (func $one nop nop)
  (func $two nop (drop (i32.const 7))))
"""
ALL = ["nop", "nop", "end", "nop", "i32.const 7", "drop", "end"]


@pytest.fixture
def code():
    program = Program(validate_module(decode(wat(TEXT))))
    return Code(), program, program.function(1).lines[0].offset


def listed(code, skip: int, count: int, offset: int = 0) -> list[str]:
    references, program, first = code
    found = references.disassemble(references.instruction(program, first), offset, skip, count)
    addresses = [int(it["address"], 0) for it in found]
    assert len(found) == count and addresses == sorted(addresses)
    return ["-" if it.get("presentationHint") == "invalid" else it["instruction"].strip() for it in found]


def test_code_goes_on_in_the_next_function(code) -> None:
    assert listed(code, 0, 7) == ALL
    assert listed(code, 3, 2) == ALL[3:5]


def test_exactly_as_many_instructions_as_asked_for(code) -> None:
    assert listed(code, -2, 4) == ["-", "-", *ALL[:2]]
    assert listed(code, -5, 3) == ["-"] * 3
    assert listed(code, -3, 2, offset=1) == ["-"] * 2
    assert listed(code, 5, 4) == [*ALL[5:], "-", "-"]
    assert listed(code, 20, 2) == ["-", "-"]
    assert listed(code, 0, 0) == []


def test_instructions_before_an_address(code) -> None:
    references, program, _ = code
    second = program.function(2).lines[1]
    found = references.disassemble(references.instruction(program, second.offset), 0, -3, 4)
    assert [it["instruction"].strip() for it in found] == ALL[1:5]
    assert found[3]["symbol"] == "two"


@pytest.mark.parametrize(
    ("reference", "skip", "count", "message"),
    [
        (None, 0, 10_001, "expected at most 10000 instructions"),
        (None, 0, -1, "expected at most 10000 instructions"),
        (None, 1 << 40, 1, "expected at most 10000 instructions"),
        ("0x10", 0, 1, "is not an address of code"),
        ("0x4000000700000010", 0, 1, "is not an address of code"),
        ("x", 0, 1, "is not a memory reference"),
    ],
)
def test_what_is_refused(code, reference, skip, count, message) -> None:
    references, program, first = code
    with pytest.raises(RequestError, match=message):
        references.disassemble(reference or references.instruction(program, first), 0, skip, count)


def test_an_offset_before_all_code(code) -> None:
    references, program, _ = code
    found = references.disassemble(references.instruction(program, 1), 0, 0, 2)
    assert [it["instruction"].strip() for it in found] == ALL[:2]
