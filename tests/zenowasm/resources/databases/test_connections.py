"""What holds for every database: bound parameters, bounds, one transaction; on SQLite files and on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from zenowasm.resources.databases.connections import (
    Databases,
    DatabaseSettings,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryError,
    QueryTimeoutError,
    ResultLimitError,
    StatementError,
    TransactionLostError,
    UnknownDatabaseError,
)

Open = Callable[..., Databases]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/with space?.db".replace("?", "%3F")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def opened(url) -> Iterator[Open]:
    made = []

    def open_(**settings) -> Databases:
        made.append(Databases({"main": DatabaseSettings(url, **settings)}))
        return made[-1]

    yield open_
    for databases in made:
        databases.close()


def run(databases: Databases, sql: str, parameters=None, name: str = "main"):
    transaction = databases.begin(name)
    try:
        result = transaction.query(sql, parameters)
    except BaseException:
        transaction.rollback()
        raise
    transaction.commit()
    return result


@pytest.fixture
def main(opened) -> Databases:
    databases = opened()
    run(databases, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    return databases


def names(databases: Databases) -> list[object]:
    return [row["name"] for row in run(databases, "SELECT name FROM item ORDER BY name").rows]


def test_rows_and_what_is_affected(main):
    assert run(main, "INSERT INTO item VALUES (?, ?), (?, ?)", [1, "a", 2, "b"]).affected == 2
    assert run(main, "INSERT INTO item VALUES (:id, :name)", {"id": 3, "name": "c"}).rows == []
    result = run(main, "SELECT id, name FROM item WHERE id >= ? ORDER BY id", [2])
    assert result.rows == [{"id": 2, "name": "b"}, {"id": 3, "name": "c"}]
    assert result.affected is None
    assert run(main, "UPDATE item SET name = name || '!'").affected == 3
    assert run(main, "DELETE FROM item WHERE id = 7").affected == 0
    assert run(main, "SELECT name FROM item WHERE id = 7").rows == []
    assert run(main, "INSERT INTO item VALUES (9, 'z') RETURNING id").rows == [{"id": 9}]


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE item; --", "x' OR '1'='1", '"', "$1", "%s", "%(a)s", ":name", "?", "\\", "ä\N{PILE OF POO}", ""],
)
def test_parameters_are_never_part_of_the_sql(main, text):
    run(main, "INSERT INTO item VALUES (1, ?)", [text])
    assert run(main, "SELECT name FROM item WHERE name = :name", {"name": text}).rows == [{"name": text}]


def test_colons_question_marks_and_percent_signs_in_literals(main):
    sql = "SELECT ':a ? %s' AS a, '100%' AS b /* ? :c */, CAST(? AS TEXT) AS d -- ?"
    assert run(main, sql, ["v"]).rows == [{"a": ":a ? %s", "b": "100%", "d": "v"}]
    sql = "SELECT ':a ? %s' AS a, CAST(:d AS TEXT) AS d"
    assert run(main, sql, {"d": "v"}).rows == [{"a": ":a ? %s", "d": "v"}]


def test_a_percent_sign_without_parameters(main):
    assert run(main, "SELECT '%s %d %' AS a, 7 % 4 AS b").rows == [{"a": "%s %d %", "b": 3}]


def test_values(main):
    sql = "SELECT 9223372036854775807 AS i, 0.5 AS f, NULL AS n, 'ä' AS t, CAST(? AS INTEGER) AS p"
    row = run(main, sql, [-5]).rows[0]
    assert {**row, "f": float(row["f"])} == {"i": 2**63 - 1, "f": 0.5, "n": None, "t": "ä", "p": -5}


def test_of_columns_with_one_name_the_last_wins(main):
    assert run(main, "SELECT 1 AS a, 2 AS b, 3 AS a").rows == [{"a": 3, "b": 2}]


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1; COMMIT", "DELETE FROM item; DROP TABLE item"])
@pytest.mark.parametrize("parameters", [None, [], {}])
def test_only_one_statement(main, sql, parameters):
    run(main, "INSERT INTO item VALUES (1, 'a')")
    with pytest.raises(StatementError, match=r"^only one statement is permitted$"):
        run(main, sql, parameters)
    assert names(main) == ["a"]


def test_a_semicolon_at_the_end_is_fine(main):
    assert run(main, "SELECT 1 AS a ; -- the end\n").rows == [{"a": 1}]


def test_commit_and_rollback(main):
    first = main.begin("main")
    first.query("INSERT INTO item VALUES (1, 'kept')")
    first.commit()
    second = main.begin("main")
    second.query("INSERT INTO item VALUES (2, 'dropped')")
    assert len(second.query("SELECT * FROM item").rows) == 2
    second.rollback()
    second.rollback()
    assert names(main) == ["kept"]
    for ended in (first, second):
        with pytest.raises(TransactionLostError, match="the transaction is over"):
            ended.query("SELECT 1")


@pytest.mark.parametrize(
    "sql",
    ["COMMIT", "ROLLBACK", "BEGIN", "END", "SAVEPOINT a", "RELEASE statement", "ROLLBACK TO statement", "ABORT",
     "START TRANSACTION", "SET TRANSACTION READ WRITE", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
     "ATTACH 'x.db' AS x", "DETACH main", "PRAGMA query_only = 0", "VACUUM", "VACUUM INTO 'x.db'",
     "COPY item TO PROGRAM 'true'", "COPY item TO STDOUT", "LOAD 'x'", "SET statement_timeout = 0", "RESET ALL",
     "DISCARD ALL", "PREPARE a AS SELECT 1", "EXECUTE a", "DO 'BEGIN END'", "LISTEN a", "DECLARE a CURSOR FOR SELECT 1",
     "(((COMMIT)))", "/* /* */ */ COMMIT", "--\nCOMMIT", "\tcommit;", ";COMMIT", "\ufeffCOMMIT", "EXPLAIN COMMIT"],
)  # fmt: skip
def test_a_guest_cannot_end_or_change_the_transaction(main, sql):
    transaction = main.begin("main")
    transaction.query("INSERT INTO item VALUES (1, 'a')")
    with pytest.raises((StatementError, QueryError)):
        transaction.query(sql)
    transaction.query("INSERT INTO item VALUES (2, 'b')")
    transaction.rollback()
    assert names(main) == []


def test_a_failed_statement_leaves_nothing_and_the_transaction_goes_on(main):
    transaction = main.begin("main")
    transaction.query("INSERT INTO item VALUES (1, 'a')")
    with pytest.raises(QueryError):
        transaction.query("INSERT INTO item VALUES (2, 'b'), (3, 'a')")
    with pytest.raises(QueryError):
        transaction.query("SELECT * FROM missing")
    transaction.query("INSERT INTO item VALUES (4, 'd')")
    transaction.commit()
    assert names(main) == ["a", "d"]


def test_rows_are_bounded_and_not_cut(main, opened):
    bounded = opened(max_rows=3)
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n"
    assert len(run(bounded, sql.format(3)).rows) == 3
    transaction = bounded.begin("main")
    for many in (4, 1_000_000_000):
        with pytest.raises(ResultLimitError, match=r"^the result has more than 3 rows$"):
            transaction.query(sql.format(many))
        assert len(transaction.query(sql.format(3)).rows) == 3
    transaction.commit()
    with pytest.raises(ResultLimitError):
        run(bounded, "INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd') RETURNING id")
    assert names(main) == []


def test_bytes_are_bounded(opened):
    """A row ``{"a":"xxx"}`` and what separates it from the next are 9 bytes and the text."""
    bounded = opened(max_bytes=109)
    assert run(bounded, "SELECT ? AS a", ["x" * 100]).rows
    for text in ("x" * 101, "ä" * 51, '"' * 51):
        with pytest.raises(ResultLimitError, match=r"^the result is larger than 109 bytes$"):
            run(bounded, "SELECT ? AS a", [text])
    with pytest.raises(ResultLimitError):
        run(bounded, "SELECT ? AS a UNION ALL SELECT ?", ["x" * 50, "y" * 60])


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_a_statement_ends_at_its_limit_and_the_transaction_goes_on(main, opened):
    bounded = opened(max_seconds=0.2)
    transaction = bounded.begin("main")
    transaction.query("INSERT INTO item VALUES (1, 'a')")
    with pytest.raises(QueryTimeoutError, match=r"^the statement took longer than the limit of 0.2 s$"):
        transaction.query(ENDLESS)
    assert transaction.query("SELECT name FROM item").rows == [{"name": "a"}]
    transaction.commit()
    assert names(main) == ["a"]


def test_a_statement_ends_at_the_deadline_of_the_call(opened):
    transaction = opened(max_seconds=600).begin("main")
    with pytest.raises(QueryTimeoutError, match=r"^the time of the call is used up$"):
        transaction.query(ENDLESS, deadline=time.monotonic() + 0.1)
    transaction.rollback()


def test_waiting_for_a_place_in_the_pool_ends(opened):
    bounded = opened(pool_size=1, max_seconds=600)
    held = bounded.begin("main")
    with pytest.raises(DatabaseUnavailableError, match=r"^all 1 connections of the pool are in use$"):
        bounded.begin("main", time.monotonic() + 0.1)
    held.rollback()
    assert run(bounded, "SELECT 1 AS a").rows == [{"a": 1}]


def test_read_only(main, opened):
    reader = opened(read_only=True)
    run(main, "INSERT INTO item VALUES (1, 'a')")
    assert names(reader) == ["a"]
    transaction = reader.begin("main")
    changes = [
        "INSERT INTO item VALUES (2, 'b')",
        "DELETE FROM item",
        "CREATE TABLE other (a INTEGER)",
        "DROP TABLE item",
        "WITH n AS (SELECT 5 AS i) INSERT INTO item SELECT i, 'n' FROM n",
    ]
    for change in (*changes, "PRAGMA query_only = 0", "SET TRANSACTION READ WRITE", "COMMIT", *changes):
        with pytest.raises((QueryError, StatementError)):
            transaction.query(change)
    transaction.commit()
    assert names(main) == ["a"]


def test_error_texts_are_short_and_hold_no_sql_no_parameters_and_no_url(main, url):
    for sql, parameters in [
        ("SELECT * FROM missing WHERE x = ?", ["top-secret"]),
        ("INSERT INTO item VALUES (1, ?), (2, ?)", ["top-secret", "top-secret"]),
        ("SELECT " + "x" * 5000, None),
    ]:
        with pytest.raises(QueryError) as caught:
            run(main, sql, parameters)
        text = str(caught.value)
        assert text
        assert len(text) <= 300
        for secret in ("top-secret", "sqlalchemy", "sqlalche.me", "SELECT", "INSERT", url, "127.0.0.1", "\n"):
            assert secret not in text


def test_unknown_names(main):
    assert "main" in main
    assert "other" not in main
    with pytest.raises(UnknownDatabaseError, match=r"^database connection not found: other$"):
        main.begin("other")


def test_threads_share_the_connections(main):
    """Each adds to one number, after having read it: a lost update would show in the sum."""
    run(main, "INSERT INTO item VALUES (0, '0')")

    def work(_: int) -> None:
        for _ in range(20):
            transaction = main.begin("main", time.monotonic() + 60)
            transaction.query("UPDATE item SET name = name WHERE id = 0")
            (row,) = transaction.query("SELECT name FROM item WHERE id = 0").rows
            transaction.query("UPDATE item SET name = ? WHERE id = 0", [str(int(str(row["name"])) + 1)])
            transaction.commit()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert names(main) == ["160"]


def test_closing_lets_go_and_opens_again_when_asked(main):
    main.close()
    run(main, "INSERT INTO item VALUES (1, 'a')")
    assert names(main) == ["a"]


def test_settings_keep_the_url_to_themselves():
    assert "hunter2" not in repr(DatabaseSettings("postgresql://u:hunter2@h/d"))
    for url in ("mysql://u:hunter2@h/d", "hunter2", "sqlite:hunter2"):
        with pytest.raises(DatabaseSettingsError) as caught:
            DatabaseSettings(url)
        assert str(caught.value) == "a database URL begins with sqlite:/// or postgresql://"
    with pytest.raises(ValueError, match="max_rows"):
        DatabaseSettings("sqlite://", max_rows=0)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(
        "zenowasm.resources.databases.connections.find_spec", lambda name: None if name == "psycopg" else name
    )
    Databases({"a": DatabaseSettings("sqlite://")})
    with pytest.raises(
        DatabaseSettingsError, match=r"^postgresql connections need psycopg: pip install 'zenowasm\[db]'"
    ):
        Databases({"a": DatabaseSettings("postgresql://h/d")})


def test_nothing_begins_after_the_deadline(main):
    with pytest.raises(QueryTimeoutError, match=r"^the time of the call is used up$"):
        main.begin("main", time.monotonic())
    transaction = main.begin("main")
    with pytest.raises(QueryTimeoutError, match=r"^the time of the call is used up$"):
        transaction.query("SELECT 1", deadline=time.monotonic())
    transaction.query("INSERT INTO item VALUES (1, 'a')")
    with pytest.raises(QueryTimeoutError, match=r"^the time of the call is used up$"):
        transaction.commit(time.monotonic())
    assert names(main) == []
