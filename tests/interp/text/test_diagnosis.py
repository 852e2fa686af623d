"""What is said about an error in a text."""

from __future__ import annotations

import pytest

from zenowasm.interp.errors import ParseError
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.diagnosis import FORMER_WORDS, Diagnosis, diagnose, excerpt
from zenowasm.interp.text.keywords import KEYWORDS


def diagnosed(text: str) -> Diagnosis:
    with pytest.raises(ParseError) as caught:
        parse_module(text)
    return diagnose(text, caught.value)


def test_the_line_is_shown_with_a_mark_below_the_token() -> None:
    found = diagnosed("(module\n\t(func nop)\n\t(func (i32.ad)))\n;; more\n")
    assert (found.line, found.column) == (3, 9)
    assert found.excerpt == ("     (func (i32.ad)))", "            ^")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("(func (i32.ad))", "did you mean i32.add?"),
        ("(func i32.cosnt 1)", "did you mean i32.const?"),
        ("(functoin)", "did you mean func?"),
        ("(func get_local 0)", "did you mean local.get?"),
        ("(func (i32.wrap/i64 (i64.const 1)))", "did you mean i32.wrap_i64?"),
        ("(table 1 anyfunc)", "did you mean funcref?"),
        ("(func (param $x i32) local.get $X drop)", "did you mean $x?"),
        ("(func I32.CONST 1 drop)", "did you mean i32.const?"),
        ("(export add (func 0))", 'a string is in quotes: "add"'),
        ("\ufeff(module)", "byte order mark"),
        ("(func (local.set 0 (i64.extend_i32u (i32.const 1))))", "did you mean i64.extend_i32_u?"),
        ("(func $foobar) (func call $fobar)", "did you mean $foobar?"),
        ("(func (param $left i32) local.get $lef drop)", "did you mean $left?"),
        ("(func block $outer br $outr end)", "did you mean $outer?"),
        ('(module) (assert_return (invoke "f"))', None),
        ("(module (assert_return))", "`zenowasm spec`"),
    ],
)
def test_the_word_that_was_probably_meant(text: str, hint: str | None) -> None:
    message = diagnosed(text).message
    assert hint in message if hint else "did you mean" not in message


@pytest.mark.parametrize("text", ["(func (zzzzzzzz))", "(func call $a)", "(func i32.const)", '(import "a)'])
def test_no_word_is_made_up(text: str) -> None:
    assert "did you mean" not in diagnosed(text).message


def test_former_words_became_words() -> None:
    assert set(FORMER_WORDS.values()) <= KEYWORDS
    assert KEYWORDS.isdisjoint(FORMER_WORDS)


def test_of_a_long_line_the_part_around_the_error_is_shown() -> None:
    text = "(func " + "nop " * 100_000 + "nope " + "nop " * 100_000 + ")"
    line, mark = diagnosed(text).excerpt
    assert len(line) < 120
    assert line.startswith("    ...")
    assert line.endswith("...")
    assert line[mark.index("^") :].startswith("nope ")


def test_control_characters_do_not_reach_the_terminal() -> None:
    line, mark = excerpt("(func \x1b[2J\u202e nope)", 1, 13)
    assert line.isprintable()
    assert line[mark.index("^") :] == "nope)"


@pytest.mark.parametrize(("text", "line"), [("(module\r\n(fun))\r\n", 2), ("(func", 1), ("", 1), ("(module", 1)])
def test_ends_of_lines_and_of_the_text(text: str, line: int) -> None:
    found = diagnose(text, ParseError("unexpected", len(text), line, 1))
    assert len(found.excerpt) == 2
    assert found.excerpt[1].endswith("^")


def test_a_quoted_modules_lines_are_not_those_of_the_text() -> None:
    found = diagnosed('(module quote "(func (i32.ad))")')
    assert found.excerpt == ()
