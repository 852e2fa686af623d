"""What only PostgreSQL has: sessions with settings, roles, types, and a network in between."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from hostile.bounded import run_python
from support.postgres import PASSWORD

from zenowasm.resources.databases.connections import (
    Databases,
    DatabaseSettings,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryError,
    QueryTimeoutError,
    StatementError,
    TransactionLostError,
    ValueFormError,
)


@pytest.fixture
def databases(postgres_url) -> Iterator[Databases]:
    made = Databases(
        {
            "main": DatabaseSettings(postgres_url, pool_size=1),
            "other": DatabaseSettings(postgres_url, pool_size=1),
            "brief": DatabaseSettings(postgres_url, pool_size=1, max_seconds=0.3),
            "reader": DatabaseSettings(postgres_url, read_only=True, pool_size=1),
        }
    )
    yield made
    made.close()


def run(databases, sql, parameters=None, name="main"):
    transaction = databases.begin(name)
    try:
        rows = transaction.query(sql, parameters).rows
    except BaseException:
        transaction.rollback()
        raise
    transaction.commit()
    return rows


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2147483648::bigint", 2147483648),
        ("1.50::numeric", "1.50"),
        ("'NaN'::numeric", "NaN"),
        ("1e30::numeric", "1" + "0" * 30),
        ("'NaN'::float8", "NaN"),
        ("'-Infinity'::float4", "-Infinity"),
        ("0.1::float8", 0.1),
        ("true", True),
        ("'\\x00ff'::bytea", "AP8="),
        ("'0b7a3c1e-0000-4000-8000-00000000000a'::uuid", "0b7a3c1e-0000-4000-8000-00000000000a"),
        ("date '2026-02-03'", "2026-02-03"),
        ("time '04:05:06.5'", "04:05:06.5"),
        ("timestamp '2026-02-03 04:05:06.789'", "2026-02-03T04:05:06.789"),
        ("timestamptz '2026-02-03 04:05:06+05:30'", "2026-02-02T22:35:06+00:00"),
        ("timetz '04:05:06+05:30'", "04:05:06+05:30"),
        ("timestamptz 'infinity'", "infinity"),
        ("timestamp '12026-02-03 04:05:06'", "12026-02-03T04:05:06"),
        ("timestamp '0044-03-15 12:00:00 BC'", "0044-03-15 12:00:00 BC"),
        ("interval '1 year 2 days 3:04'", "P1Y2DT3H4M"),
        ("'{\"a\": [1, 1.5, null, 12345678901234567890]}'::jsonb", {"a": [1, 1.5, None, 12345678901234567890]}),
        ("'[1]'::json", [1]),
        ("ARRAY[1, NULL, 3]", [1, None, 3]),
        ("ARRAY[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("ARRAY[timestamp '2026-02-03 04:05:06']", ["2026-02-03T04:05:06"]),
        ("ARRAY[1.50, 2]::numeric[]", ["1.50", "2"]),
        ("int4range(1, 5)", "[1,5)"),
        ("inet '10.0.0.1/8'", "10.0.0.1/8"),
        ("point(1, 2)", "(1,2)"),
        ("NULL", None),
    ],
)
def test_values(databases, expression, value):
    assert run(databases, f"SELECT {expression} AS v") == [{"v": value}]


@pytest.mark.parametrize(
    ("sql", "parameters", "value"),
    [
        ("SELECT ? + 1 AS v", [1], 2),
        ("SELECT ?::bigint AS v", [2**63 - 1], 2**63 - 1),
        ("SELECT ? AS v", ["text"], "text"),
        ("SELECT ?::date + 1 AS v", ["2026-02-28"], "2026-03-01"),
        ("SELECT (? OR false) AS v", [True], True),
        ("SELECT ? * 2.0::float8 AS v", [0.5], 1.0),
        ("SELECT ?::int IS NULL AS v", [None], True),
        ("SELECT ?::jsonb -> 'a' AS v", [{"a": [1]}], [1]),
        ("SELECT '{\"a\": 1}'::jsonb ?? ? AS v", ["a"], True),
        ("SELECT '{\"a\": 1}'::jsonb ? :k AS v", {"k": "a"}, True),
        ("SELECT (ARRAY[1, 2, 3])[2:3] AS v", [], [2, 3]),
        ("SELECT :a::int + :a::int AS v", {"a": "4"}, 8),
        ("SELECT $$?$$ || $a$ :b $$ $a$ || E'\\'?' AS v", [], "? :b $$ '?"),
    ],
)
def test_parameters(databases, sql, parameters, value):
    assert run(databases, sql, parameters) == [{"v": value}]


@pytest.mark.parametrize(
    "sql",
    ["SELECT set_config('transaction_read_only', 'off', false)",
     "SELECT set_config('default_transaction_read_only', 'off', false)",
     "SET TRANSACTION READ WRITE", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "COMMIT", "ROLLBACK; BEGIN",
     "SELECT set_config('role', 'postgres', false)", "SELECT set_config('standard_conforming_strings', 'off', false)"],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_reader_stays_one(databases, sql, first):
    run(databases, "CREATE TABLE item (id int)")
    transaction = databases.begin("reader")
    if not first:
        transaction.query("SELECT * FROM item")
    with suppress(QueryError, StatementError):
        transaction.query(sql)
    for change in ("INSERT INTO item VALUES (1)", "CREATE TABLE t (a int)"):
        with pytest.raises(QueryError, match="in a read-only transaction"):
            transaction.query(change)
    smuggled = r"\'; COMMIT; INSERT INTO item VALUES (1) --"
    assert transaction.query(f"SELECT E'\\\\' || '{smuggled[2:]}' AS v").rows == [{"v": smuggled.replace("'", "")}]
    transaction.commit()
    assert run(databases, "SELECT * FROM item") == []


def test_a_setting_ends_with_its_transaction_and_does_not_reach_the_next_plugin(databases):
    transaction = databases.begin("main")
    transaction.query("CREATE SCHEMA other")
    for setting, value in {"search_path": "other", "statement_timeout": "1", "datestyle": "German"}.items():
        transaction.query("SELECT set_config(?, ?, false)", [setting, value])
    transaction.query("CREATE TEMP TABLE item (id int)")
    transaction.query("SELECT pg_advisory_lock(1)")
    transaction.commit()
    assert run(databases, "SELECT current_setting('search_path') AS v") == [{"v": '"$user", public'}]
    assert run(databases, "SELECT pg_sleep(0.05) IS NULL AS v") == [{"v": False}]
    with pytest.raises(QueryError, match="does not exist"):
        run(databases, "SELECT * FROM item")
    assert run(databases, "SELECT pg_try_advisory_lock(1) AS v", name="other") == [{"v": True}]


def test_what_a_statement_changes_of_its_own_output_ends_with_it(databases):
    transaction = databases.begin("main")
    german = "SELECT set_config('datestyle', 'German', false) AS a, date '2026-02-03' AS v"
    assert transaction.query(german).rows[0]["v"] == "03.02.2026"
    with pytest.raises(ValueFormError, match="a value of the result cannot be read"):
        transaction.query("SELECT set_config('client_encoding', 'LATIN1', false) AS a, 'ä' AS v")
    assert transaction.query("SELECT date '2026-02-03' AS v, 'ä' AS w").rows == [{"v": "2026-02-03", "w": "ä"}]
    transaction.rollback()


def test_a_procedure_cannot_commit(databases):
    run(databases, "CREATE TABLE item (id int)")
    run(databases, "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO item VALUES (1); COMMIT; END $$")
    with pytest.raises(QueryError, match="invalid transaction termination"):
        run(databases, "CALL p()")
    assert run(databases, "SELECT * FROM item") == []


def test_a_server_that_does_not_stop_in_time_loses_the_connection(databases, postgres_url):
    """A function of PostgreSQL can catch what statement_timeout raises; the client's own clock ends the wait."""
    run(
        databases,
        """CREATE FUNCTION stubborn() RETURNS int LANGUAGE plpgsql AS $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60);
        EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$""",
    )
    transaction = databases.begin("brief")
    with pytest.raises(QueryTimeoutError, match=r"the statement took longer than the limit of 0.3 s"):
        transaction.query("SELECT stubborn()")
    with pytest.raises(TransactionLostError):
        transaction.query("SELECT 1")
    with pytest.raises(TransactionLostError):
        transaction.commit()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%stubborn()'"
                           " AND pid <> pg_backend_pid()")  # fmt: skip
    assert run(databases, "SELECT 1 AS v", name="brief") == [{"v": 1}]


