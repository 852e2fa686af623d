"""Named database connections to SQLite and PostgreSQL, with limits on every statement.

Each connection is a separate process (see ``worker``). SQLAlchemy parses the URL. Statements are passed to the driver
unchanged, because SQLAlchemy's ``text`` treats colons in them as placeholders.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from math import inf
from types import MappingProxyType
from typing import Final

from attrs import frozen

from zenowasm.display import visible
from zenowasm.resources.databases import sql
from zenowasm.resources.databases.process import ProcessSession
from zenowasm.resources.databases.settings import (
    DatabaseError,
    DatabaseSettings,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryError,
    QueryTimeoutError,
    ResultLimitError,
    StatementError,
    TransactionLostError,
    UnknownDatabaseError,
    ValueFormError,
)

__all__ = [
    "DatabaseError",
    "DatabaseSettings",
    "DatabaseSettingsError",
    "DatabaseUnavailableError",
    "Databases",
    "QueryError",
    "QueryResult",
    "QueryTimeoutError",
    "ResultLimitError",
    "StatementError",
    "Transaction",
    "TransactionLostError",
    "UnknownDatabaseError",
    "ValueFormError",
]

_LOGGER: Final = logging.getLogger("zenowasm.databases")
_USED_UP: Final = "the time of the call is used up"
_DIALECTS: Final = MappingProxyType({"sqlite": sql.SQLITE, "postgresql": sql.POSTGRESQL})
_MODULES: Final = MappingProxyType({"sqlite": ("sqlalchemy",), "postgresql": ("sqlalchemy", "psycopg")})


@frozen
class QueryResult:
    """The rows of a statement, as JSON objects by column name, and the number of rows that it changed.

    ``affected`` is ``None`` for a statement that returns rows and for one that changes none, such as CREATE.
    """

    rows: list[dict[str, object]]
    affected: int | None


class Databases:
    """The thread-safe connections of a host, by name.

    A connection is opened at its first transaction. Raises ``DatabaseSettingsError`` if the extra ``db`` is missing.
    """

    def __init__(self, connections: Mapping[str, DatabaseSettings]) -> None:
        for settings in connections.values():
            missing = [name for name in _MODULES[settings.kind] if find_spec(name) is None]
            if missing:
                raise DatabaseSettingsError(
                    f"{settings.kind} connections need {missing[0]}: pip install 'zenowasm[db]'"
                )
        self._connections = {name: _Connection(name, settings) for name, settings in connections.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._connections

    def begin(self, name: str, deadline: float = inf) -> Transaction:
        """Begin a transaction. End it with ``commit`` or ``rollback``, or its connection stays in use.

        ``deadline`` is in seconds of ``time.monotonic``; no wait exceeds it or ``max_seconds``. Raises
        ``UnknownDatabaseError``, ``DatabaseUnavailableError``, ``QueryError``.
        """
        connection = self._connections.get(name)
        if connection is None:
            raise UnknownDatabaseError(f"database connection not found: {name}")
        return connection.begin(deadline)

    def close(self) -> None:
        """Close all idle connections, and each connection in use when its transaction ends."""
        for connection in self._connections.values():
            connection.close()


class Transaction:
    """One transaction, used by one thread at a time, until ``commit`` or ``rollback``."""

    def __init__(self, session: ProcessSession, settings: DatabaseSettings, release: Callable[[], None]) -> None:
        self._session = session
        self._settings = settings
        self._release = release
        self._open = True

    def query(self, text: str, parameters: sql.Parameters = None, deadline: float = inf) -> QueryResult:
        """Run one statement with bound parameters (see ``sql.bind``). A statement that fails has no effect.

        ``deadline`` is in seconds of ``time.monotonic``; the statement ends then or after ``max_seconds``. Raises
        ``StatementError``, ``QueryError`` and its subclasses.
        """
        self._check_open()
        statement = sql.bind(text, parameters, _DIALECTS[self._settings.kind])
        limit = self._limit(deadline)
        try:
            return QueryResult(*self._session.execute(statement, limit))
        except QueryTimeoutError as error:
            raise self._timeout(limit, deadline) from error

    def commit(self, deadline: float = inf) -> None:
        """Commit and release the connection. Raises ``QueryError``; the transaction then has no effect."""
        self._check_open()
        try:
            limit = self._limit(deadline)
            try:
                self._session.commit(limit)
            except QueryTimeoutError as error:
                raise self._timeout(limit, deadline) from error
        finally:
            self.rollback()

    def _limit(self, deadline: float) -> float:
        """Return the time at which a statement that begins now must end."""
        now = time.monotonic()
        if deadline <= now:
            raise QueryTimeoutError(_USED_UP)
        return min(deadline, now + self._settings.max_seconds)

    def _timeout(self, limit: float, deadline: float) -> QueryTimeoutError:
        own = f"the statement took longer than the limit of {self._settings.max_seconds:g} s"
        return QueryTimeoutError(_USED_UP if limit == deadline else own)

    def rollback(self) -> None:
        """Roll back uncommitted changes and release the connection. Does nothing if the transaction has ended."""
        if not self._open:
            return
        self._open = False
        try:
            self._session.rollback()
        finally:
            self._release()

    def _check_open(self) -> None:
        if not self._open:
            raise TransactionLostError("the transaction is over")


class _Connection:
    """One named connection: its idle sessions, and a semaphore that bounds the sessions in use."""

    def __init__(self, name: str, settings: DatabaseSettings) -> None:
        self._name = name
        self._settings = settings
        self._places = threading.BoundedSemaphore(settings.transactions)
        self._lock = threading.Lock()
        self._idle: list[ProcessSession] = []
        self._target: Mapping[str, object] | None = None

    def begin(self, deadline: float) -> Transaction:
        settings = self._settings
        now = time.monotonic()
        if deadline <= now:
            raise QueryTimeoutError(_USED_UP)
        if not self._places.acquire(timeout=min(deadline - now, settings.max_seconds)):
            raise DatabaseUnavailableError(f"all {settings.transactions} connections of the pool are in use")
        try:
            idle = self._idle
            session = self._begun(idle, deadline)
        except BaseException:
            self._places.release()
            raise
        return Transaction(session, settings, partial(self._release, session, idle))

    def _begun(self, idle: list[ProcessSession], deadline: float) -> ProcessSession:
        """Begin a transaction in an idle session, or in a new one if no idle session still runs."""
        limit = min(deadline, time.monotonic() + self._settings.max_seconds)
        while idle and time.monotonic() < limit:
            with suppress(DatabaseUnavailableError, IndexError):
                return _begin(idle.pop(), limit)
        try:
            return _begin(ProcessSession(self._settings, self._parsed(), deadline), limit)
        except DatabaseUnavailableError as error:
            if error.reason:
                _LOGGER.error("database connection %s: %s", visible(self._name), visible(error.reason))
            raise

    def _release(self, session: ProcessSession, idle: list[ProcessSession]) -> None:
        try:
            with self._lock:
                kept = session.usable and self._idle is idle
                if kept:
                    idle.append(session)
            if not kept:
                session.close()
        finally:
            self._places.release()

    def _parsed(self) -> Mapping[str, object]:
        with self._lock:
            if self._target is None:
                self._target = _target(self._settings)
            return self._target

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        while idle:
            with suppress(IndexError):  # another thread has taken the session
                idle.pop().close()


def _begin(session: ProcessSession, deadline: float) -> ProcessSession:
    try:
        session.begin(deadline)
    except BaseException:
        session.close()
        raise
    return session


def _target(settings: DatabaseSettings) -> dict[str, object]:
    """Parse the URL of a connection into keyword arguments for its driver."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.url)
    except (ArgumentError, ValueError):
        raise DatabaseSettingsError("the database URL cannot be read") from None
    if settings.kind == "sqlite":
        return {"database": url.database}
    return {**url.translate_connect_args(username="user", database="dbname"), **url.query}
