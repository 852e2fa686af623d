import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.zenolang.errors import LexError, NestingError, ParseError, SourceLimitError, ZenoError
from zenowasm.zenolang.limits import ScriptLimits
from zenowasm.zenolang.parser import parse
from zenowasm.zenolang.syntax import Statement


def outline(statements: tuple[Statement, ...]) -> list[object]:
    """Names, and the children of those that have any."""
    return [(s.name, outline(s.children)) if s.children else s.name for s in statements]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a: 1\nb: 2", ["a", "b"]),
        ("a: 10, b: 5; c: 1", ["a", "b", "c"]),
        ("a: $x b: one c: [1]", ["a", "b", "c"]),
        ("hello.greet { name: 1 }", [("hello.greet", ["name"])]),
        ("a: { b: { c: 1 } d: 2 }", [("a", [("b", ["c"]), "d"])]),
        ("try\n{\n a\n}", [("try", ["a"])]),
        ("break\nreturn", ["break", "return"]),
        ("a:\nb", ["a", "b"]),
        ('a { "b c": 1, 200: 2 }', [("a", ["b c", "200"])]),
        ("if: 1 { a } else: { b }", [("if", ["a", ("else", ["b"])])]),
        ("if: 1 { then: { a } else: { b } }", [("if", [("then", ["a"]), ("else", ["b"])])]),
        ("if: 1 { a }\nelse: { b }", [("if", ["a"]), ("else", ["b"])]),
        ("foreach: $l as $x { a }", [("foreach", ["as", "a"])]),
        ("call: f as $x", [("call", ["as"])]),
        ("", []),
        ("# nothing\n\n // at all", []),
    ],
)
def test_structure(source: str, expected: list[object]):
    assert outline(parse(source).statements) == expected


def test_a_statement_knows_its_place():
    (statement,) = parse("\n  a { }", "x.zl").statements
    assert str(statement.position) == "x.zl:2:3"


@pytest.mark.parametrize(
    ("value", "raw"),
    [("007", "007"), ("1.0", "1.0"), ("a b", "a b"), ("-5", "-5"), ('"7"', None), ("$x", None), ("[1]", None)],
)
def test_plain_text_is_kept_as_written(value: str, raw: str | None):
    assert parse(f"id: {value} # comment").statements[0].raw == raw


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        ("a: 1\nb {", (2, 3), "a block is not closed"),
        ("a }", (1, 3), "unexpected `}`: no block is open"),
        ("a: 1 +", (1, 7), "expected a value, found the end of the script"),
        ("a: ]", (1, 4), "expected a value"),
        ("a: [1 2", (1, 8), "expected `,` or `]`"),
        ("a: (1", (1, 6), r"expected `\)`"),
        ("$a.b: 1", (1, 1), "cannot assign to a part"),
        ("if: $a = 1 { }", (1, 8), "found `=`"),
        ("[1]", (1, 1), "expected a name"),
        ("url: http://a", (1, 10), "found `:`"),
    ],
)
def test_errors_say_where(source: str, place: tuple[int, int], message: str):
    with pytest.raises(ParseError, match=message) as caught:
        parse(source)
    assert (caught.value.line, caught.value.column) == place


def test_half_a_surrogate_pair_is_not_text():
    with pytest.raises(LexError, match="surrogate"):
        parse('a: "\ud800"')


def test_source_size_is_limited():
    limits = ScriptLimits(source_length=4)
    parse("a: 1", limits=limits)
    with pytest.raises(SourceLimitError):
        parse("a: 12", limits=limits)


@pytest.mark.parametrize(
    "opening", ["a { ", "a: [", "a: (", "a: !", "a: - ", "a: [{ b: ", "a: 1 ?? 1 || 1 && 1 == 1 < 1 + 1 * ("]
)
def test_nesting_is_limited(opening: str):
    first, rest = opening[:3], opening[3:] or " "
    source = opening * 10_000 if opening == "a { " else first + rest * 10_000
    with pytest.raises(NestingError, match="nested more than 64 deep"):
        parse(source)


def test_nesting_below_the_limit_is_fine():
    parse("a { " * 64 + "}" * 64)
    parse("a: " + "(" * 64 + "1" + ")" * 64)


def test_a_long_sum_is_not_deep():
    parse("a: " + "1 + " * 20_000 + "1")


@given(st.text(max_size=200))
def test_arbitrary_text_parses_or_is_a_located_error(source: str):
    check_parses_or_fails_properly(source)


PIECES = [
    "a",
    "$a",
    ".b",
    ":",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    '"',
    "'",
    "\\",
    "1",
    "0.5",
    "+",
    "-",
    "!",
    "??",
    ",",
    ";",
    "\n",
    " ",
    "${",
    "#",
    "//",
    "as",
    "else",
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_text_made_of_tokens_parses_or_is_a_located_error(source: str):
    check_parses_or_fails_properly(source)


def check_parses_or_fails_properly(source: str) -> None:
    try:
        parse(source)
    except ZenoError as error:
        lines = source.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(source) + 2
