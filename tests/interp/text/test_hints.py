"""Branch hints as annotations: from text to the custom section, and back.

The bytes are written by hand from the proposal's grammar: a vector of functions, each with a vector of offsets from the
beginning of its locals, each with one byte.
"""

from __future__ import annotations

import pytest

from zenowasm.interp.binary import decode, encode
from zenowasm.interp.errors import ParseError
from zenowasm.interp.syntax.module import Module
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import ModulePrinter

NAME = "metadata.code.branch_hint"
LIKELY, UNLIKELY = rf'(@{NAME} "\01")', rf'(@{NAME} "\00")'


def print_module(module: Module) -> str:
    return "\n".join(ModulePrinter(module).module_text())


def section(module: Module) -> str:
    (found,) = [custom for custom in module.customs if custom.name == NAME]
    return found.data.hex(" ")


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        # 00 | 20 00 | 04 40 | 0b | 0b
        (f"(func (param i32) local.get 0 {LIKELY} if end)", "01 00 01 03 01 01"),
        (f"(func (param i32) {UNLIKELY} (if (local.get 0) (then)))", "01 00 01 03 01 00"),
        # 01 01 7f | 41 01 | 41 01 | 0d 00 | 0d 00 | 0b
        (
            f"(func (local i32) i32.const 1 i32.const 1 {UNLIKELY} br_if 0 {LIKELY} br_if 0)",
            "01 00 02 07 01 00 09 01 01",
        ),
        (f"(func {LIKELY} (br_if 0 (i32.const 1)))", "01 00 01 03 01 01"),
        # The operand's hint is its own: 00 | 41 01 | 04 7f | 41 01 | 05 | 41 02 | 0b | 04 40 | 0b | 0b
        (
            f"(func {LIKELY} (if {UNLIKELY} (if (result i32) (i32.const 1) (then (i32.const 1)) (else (i32.const 2)))"
            "(then)))",
            "01 00 02 03 01 00 0b 01 01",
        ),
        (
            f'(import "m" "f" (func)) (func) (func {LIKELY} (br_if 0 (i32.const 1))) (func)'
            f"(func {UNLIKELY} (br_if 0 (i32.const 1)))",
            "02 02 01 03 01 01 04 01 03 01 00",
        ),
        # What is hinted is not for the format to judge.
        (f"(func {LIKELY} nop)", "01 00 01 01 01 01"),
        (f"(func {LIKELY} (block))", "01 00 01 01 01 01"),
        (rf'(func (@{NAME} "" "\01") nop)', "01 00 01 01 01 01"),
    ],
)
def test_hints_make_a_section_before_the_code_and_are_printed_as_they_were(fields: str, data: str) -> None:
    parsed = parse_module(f"(module {fields})")
    assert section(parsed) == data
    binary = encode(parsed)
    decoded = decode(binary)
    assert section(decoded) == data
    names = [it.name for it in decoded.sections]
    assert names.index(f"custom '{NAME}'") == names.index("codes") - 1
    for module in (parsed, decoded):
        text = print_module(module)
        assert text.count(f"(@{NAME} ") == fields.count(f"(@{NAME} ")
        assert "@custom" not in text
        assert encode(parse_module(text)) == binary


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (f"(func {LIKELY} {LIKELY} nop)", "duplicate annotation"),
        (f"(func {LIKELY} {UNLIKELY} (block))", "duplicate annotation"),
        (f"{LIKELY} (func)", "misplaced"),
        (f"(func (param i32) {LIKELY})", "misplaced"),
        (f"(func {LIKELY} (param i32))", "misplaced"),
        (f"(func block {LIKELY} end)", "misplaced"),
        (f"(func (if (i32.const 1) {LIKELY} (then)))", "misplaced"),
        (f"(global i32 {LIKELY} i32.const 1)", "misplaced"),
        (f"(global i32 {LIKELY} (i32.const 1))", "misplaced"),
        (f"(func (br_if 0 ({LIKELY} i32.const 1)))", "misplaced"),
        (rf'(func (@{NAME} "\02") nop)', "invalid value"),
        (rf'(func (@{NAME} "\01\01") nop)', "invalid value"),
        (f"(func (@{NAME}) nop)", "invalid value"),
        (f"(func (@{NAME} 1) nop)", "invalid value"),
    ],
)
def test_hints_that_say_nothing_are_malformed(fields: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        parse_module(f"(module {fields})")


@pytest.mark.parametrize(
    "data",
    [
        r"\01\00\01\03\01\02",
        r"\01\00\01\05\01\01",
        r"\01\01\01\03\01\01",
        r"\01\00\00",
        r"\00",
        r"\01\00\02\03\01\01\03\01\00",
        r"\01\00\01\03\01\01\00",
    ],
)
def test_a_section_that_annotations_cannot_say_stays_as_it_is(data: str) -> None:
    text = f'(module (func (br_if 0 (i32.const 1))) (@custom "{NAME}" (before code) "{data}"))'
    binary = encode(parse_module(text))
    printed = print_module(decode(binary))
    assert f'(@custom "{NAME}"' in printed
    assert encode(parse_module(printed)) == binary


@pytest.mark.parametrize("place", ["after code", "after last", "before func", "before code"])
def test_other_places_are_kept(place: str) -> None:
    data = r"\01\00\01\03\01\01"
    fields = f'(func (br_if 0 (i32.const 1))) (@custom "{NAME}" ({place}) "{data}") (@custom "x" (before code) "")'
    binary = encode(parse_module(f"(module {fields})"))
    assert encode(parse_module(print_module(decode(binary)))) == binary


def test_a_section_with_long_integers_is_printed_as_annotations() -> None:
    data = r"\01\80\00\01\83\80\80\80\00\01\01"
    text = f'(module (func (br_if 0 (i32.const 1))) (@custom "{NAME}" (before code) "{data}"))'
    assert LIKELY in print_module(decode(encode(parse_module(text))))
