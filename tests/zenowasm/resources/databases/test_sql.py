"""Placeholders are found as each database reads the text; the databases themselves say whether that is so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.resources.databases.settings import StatementError
from zenowasm.resources.databases.sql import MAX_SQL, POSTGRESQL, SQLITE, bind

BOTH = pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])


@pytest.mark.parametrize(
    ("sql", "parameters", "bound", "values"),
    [
        ("SELECT ?", [1], "SELECT  $1 ", (1,)),
        ("SELECT ?,?", [1, "a"], "SELECT  $1 , $2 ", (1, "a")),
        ("SELECT a?1", [1], "SELECT a $1 1", (1,)),
        ("SELECT '?', \"?\", ? -- ?\n, ? /* ? /* ? */ ? */", [1, 2], None, (1, 2)),
        ("SELECT 'it''s ?', ?", [1], "SELECT 'it''s ?',  $1 ", (1,)),
        (r"SELECT E'\' ?', e'''?\\', ?", [1], None, (1,)),
        ("SELECT E'a'\n '\\' ?', ?", [1], None, (1,)),
        ("SELECT $$ ? ' $$, $tag$ ? $$ ? $tag$, ?", [1], None, (1,)),
        ("SELECT a$b$, ?, c$b$", [1], "SELECT a$b$,  $1 , c$b$", (1,)),
        ("SELECT data ?? 'k', data ??| ?", ["a"], "SELECT data ? 'k', data ?|  $1 ", ("a",)),
        ("SELECT '1'::int, :n::text, ':n', a[1 : 2]", {"n": 1}, "SELECT '1'::int,  $1 ::text, ':n', a[1 : 2]", (1,)),
        ("SELECT :n + :m + :n", {"n": 1, "m": 2}, "SELECT  $1  +  $2  +  $1 ", (1, 2)),
        ("SELECT data ? 'k', :n", {"n": 1}, "SELECT data ? 'k',  $1 ", (1,)),
        ("SELECT a[1:n], ?", [1], "SELECT a[1:n],  $1 ", (1,)),
        ("CALL f(a := ?)", [1], "CALL f(a :=  $1 )", (1,)),
        ("SELECT :größe", {"größe": 1}, "SELECT  $1 ", (1,)),
        ("SELECT '?", [], "SELECT '?", ()),
        ("SELECT $$ ?", None, "SELECT $$ ?", ()),
        ("SELECT 1 /* ?", None, "SELECT 1 /* ?", ()),
    ],
)
def test_postgresql(sql, parameters, bound, values):
    statement = bind(sql, parameters, POSTGRESQL)
    assert statement.values == values
    if bound is not None:
        assert statement.sql == bound


@pytest.mark.parametrize(
    ("sql", "parameters", "bound", "values"),
    [
        ("SELECT ?", [1], "SELECT  ? ", (1,)),
        ("SELECT '?', \"?\", `?`, [?], ? -- ?\n, ? /* ? /* */", [1, 2], None, (1, 2)),
        ("SELECT :n + :m + :n", {"n": 1, "m": 2}, "SELECT  ?  +  ?  +  ? ", (1, 2, 1)),
        (r"SELECT '\', ?", [1], r"SELECT '\',  ? ", (1,)),
        ("SELECT ':n', :n", {"n": 1}, "SELECT ':n',  ? ", (1,)),
    ],
)
def test_sqlite(sql, parameters, bound, values):
    statement = bind(sql, parameters, SQLITE)
    assert statement.values == values
    if bound is not None:
        assert statement.sql == bound


@BOTH
@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("", None, "the SQL is empty"),
        ("  -- nothing\n /* at all */ ", None, "the SQL is empty"),
        ("SELECT ?", None, "1 placeholders (?) in the SQL, but 0 parameters"),
        ("SELECT ?", [1, 2], "1 placeholders (?) in the SQL, but 2 parameters"),
        ("SELECT '?'", [1], "0 placeholders (?) in the SQL, but 1 parameters"),
        ("SELECT :a", {"b": 1}, "no parameter for the placeholder :a"),
        ("SELECT ?", [2**63], "parameter 1 is beyond 64 bits; pass it as a string"),
        ("SELECT :a", {"a": -(2**63) - 1}, "parameter a is beyond 64 bits; pass it as a string"),
        ("SELECT ?", [object()], "parameter 1 has no form in SQL: object"),
        ("SELECT ?", ["a\0b"], "parameter 1 contains a NUL character"),
        ("SELECT ?", ["\ud800"], "parameter 1 is not valid Unicode"),
        ("SELECT 1\0", None, "the SQL contains a NUL character"),
        ("SELECT '\ud800'", None, "the SQL is not valid Unicode"),
        ("SELECT" + " " * MAX_SQL, None, f"the SQL is longer than {MAX_SQL} characters"),
        (";SELECT 1", None, "the SQL does not begin with a word"),
        ("'x'", None, "the SQL does not begin with a word"),
        (" /* */ -- x\n commit", None, "COMMIT statements are not permitted"),
        ("Begin", None, "BEGIN statements are not permitted"),
        ("SELECTx 1", None, "SELECTX statements are not permitted"),
        ("\N{NO-BREAK SPACE}?", [1], "the SQL does not begin with a word"),
    ],
)
def test_refusals(dialect, sql, parameters, message):
    with pytest.raises(StatementError) as caught:
        bind(sql, parameters, dialect)
    assert str(caught.value) == message


@pytest.mark.parametrize("sql", ["SELECT @a", "SELECT $a", "SELECT #a"])
@pytest.mark.parametrize("parameters", [[], {"a": 1}])
def test_other_placeholders_of_sqlite_are_refused(sql, parameters):
    with pytest.raises(StatementError, match=r"placeholder .a"):
        bind(sql, parameters, SQLITE)


@BOTH
def test_the_largest_integers_fit(dialect):
    assert bind("SELECT ?, ?", [2**63 - 1, -(2**63)], dialect).values == (2**63 - 1, -(2**63))


@BOTH
def test_lists_and_objects_are_json(dialect):
    assert bind("SELECT ?, ?", [[1, None, "ä"], {"a": True}], dialect).values == ('[1, null, "ä"]', '{"a": true}')


@BOTH
@pytest.mark.parametrize("text", ["'", '"', "/*", "$a$", "$", "e'\\", "E''\n", "a", "--", "/*/", "[", "`", "?"])
def test_no_text_takes_long(dialect, text):
    """Work that grows with the square of the length would take minutes here: the test would not end in time."""
    sql = "SELECT " + text * (900_000 // len(text))
    try:
        bind(sql, None, dialect)
    except StatementError as error:
        assert "placeholder" in str(error)


PIECES = st.sampled_from(
    ["'", '"', "?", ":a", "a", "$", "$$", "$x$", "/*", "*/", "--", "\n", "\\", "e", " ", "::", "1"]
)


@BOTH
@given(pieces=st.lists(PIECES, max_size=30))
def test_what_is_not_a_placeholder_stays_as_it_is(dialect, pieces):
    sql = "SELECT " + "".join(pieces).replace("??", "")
    try:
        bound = bind(sql, {"a": 7}, dialect)
    except StatementError:
        return
    form = " $1 " if dialect is POSTGRESQL else " ? "
    assert bound.sql.replace(form, ":a") == sql.replace(form, ":a")
