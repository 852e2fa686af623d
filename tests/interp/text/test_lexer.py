from __future__ import annotations

import pytest

from zenowasm.interp.errors import LimitError, ParseError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.text.lexer import identifier, string_bytes, string_name, tokenize


def _tokens(text: str | bytes) -> list[str]:
    return [token for token in tokenize(text).tokens if token]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("(func $f)", ["(", "func", "$f", ")"]),
        ("a\tb\rc\nd", ["a", "b", "c", "d"]),
        ("a;;b (\nc;;", ["a", "c"]),
        ("a;; x\rb", ["a", "b"]),
        ("a(;b;)c", ["a", "c"]),
        ("(;a(;b;)c;)d", ["d"]),
        ('";;" "(;" (;";)', ['";;"', '"(;"']),
        ('"a\\"b" c', ['"a\\"b"', "c"]),
        ('"a""b"', ['"a""b"']),
        ('x"a b"y', ['x"a b"y']),
        ("$'a-b.c'", ["$'a-b.c'"]),
        ("a,b", ["a", ",", "b"]),
        ("é", ["é"]),
        ('"ab\n"', ['"ab', '"']),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert _tokens(text) == tokens


def test_the_end_is_an_empty_token() -> None:
    assert tokenize("a ").tokens[-1] == ""
    assert tokenize("").tokens[-1] == ""


@pytest.mark.parametrize("text", ["(;", "a (; (; ;)", "(;)"])
def test_a_comment_must_be_closed(text: str) -> None:
    with pytest.raises(ParseError, match="unclosed comment"):
        tokenize(text)


def test_an_annotation_is_no_token() -> None:
    source = tokenize('(func (@x ( "a)" ; [) (@y)) (@name "n") $f)')
    assert source.tokens[:5] == ["(", "func", "$f", ")", ""]
    ((annotation,),) = source.annotations.values()
    assert (annotation.id, annotation.tokens) == ("name", ('"n"',))
    assert list(source.annotations) == [2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(@)", "empty annotation id"),
        ("(@ x)", "empty annotation id"),
        ('(@"")', "empty annotation id"),
        ('(@"\\ff")', "malformed UTF-8"),
        ("(@x", "unclosed annotation"),
        ("(@x (@y)", "unclosed annotation"),
        ("(@x é)", "illegal character"),
        ('(@x ")', "unclosed string"),
        ('(@x "\\q")', "malformed string"),
        ('(@x "\\u{d800}")', "malformed string"),
        ('(@x "\\u{11_0000}")', "malformed string"),
        ('(@x (@"\n"))', "unclosed string"),
        ('(@x (@"\\u{dfff}"))', "malformed string"),
    ],
)
def test_a_malformed_annotation(text: str, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        tokenize(text)


@pytest.mark.parametrize("source", [b"ab\n\xff", "ab\n\udcff"])
def test_what_is_not_utf_8(source: str | bytes) -> None:
    with pytest.raises(ParseError, match="malformed UTF-8 encoding") as caught:
        tokenize(source)
    assert (caught.value.line, caught.value.column, caught.value.offset) == (2, 1, 3)


def test_a_text_has_a_greatest_length() -> None:
    with pytest.raises(LimitError, match="at most 4"):
        tokenize("(func)", ModuleLimits(module_bytes=4))


def test_places_count_what_was_skipped() -> None:
    source = tokenize("(; x\n;) a (@y\n) b\n\n  c")
    error = source.error("wrong", source.tokens.index("c"))
    assert (error.line, error.column) == (5, 3)
    assert str(error) == "wrong (at line 5, column 3)"
    assert [source.line(index) for index in range(3)] == [2, 3, 5]


@pytest.mark.parametrize(
    ("token", "data"),
    [
        ('""', b""),
        ('"a b"', b"a b"),
        ('"\\t\\n\\r\\"\\\'\\\\"', b"\t\n\r\"'\\"),
        ('"\\00\\fF"', b"\x00\xff"),
        ('"\\u{e9}\\u{1_F600}é"', "é\U0001f600é".encode()),
        ('"\\u{0000000041}"', b"A"),
        ('"\\u{110000}"', None),
        ('"\\u{d800}"', None),
        ('"\\u{}"', None),
        ('"\\u41"', None),
        ('"\\q"', None),
        ('"\\4"', None),
        ('"a', None),
        ('"', None),
        ("a", None),
        ('"a""b"', None),
        ('"\\00""b"', None),
    ],
)
def test_strings(token: str, data: bytes | None) -> None:
    assert string_bytes(token) == data


def test_a_name_is_utf_8() -> None:
    assert string_name('"\\c3\\a9"') == "é"
    assert string_name('"\\ff"') is None


@pytest.mark.parametrize(
    ("token", "spelled"),
    [
        ("$a", "$a"),
        ("$0", "$0"),
        ('$"a"', "$a"),
        ('$"\\61"', "$a"),
        ('$"a b"', '"a b'),
        ('$"\\""', '""'),
        ("$", None),
        ('$""', None),
        ('$"\\ff"', None),
        ('$a"b"', None),
        ('$"a"b', None),
        ("a", None),
    ],
)
def test_identifiers_have_one_spelling(token: str, spelled: str | None) -> None:
    assert identifier(token) == spelled
