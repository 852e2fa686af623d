"""Named database connections: SQLite files and PostgreSQL, with bounds on what a statement may take.

Each connection is a process of its own (see ``worker``). SQLAlchemy reads the URL; statements go to the driver as they
are written, because SQLAlchemy's own ``text`` takes colons in them for placeholders.
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
    """The rows of a statement, as JSON objects by column name, and how many rows it changed.

    ``affected`` is ``None`` for a statement that returns rows and for one that changes none, such as CREATE.
    """

    rows: list[dict[str, object]]
    affected: int | None


class Databases:
    """The connections of a host, by name; to be used from any number of threads.

    Nothing is opened before a connection's first transaction. Raises ``DatabaseSettingsError`` when the extra ``db``
    is missing.
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
        """Begin a transaction; end it with ``commit`` or ``rollback``, else its connection stays in use.

        ``deadline`` is in seconds of ``time.monotonic``; no wait goes beyond it or beyond ``max_seconds``. Raises
        ``UnknownDatabaseError``, ``DatabaseUnavailableError``, ``QueryError``.
        """
        connection = self._connections.get(name)
        if connection is None:
            raise UnknownDatabaseError(f"database connection not found: {name}")
        return connection.begin(deadline)

    def close(self) -> None:
        """Close all connections that are not in use, and those in use when their transactions end."""
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
        """Run one statement with bound parameters (see ``sql.bind``); one that fails leaves the rest as it was.

        ``deadline`` is in seconds of ``time.monotonic``; the statement ends there or after ``max_seconds``. Raises
        ``StatementError``, ``QueryError`` and its kinds.
        """
        self._check_open()
        statement = sql.bind(text, parameters, _DIALECTS[self._settings.kind])
        limit = self._limit(deadline)
        try:
            return QueryResult(*self._session.execute(statement, limit))
        except QueryTimeoutError as error:
            raise self._timeout(limit, deadline) from error

    def commit(self, deadline: float = inf) -> None:
        """Commit and give the connection back; raises ``QueryError``, and then nothing of the transaction is kept."""
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
        """Return the moment at which a statement that begins now must end."""
        now = time.monotonic()
        if deadline <= now:
            raise QueryTimeoutError(_USED_UP)
        return min(deadline, now + self._settings.max_seconds)

    def _timeout(self, limit: float, deadline: float) -> QueryTimeoutError:
        own = f"the statement took longer than the limit of {self._settings.max_seconds:g} s"
        return QueryTimeoutError(_USED_UP if limit == deadline else own)

    def rollback(self) -> None:
        """Roll back what is not committed and give the connection back; does nothing when that is done."""
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
    """One named connection: the sessions that are idle, and the places for those in use."""

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
        """Return a session in a transaction: an idle one, or a new one when all of those have ended meanwhile."""
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
            with suppress(IndexError):  # another thread begins a transaction with it
                idle.pop().close()


def _begin(session: ProcessSession, deadline: float) -> ProcessSession:
    try:
        session.begin(deadline)
    except BaseException:
        session.close()
        raise
    return session


def _target(settings: DatabaseSettings) -> dict[str, object]:
    """Return what the URL of a connection leads to, as keywords of its driver."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.url)
    except (ArgumentError, ValueError):
        raise DatabaseSettingsError("the database URL cannot be read") from None
    if settings.kind == "sqlite":
        return {"database": url.database}
    return {**url.translate_connect_args(username="user", database="dbname"), **url.query}
