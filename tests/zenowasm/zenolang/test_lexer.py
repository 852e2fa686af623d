import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.zenolang.errors import LexError, Position
from zenowasm.zenolang.lexer import Places, TokenKind, tokenize

START = Position("test.zl", 1, 1)


def kinds(source: str) -> list[tuple[str, str]]:
    return [(token.kind.name, token.text) for token in tokenize(source, Places(source, START).at)][:-1]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("hello.greet", "WORD"),
        ("Content-Type", "WORD"),
        ("größe", "WORD"),
        ("1.2.3", "WORD"),
        ("10px", "WORD"),
        ("007", "NUMBER"),
        ("1.5e-3", "NUMBER"),
        ("'it is'", "STRING"),
        (r'"a \" b"', "STRING"),
        ('"two\nlines"', "STRING"),
        ("$a.b.0", "VARIABLE"),
        ('$a[0]["b c"][$i.j]', "VARIABLE"),
        ("??", "SYMBOL"),
        ("&&", "SYMBOL"),
    ],
)
def test_one_token(source: str, kind: str):
    assert kinds(source) == [(kind, source)]


@pytest.mark.parametrize("comment", ["// to the end", "# to the end", "/* inside */", "/* over\nlines */"])
def test_comments_are_skipped(comment: str):
    assert kinds(f"a {comment}") == [("WORD", "a")]


def test_a_comment_sign_inside_a_string_is_text():
    assert kinds('"http://a#b"') == [("STRING", '"http://a#b"')]


def test_a_variable_ends_where_a_word_cannot_go_on():
    assert kinds("$a-1") == [("VARIABLE", "$a"), ("SYMBOL", "-"), ("NUMBER", "1")]


def test_positions_count_lines_and_columns_from_one():
    source = 'a: "x\ny" b\n  c'
    tokens = tokenize(source, Places(source, START).at)
    assert [(t.text[:1], t.position.line, t.position.column) for t in tokens if t.kind is TokenKind.WORD] == [
        ("a", 1, 1),
        ("b", 2, 4),
        ("c", 3, 3),
    ]


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ('a: 1\nb: "open', 2, 4, "never ends"),
        ("a: 'open", 1, 4, "never ends"),
        ("/* open", 1, 1, "never ends"),
        ("a: @", 1, 4, "unexpected character '@'"),
        ("a: $", 1, 4, "unexpected character"),
    ],
)
def test_what_is_no_token(source: str, line: int, column: int, message: str):
    with pytest.raises(LexError, match=message) as caught:
        tokenize(source, Places(source, START).at)
    assert (caught.value.line, caught.value.column) == (line, column)


@given(st.text(alphabet="ab$ \n\"'\\.:{}[]1-/#*", max_size=40))
def test_a_token_is_what_stands_at_its_offset(source: str):
    try:
        tokens = tokenize(source, Places(source, START).at)
    except LexError:
        return
    assert all(source[token.start : token.end] == token.text for token in tokens)
    assert tokens[-1].kind is TokenKind.END
