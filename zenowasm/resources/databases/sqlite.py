"""Transactions on SQLite through Python's ``sqlite3``, shut in by SQLite's own authorizer and limits.

Sources: sqlite.org, "Compile-time Authorization Callbacks", "Run-Time Limits", "Defense Against The Dark Arts".
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zenowasm.resources.databases import sql, sqlite_functions
from zenowasm.resources.databases.settings import (
    CANNOT_BE_OPENED,
    DatabaseSettings,
    DatabaseUnavailableError,
    QueryError,
    QueryTimeoutError,
    StatementError,
    TransactionLostError,
    ValueFormError,
    one_line,
)
from zenowasm.resources.databases.values import Rows

DIALECT: Final = sql.SQLITE
_STEPS: Final = 1_000
"""Instructions of SQLite's machine between two looks at the clock."""
_PATTERN: Final = 256
"""Bytes of a LIKE or GLOB pattern: matching takes pattern times text, and no look at the clock."""
_HEAP: Final = 256 * 1024 * 1024
"""Bytes that SQLite may have in this process, for all of its connections: table expressions and views that name one
another twice are put in before a statement's first step, and double with each of them."""
_LONGEST_WAIT: Final = 2**31 - 1
_DENIED: Final = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_VTABLE,
        # What is temporary stays with the connection, which other plugins use next, and hides what they mean.
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
    }
)
# The last one takes the square of its arguments in time, and no look at the clock.
_DENIED_FUNCTIONS: Final = frozenset(
    {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "json_patch"}
)
_DENIED_TABLES: Final = frozenset({"sqlite_dbpage"})


def connect(settings: DatabaseSettings, database: str | None) -> sqlite3.Connection:
    """Open the database file, ``None`` for one in memory; without ``read_only`` it is made when it is missing.

    Raises ``DatabaseUnavailableError``.
    """
    try:
        return _connect(settings, database)
    except sqlite3.Error as error:
        raise DatabaseUnavailableError(CANNOT_BE_OPENED) from error


def _connect(settings: DatabaseSettings, database: str | None) -> sqlite3.Connection:
    mode = "ro" if settings.read_only else "rwc"
    in_memory = database in (None, "", ":memory:")
    name = ":memory:" if in_memory else f"{Path(str(database)).resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        name, uri=not in_memory, timeout=settings.max_seconds, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _PATTERN)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 4 * sql.MAX_SQL)
    connection.execute(f"PRAGMA hard_heap_limit = {_HEAP}").close()
    connection.execute("PRAGMA foreign_keys = ON")
    if settings.read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        # Readers then do not wait for the writer, nor the writer for them.
        connection.execute("PRAGMA journal_mode = WAL").close()
    longest = max(settings.max_bytes, 4 * sql.MAX_SQL)
    sqlite_functions.install(connection, longest)
    # Last, so that the schema may hold what a guest may not make: text and blobs, and the rows of the file.
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
    return connection


def _authorize(action: int, first: str | None, second: str | None, schema: str | None, _inner: str | None) -> int:
    if action in _DENIED or schema == "temp":
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and first != "data_version":  # full text search reads that one
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if (first or "").lower() in _DENIED_TABLES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class SqliteSession:
    """One transaction on a connection.

    A writable one takes SQLite's write lock when it begins, so that reading first and writing then cannot fail; a
    second one waits for it until its deadline.
    """

    dialect = DIALECT

    def __init__(self, connection: sqlite3.Connection, settings: DatabaseSettings) -> None:
        self._connection = connection
        self._settings = settings
        self.usable = True

    def begin(self, deadline: float) -> None:
        """Begin the transaction; raises ``QueryError`` and ``DatabaseUnavailableError``."""
        self._wait_until(deadline)
        with self._translated(deadline):
            try:
                self._connection.execute("BEGIN" if self._settings.read_only else "BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise DatabaseUnavailableError(one_line(str(error))) from error

    def execute(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        """Run a statement into ``rows`` and return how many rows it changed; when it fails it leaves nothing."""
        connection = self._connection
        self._check_alive()
        self._wait_until(deadline)
        connection.execute("SAVEPOINT statement")
        done = False
        try:
            with self._translated(deadline), self._guarded(deadline):
                affected = self._run(statement, rows)
            done = True
            return affected
        finally:
            if connection.in_transaction:
                if not done:
                    connection.execute("ROLLBACK TO statement")
                connection.execute("RELEASE statement")

    def _run(self, statement: sql.BoundStatement, rows: Rows) -> int | None:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement.sql, statement.values)
            if cursor.description is None:
                return cursor.rowcount if cursor.rowcount >= 0 else None
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                rows.take(columns, row)
            return None
        finally:
            cursor.close()

    def commit(self, deadline: float) -> None:
        """Commit; raises ``QueryError``, and then nothing of the transaction is kept."""
        self._check_alive()
        self._wait_until(deadline)
        with self._translated(deadline):
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back what there is; a connection that cannot is not ``usable`` any more."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.usable = False

    def reset(self) -> None:
        """Make the connection ready for the next transaction; here nothing of a session outlives its transaction."""

    def _check_alive(self) -> None:
        if not self._connection.in_transaction:
            raise TransactionLostError("the transaction was rolled back by an earlier failure")

    def _wait_until(self, deadline: float) -> None:
        milliseconds = min(max(int((deadline - time.monotonic()) * 1000), 1), _LONGEST_WAIT)
        self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}").close()

    @contextmanager
    def _guarded(self, deadline: float) -> Iterator[None]:
        connection = self._connection
        connection.set_progress_handler(lambda: time.monotonic() >= deadline, _STEPS)
        # Setting it also has statements prepared again, so none that the host itself prepared is taken from a cache.
        connection.set_authorizer(_authorize)
        try:
            yield
        finally:
            connection.set_authorizer(None)
            connection.set_progress_handler(None, 0)

    @contextmanager
    def _translated(self, deadline: float) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning) as error:
            text = str(error)
            if "one statement at a time" in text:
                raise StatementError(sql.ONE_STATEMENT) from error
            if time.monotonic() >= deadline and text in ("interrupted", "database is locked"):
                raise QueryTimeoutError(text) from error
            raise QueryError(one_line(text)) from error
        except MemoryError as error:
            raise QueryError("the statement needs more memory than SQLite may have here") from error
        except (ValueError, OverflowError) as error:
            raise ValueFormError(one_line(str(error))) from error