def test_a_lock_is_waited_for_until_the_limit(databases):
    run(databases, "CREATE TABLE item (id int)")
    run(databases, "INSERT INTO item VALUES (1)")
    holder = databases.begin("main")
    holder.query("UPDATE item SET id = 2")
    with pytest.raises(QueryTimeoutError):
        run(databases, "UPDATE item SET id = 3", name="brief")
    holder.rollback()
    run(databases, "UPDATE item SET id = 3", name="brief")


def test_a_connection_that_died_in_the_pool_is_replaced(databases, postgres_url):
    for _ in range(2):
        assert run(databases, "SELECT 1 AS v") == [{"v": 1}]
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                               " WHERE application_name = 'zenowasm'")  # fmt: skip
    assert run(databases, "SELECT 1 AS v") == [{"v": 1}]


def test_a_connection_that_dies_in_a_transaction_is_an_error(databases):
    transaction = databases.begin("main")
    with pytest.raises(QueryError):
        transaction.query("SELECT pg_terminate_backend(pg_backend_pid(), 10000)")
    with pytest.raises(QueryError):
        transaction.query("SELECT 1")
    with pytest.raises(QueryError):
        transaction.commit()
    assert run(databases, "SELECT 1 AS v") == [{"v": 1}]


def unreachable(url: str) -> str:
    databases = Databases({"main": DatabaseSettings(url, max_seconds=1)})
    with pytest.raises(DatabaseUnavailableError) as caught:
        databases.begin("main")
    databases.close()
    return str(caught.value)


