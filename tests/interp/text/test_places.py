"""Errors of the validator are shown at the text's own instructions."""

from __future__ import annotations

import pytest

from zenowasm.interp.binary import decode, encode
from zenowasm.interp.errors import ValidationError
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.lexer import tokenize
from zenowasm.interp.text.places import TextPlaces
from zenowasm.interp.validation import validate_module


def place(text: str) -> str | None:
    """What the text has where the module that it means is invalid."""
    binary = encode(parse_module(text))
    with pytest.raises(ValidationError) as caught:
        validate_module(decode(binary))
    error = caught.value
    found = TextPlaces(text, binary).error(error.message, error.function, error.offset)
    if found is None:
        return None
    assert found.message == error.message
    return text[found.offset :].split()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(func nop drop nop)", "drop"),
        ("(func nop nop (drop) nop)", "drop)"),
        ("(func (i32.eqz (i64.const 1)) drop)", "i32.eqz"),
        ("(func (drop (i32.add (i32.const 1) (local.get 7))))", "local.get"),
        ("(func (result i32) i64.const 1)", ")"),
        ("(func (result i32))", ")"),
        ("(func (result i32) (local i32) (local.get 0) (drop) )", ")"),
        ("(func i32.const 1 if (result i32) i32.const 2 end drop)", "end"),
        ("(func (block (result i32) (nop)) (drop))", "block"),
        ("(func (if (i32.eqz (i32.const 1)) (then (drop))))", "drop))))"),
        ("(func (if (i64.const 1) (then)))", "if"),
        ("(func (i32.const 1) (if (result i32) (then (i32.const 1)) (else)) drop)", "if"),
        ("(func i32.const 1 call_indirect (type 0) (param)) (type (func)) ", "call_indirect"),
        ('(import "a" "b" (func)) (global i32 (i32.const 1)) (func) (func (drop))', "drop))"),
        ("(global i32 (i32.const 1)) (func (drop)) (global i32 (i32.const 1))", "drop))"),
    ],
)
def test_the_instruction(text: str, expected: str) -> None:
    assert place(text) == expected


@pytest.mark.parametrize("form", ["quote", "binary"])
def test_a_module_that_the_text_does_not_spell_has_no_places(form: str) -> None:
    inner = "(func nop drop nop)"
    data = inner.encode() if form == "quote" else encode(parse_module(inner))
    quoted = "".join(f"\\{byte:02x}" for byte in data)
    assert place(f'(module {form} "{quoted}")') is None


def test_an_offset_of_something_else_has_no_place() -> None:
    text = "(func (local i32) nop)"
    binary = encode(parse_module(text))
    code = decode(binary).codes[0].offset
    assert TextPlaces(text, binary).error("", 0, code) is None
    assert TextPlaces(text, binary).error("", 0, 1 << 40) is None
    assert TextPlaces(text, binary).error("", 7, code) is None


def test_a_text_is_read_once_for_all_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "(func nop drop) " * 50
    binary = encode(parse_module(text))
    places, read = TextPlaces(text, binary), []
    monkeypatch.setattr("zenowasm.interp.text.places.tokenize", lambda text: read.append(text) or tokenize(text))
    offsets = [code.offset + 2 for code in decode(binary).codes]
    found = [places.error("", function, offset) for function, offset in enumerate(offsets)]
    assert [it.column for it in found if it is not None] == [11 + 16 * at for at in range(50)]
    assert len(read) == 1
