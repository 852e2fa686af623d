"""What only SQLite has: files to reach, a schema of its own settings, one writer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from zenowasm.resources.databases import sqlite
from zenowasm.resources.databases.connections import (
    Databases,
    DatabaseSettings,
    DatabaseUnavailableError,
    QueryError,
    QueryTimeoutError,
    TransactionLostError,
)
from zenowasm.resources.databases.sql import BoundStatement


@pytest.fixture
def databases(file) -> Iterator[Databases]:
    url = f"sqlite:///{file}"
    made = Databases({"main": DatabaseSettings(url), "reader": DatabaseSettings(url, read_only=True)})
    yield made
    made.close()


@pytest.fixture(params=["main", "reader"])
def transaction(databases, request):
    made = databases.begin(request.param)
    yield made
    made.rollback()


def beneath(transaction, sql):
    """Run a statement as if it had passed the look at its first word, so that the second wall is tested too."""
    return transaction._session.execute(BoundStatement(sql, ()), time.monotonic() + 5)


@pytest.mark.parametrize(
    "sql",
    ["ATTACH '/etc/passwd' AS x", "ATTACH ':memory:' AS x", "DETACH main", "PRAGMA query_only = 0",
     "PRAGMA writable_schema = 1", "PRAGMA journal_mode = DELETE", "PRAGMA temp_store_directory = '/tmp'", "COMMIT",
     "ROLLBACK", "BEGIN", "SAVEPOINT a", "RELEASE statement", "VACUUM", "VACUUM INTO '/tmp/copy.db'",
     "SELECT load_extension('x')", "SELECT LOAD_EXTENSION('x')", "SELECT readfile('/etc/passwd')",
     "SELECT fts3_tokenizer('simple')", "CREATE TEMP TABLE t (a)", "CREATE TEMP VIEW item AS SELECT 1",
     "CREATE TABLE temp.item AS SELECT 2 AS id", "CREATE VIEW Temp.item AS SELECT 2 AS id",
     "CREATE TRIGGER temp.t AFTER INSERT ON item BEGIN SELECT 1; END",
     "CREATE VIRTUAL TABLE v USING fts5(a)", "SELECT * FROM pragma_query_only", "SELECT * FROM sqlite_dbpage",
     "UPDATE sqlite_schema SET sql = ''"],
)  # fmt: skip
def test_nothing_leads_out_of_the_file(transaction, sql):
    before = transaction.query("SELECT * FROM item").rows
    with pytest.raises(QueryError):
        beneath(transaction, sql)
    assert transaction.query("SELECT * FROM item").rows == before


def test_a_statement_that_the_host_has_prepared_is_not_taken_from_a_cache(databases):
    """The host itself runs these words, and sqlite3 keeps prepared statements by their text."""
    for _ in range(3):
        databases.begin("main").commit()
    transaction = databases.begin("main")
    for sql in ("COMMIT", "BEGIN IMMEDIATE", "ROLLBACK", "RELEASE statement", "SAVEPOINT statement"):
        with pytest.raises(QueryError, match="not authorized"):
            beneath(transaction, sql)
    transaction.rollback()


def test_read_only_is_the_connections(databases):
    transaction = databases.begin("reader")
    for sql in ("INSERT INTO item VALUES (2, 'b')", "CREATE TABLE t (a)", "DELETE FROM item"):
        with pytest.raises(QueryError, match="readonly database"):
            transaction.query(sql)
    transaction.rollback()


def test_read_only_is_the_files_as_well(file):
    settings = DatabaseSettings(f"sqlite:///{file}", read_only=True)
    with closing(sqlite.connect(settings, str(file))) as connection:
        connection.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly database"):
            connection.execute("DELETE FROM item")


def test_values(databases):
    transaction = databases.begin("main")
    sql = "SELECT x'00ff' AS b, 9e999 AS i, -9e999 AS j, CAST(x'61ff' AS TEXT) AS t, 2.0 AS f, TRUE AS y, date(0) AS d"
    row = transaction.query(sql).rows[0]
    assert row == {"b": "AP8=", "i": "Infinity", "j": "-Infinity", "t": "a\ufffd", "f": 2.0, "y": 1, "d": row["d"]}
    transaction.rollback()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT zeroblob(1000000000)",
        "SELECT replace(hex(zeroblob(1000000)), '0', hex(zeroblob(1000)))",
        "SELECT 'x' LIKE printf('%.*c', 100000, '%')",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    ],
)
def test_values_are_bounded_before_they_are_made(databases, sql):
    transaction = databases.begin("main")
    with pytest.raises(QueryError, match=r"too big|too complex|too large|overflow"):
        transaction.query(sql)
    transaction.rollback()


def test_a_reader_does_not_wait_for_the_writer(databases):
    writer = databases.begin("main")
    writer.query("INSERT INTO item VALUES (2, 'b')")
    reader = databases.begin("reader")
    assert len(reader.query("SELECT * FROM item").rows) == 1
    writer.commit()
    assert len(reader.query("SELECT * FROM item").rows) == 1
    reader.commit()


def test_a_lock_of_another_program_is_waited_for_until_the_deadline(databases, file):
    databases.begin("main").commit()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        transaction = databases.begin("main")
        with pytest.raises(DatabaseUnavailableError, match=r"^database is locked$"):
            transaction.query("SELECT 1", deadline=time.monotonic() + 0.1)
        other.execute("COMMIT")
    assert transaction.query("SELECT 1 AS v").rows == [{"v": 1}]
    transaction.commit()


def test_a_change_that_is_interrupted_takes_the_transaction_with_it(databases):
    """SQLite rolls back everything then; going on would keep a part of what the slot did."""
    transaction = databases.begin("main")
    transaction.query("INSERT INTO item VALUES (2, 'b')")
    endless = "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n) INSERT INTO item SELECT i, i FROM n"
    with pytest.raises(QueryTimeoutError):
        transaction.query(endless, deadline=time.monotonic() + 0.2)
    with pytest.raises(TransactionLostError):
        transaction.query("INSERT INTO item VALUES (9, 'i')")
    with pytest.raises(TransactionLostError):
        transaction.commit()
    transaction = databases.begin("main")
    assert transaction.query("SELECT id FROM item").rows == [{"id": 1}]
    transaction.rollback()


def test_a_file_that_cannot_be_opened(tmp_path):
    databases = Databases(
        {
            "missing": DatabaseSettings(f"sqlite:///{tmp_path}/missing.db", read_only=True),
            "folder": DatabaseSettings(f"sqlite:///{tmp_path}"),
            "text": DatabaseSettings(f"sqlite:///{__file__}", read_only=True),
        }
    )
    for name in ("missing", "folder"):
        with pytest.raises(DatabaseUnavailableError) as caught:
            databases.begin(name)
        assert str(caught.value) == "the database cannot be opened"
    assert not (tmp_path / "missing.db").exists()
    transaction = databases.begin("text")
    with pytest.raises(QueryError, match=r"^file is not a database$"):
        transaction.query("SELECT * FROM sqlite_schema")
    transaction.rollback()
    databases.close()


def test_a_database_in_memory_is_one_for_all():
    databases = Databases({"main": DatabaseSettings("sqlite:///:memory:", pool_size=5)})
    transaction = databases.begin("main")
    transaction.query("CREATE TABLE t (a)")
    transaction.commit()
    transaction = databases.begin("main")
    assert transaction.query("SELECT * FROM t").rows == []
    transaction.rollback()
    databases.close()


def test_full_text_search_of_the_operators_works(databases, file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE VIRTUAL TABLE note USING fts5(body)")
    transaction = databases.begin("main")
    transaction.query("INSERT INTO note VALUES (?)", ["the quick brown fox"])
    assert transaction.query("SELECT body FROM note WHERE note MATCH ?", ["quick"]).rows
    transaction.commit()


def test_triggers_are_one_statement(databases):
    transaction = databases.begin("main")
    transaction.query("CREATE TRIGGER t AFTER INSERT ON item BEGIN UPDATE item SET name = 'x'; SELECT 1; END;")
    transaction.query("INSERT INTO item VALUES (2, 'b')")
    assert transaction.query("SELECT name FROM item").rows == [{"name": "x"}, {"name": "x"}]
    transaction.rollback()


def test_expressions_that_name_one_another_twice_do_not_grow_without_end(transaction):
    each = ", ".join(f"t{number + 1} AS (SELECT a.x FROM t{number} a JOIN t{number} b)" for number in range(40))
    with pytest.raises(QueryError, match="more memory than SQLite may have"):
        transaction.query(f"WITH t0 AS (SELECT 1 AS x), {each} SELECT count(*) FROM t40")
    assert transaction.query("SELECT id FROM item").rows == [{"id": 1}]