def test_only_the_operator_reads_why_a_server_cannot_be_reached(postgres_server, caplog):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        closed = f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/d"
        for url in (postgres_server.url(password="wrong"), postgres_server.url("missing"), closed):
            assert unreachable(url) == "the database cannot be opened"
    wrong, missing, refused = caplog.messages
    assert "password authentication failed" in wrong
    assert 'database "missing" does not exist' in missing
    assert f"port {port}" in refused
    assert "Connection refused" in refused
    for message in caplog.messages:
        assert message.startswith("database connection main: ")
        assert PASSWORD not in message


def test_a_server_that_is_silent_is_not_waited_for():
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert unreachable(f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/d") == "the database cannot be opened"


def test_a_url_that_cannot_be_read_is_not_shown():
    databases = Databases({"main": DatabaseSettings("postgresql://u:hunter2@h:port/d")})
    with pytest.raises(DatabaseSettingsError) as caught:
        databases.begin("main")
    assert str(caught.value) == "the database URL cannot be read"
    assert caught.value.__cause__ is None


def test_what_a_plain_role_may_not(postgres_server, postgres_url, databases):
    run(databases, "CREATE ROLE plain LOGIN PASSWORD 'p'")
    plain = Databases({"main": DatabaseSettings(postgres_url.replace(f"postgres:{PASSWORD}", "plain:p"))})
    try:
        for sql in ("SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')", "CREATE EXTENSION dblink"):
            with pytest.raises(QueryError, match=r"permission denied|could not open extension"):
                run(plain, sql)
    finally:
        plain.close()
        run(databases, "DROP ROLE plain")


@pytest.mark.parametrize("depth", [101, 5000])
def test_json_that_is_nested_too_deeply(databases, depth):
    transaction = databases.begin("main")
    with pytest.raises(ValueFormError, match="nested"):
        transaction.query(f"SELECT (repeat('[', {depth}) || repeat(']', {depth}))::json AS v")
    assert transaction.query("SELECT 1 AS v").rows == [{"v": 1}]
    transaction.rollback()


def test_notices_of_the_server_go_nowhere(databases, capfd):
    run(databases, "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'x'; RETURN 1; END $$")
    assert run(databases, "SELECT f() AS v") == [{"v": 1}]
    assert capfd.readouterr() == ("", "")


def test_threads_wait_for_a_place_and_get_it(databases):
    held = databases.begin("main")
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(run(databases, "SELECT 1 AS v")))
    waiting.start()
    held.rollback()
    waiting.join()
    assert got == [[{"v": 1}]]


def test_a_reader_leaves_no_large_object_behind(databases):
    """Before PostgreSQL 16 a READ ONLY transaction can make one."""
    made = "SELECT count(*) AS n FROM pg_largeobject_metadata"
    try:
        run(databases, "SELECT lo_from_bytea(0, 'abc')", name="reader")
    except QueryError as error:
        assert "read-only" in str(error)
    assert run(databases, made) == [{"n": 0}]


LARGE = """
import sys
from zenowasm.resources.databases.connections import Databases, DatabaseSettings, ResultLimitError
databases = Databases({"main": DatabaseSettings(sys.argv[1], max_seconds=30)})
transaction = databases.begin("main")
try:
    transaction.query(f"SELECT repeat('x', {sys.argv[2]}) AS v")
except ResultLimitError as error:
    print(error)
transaction.rollback()
transaction = databases.begin("main")
print(transaction.query("SELECT 1 AS v").rows)
transaction.rollback()
databases.close()
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
"""


@pytest.mark.parametrize("size", [9_000_000, 40_000_000, 100_000_000, 200_000_000])
def test_a_large_row_takes_little_of_the_hosts_memory(postgres_url, size):
    ending = run_python(LARGE, postgres_url, str(size), seconds=60)
    message, rows, peak = ending.stdout.splitlines()
    assert (message, rows) == ("the result is larger than 8388608 bytes", "[{'v': 1}]")
    assert int(peak) < 100_000


@pytest.mark.parametrize(
    "query",
    ["SELECT ('[' || repeat('[],', 8000000) || '1]')::json AS v", "SELECT generate_series(1, 100000000)"],
    ids=["a value that takes long to read", "a result without end"],
)
def test_what_takes_long_ends_at_the_limit(databases, query):
    transaction = databases.begin("main")
    began = time.monotonic()
    with pytest.raises(QueryError):
        transaction.query(query, deadline=began + 1)
    assert time.monotonic() - began < 3
    transaction.rollback()
    assert run(databases, "SELECT 1 AS v") == [{"v": 1}]
