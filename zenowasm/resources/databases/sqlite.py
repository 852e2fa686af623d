"""Transactions on SQLite through Python's ``sqlite3``, confined by SQLite's own authorizer and limits.

Sources: sqlite.org, "Compile-time Authorization Callbacks", "Run-Time Limits", "Defense Against The Dark Arts".
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Final

from zenowasm.resources.databases import sql
from zenowasm.resources.databases.settings import (
    CANNOT_BE_OPENED,
    ROLLED_BACK,
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
HEAP: Final = 256 * 1024 * 1024
"""SQLite's heap limit in its process, in bytes."""
_STEPS: Final = 10_000
"""The number of SQLite's virtual machine instructions between two checks of the clock."""
_LONGEST_WAIT: Final = 2**31 - 1
_ROUNDED: Final = 100
"""The milliseconds to a multiple of which a lock timeout is rounded up."""
_DENIED: Final = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_VTABLE,
        # Temporary objects would remain in the connection, and shadow the tables of the plugins that use it next.
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
    }
)
_DENIED_FUNCTIONS: Final = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_CACHED: Final = 16
"""The number of cached prepared statements, each with up to 4 MB of SQL."""
_DENIED_TABLES: Final = frozenset({"sqlite_dbpage"})


def connect(settings: DatabaseSettings, database: str | None) -> sqlite3.Connection:
    """Open the database file, ``None`` for one in memory; create a missing file unless ``read_only`` is set.

    Raises ``DatabaseUnavailableError``.
    """
    try:
        return _connect(settings, database)
    except sqlite3.Error as error:
        raise DatabaseUnavailableError(CANNOT_BE_OPENED, f"{error}: {database}") from error


def _connect(settings: DatabaseSettings, database: str | None) -> sqlite3.Connection:
    mode = "ro" if settings.read_only else "rwc"
    in_memory = database in (None, "", ":memory:")
    name = ":memory:" if in_memory else f"{Path(str(database)).resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        name, uri=not in_memory, timeout=settings.max_seconds, isolation_level=None, cached_statements=_CACHED
    )
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 4 * sql.MAX_SQL)
    connection.execute(f"PRAGMA hard_heap_limit = {HEAP}").close()
    connection.execute("PRAGMA foreign_keys = ON")
    if settings.read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        # In this mode, readers and the writer do not wait for each other.
        connection.execute("PRAGMA journal_mode = WAL").close()
    # Last, so that the schema may exceed this limit, which bounds text, blobs and table rows.
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(settings.max_bytes, 4 * sql.MAX_SQL))
    return connection


def _authorize(action: int, first: str | None, second: str | None, schema: str | None, _inner: str | None) -> int:
    if action in _DENIED or schema == "temp":
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and first != "data_version":  # full-text search reads data_version
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if (first or "").lower() in _DENIED_TABLES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class SqliteSession:
    """A connection that runs one transaction after another.

    A writable transaction takes SQLite's write lock when it begins, so that a write after a read cannot fail. A second
    transaction waits for the lock until its deadline.
    """

    usable = True

    def __init__(self, connection: sqlite3.Connection, settings: DatabaseSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._waits = 0
        # A comment that no guest can guess: prepared statements are cached by their text, and the authorizer sees a
        # statement only when it is prepared, so a guest's COMMIT must not have the same text as the host's.
        self._mark = f"/* {secrets.token_hex(16)} */"
        self._deadline: float | None = None
        connection.set_progress_handler(self._is_over, _STEPS)
        connection.set_authorizer(self._authorize)

    def begin(self, deadline: float) -> None:
        """Begin the transaction; raises ``QueryError`` and ``DatabaseUnavailableError``."""
        self._wait_until(deadline)
        try:
            self._command("BEGIN" if self._settings.read_only else "BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailableError(one_line(str(error))) from error
        except sqlite3.Error as error:
            raise _translated(error, deadline) from error

    def execute(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        """Run a statement, add its result to ``rows``, and return the number of rows changed. On failure, undo it."""
        self._check_alive()
        self._wait_until(deadline)
        if statement.reads:
            return self._guarded(statement, rows, deadline)
        self._command("SAVEPOINT statement")
        done = False
        try:
            affected = self._guarded(statement, rows, deadline)
            done = True
            return affected
        finally:
            if self._connection.in_transaction:
                if not done:
                    self._command("ROLLBACK TO statement")
                self._command("RELEASE statement")

    def _guarded(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        self._deadline = deadline
        try:
            return self._run(statement, rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _translated(error, deadline) from error
        except MemoryError as error:
            raise QueryError("the statement needs more memory than SQLite may have here") from error
        except (ValueError, OverflowError) as error:
            raise ValueFormError(one_line(str(error))) from error
        finally:
            self._deadline = None

    def _run(self, statement: sql.BoundStatement, rows: Rows) -> int | None:
        cursor = self._connection.execute(statement.sql, statement.values)
        try:
            if cursor.description is None:
                return cursor.rowcount if cursor.rowcount >= 0 else None
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                rows.take(columns, row)
            return None
        finally:
            cursor.close()

    def commit(self, deadline: float) -> None:
        """Commit. Raises ``QueryError`` if this fails; the transaction then has no effect."""
        self._check_alive()
        self._wait_until(deadline)
        try:
            self._command("COMMIT")
        except sqlite3.Error as error:
            raise _translated(error, deadline) from error

    def rollback(self) -> None:
        """Roll back. If this fails, the connection is no longer ``usable``."""
        try:
            if self._connection.in_transaction:
                self._command("ROLLBACK")
        except sqlite3.Error:
            self.usable = False

    def reset(self) -> None:
        """Do nothing: no session state outlives a transaction."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _command(self, text: str) -> None:
        self._connection.execute(f"{self._mark} {text}").close()

    def _check_alive(self) -> None:
        if not self._connection.in_transaction:
            raise TransactionLostError(ROLLED_BACK)

    def _wait_until(self, deadline: float) -> None:
        milliseconds = max(int((deadline - time.monotonic()) * 1000), 1)
        if milliseconds > _ROUNDED:
            # Rounding lets most calls reuse the current setting.
            milliseconds = min(-(-milliseconds // _ROUNDED) * _ROUNDED, _LONGEST_WAIT)
        if milliseconds != self._waits:
            self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}").close()
            self._waits = milliseconds

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, inner: str | None
    ) -> int:
        return sqlite3.SQLITE_OK if self._deadline is None else _authorize(action, first, second, schema, inner)


def _translated(error: sqlite3.Error | sqlite3.Warning, deadline: float) -> StatementError | QueryError:
    text = str(error)
    if "one statement at a time" in text:
        return StatementError(sql.ONE_STATEMENT)
    if time.monotonic() >= deadline and text in ("interrupted", "database is locked"):
        return QueryTimeoutError(text)
    return QueryError(one_line(text))
