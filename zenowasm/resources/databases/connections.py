"""Named database connections: SQLite files and PostgreSQL, with bounds on what a statement may take.

SQLAlchemy reads the URL and keeps the pool; statements go to the driver as they are written, because SQLAlchemy's own
``text`` takes colons in them for placeholders.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import frozen

from zenowasm.resources.databases import sql
from zenowasm.resources.databases.settings import (
    CANNOT_BE_OPENED,
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
from zenowasm.resources.databases.values import Rows

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.pool import PoolProxiedConnection

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

_USED_UP: Final = "the time of the call is used up"
_MODULES: Final = MappingProxyType({"sqlite": ("sqlalchemy",), "postgresql": ("sqlalchemy", "psycopg")})


@frozen
class QueryResult:
    """The rows of a statement, as JSON objects by column name, and how many rows it changed.

    ``affected`` is ``None`` for a statement that returns rows and for one that changes none, such as CREATE.
    """

    rows: list[dict[str, object]]
    affected: int | None


class Session(Protocol):
    """One transaction on one connection of a driver."""

    dialect: sql.Dialect

    @property
    def usable(self) -> bool:
        """Whether the connection may be used again."""

    def begin(self, deadline: float) -> None:
        """Begin the transaction."""

    def execute(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        """Run a statement into ``rows`` and return how many rows it changed; when it fails it leaves nothing."""

    def commit(self, deadline: float) -> None:
        """Commit."""

    def rollback(self) -> None:
        """Roll back, without an error."""

    def reset(self) -> None:
        """Make the connection ready for the next transaction, without an error."""


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
        self._connections = {name: _Connection(settings) for name, settings in connections.items()}

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

    def __init__(self, session: Session, settings: DatabaseSettings, release: Callable[[bool], None]) -> None:
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
        settings = self._settings
        statement = sql.bind(text, parameters, self._session.dialect)
        rows = Rows(settings.max_rows, settings.max_bytes)
        with self._until(deadline) as limit:
            affected = self._session.execute(statement, rows, limit)
        return QueryResult(rows.rows, affected)

    def commit(self, deadline: float = inf) -> None:
        """Commit and give the connection back; raises ``QueryError``, and then nothing of the transaction is kept."""
        self._check_open()
        try:
            with self._until(deadline) as limit:
                self._session.commit(limit)
        finally:
            self.rollback()

    @contextmanager
    def _until(self, deadline: float) -> Iterator[float]:
        """Yield the moment at which a statement must end, and say which limit it was when it did not."""
        limit = min(deadline, time.monotonic() + self._settings.max_seconds)
        try:
            if limit <= time.monotonic():
                raise QueryTimeoutError(_USED_UP)
            yield limit
        except QueryTimeoutError as error:
            own = f"the statement took longer than the limit of {self._settings.max_seconds:g} s"
            raise QueryTimeoutError(_USED_UP if limit == deadline else own) from error

    def rollback(self) -> None:
        """Roll back what is not committed and give the connection back; does nothing when that is done."""
        if not self._open:
            return
        self._open = False
        try:
            self._session.rollback()
            self._session.reset()
        finally:
            self._release(self._session.usable)

    def _check_open(self) -> None:
        if not self._open:
            raise TransactionLostError("the transaction is over")


class _Connection:
    """One named connection: its pool, made when it is first used, and the places in it."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        # The pool's own wait has one length for all; this one ends at the deadline of whoever waits.
        self._places = threading.BoundedSemaphore(settings.transactions)
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def begin(self, deadline: float) -> Transaction:
        settings = self._settings
        if deadline <= time.monotonic():
            raise QueryTimeoutError(_USED_UP)
        deadline = min(deadline, time.monotonic() + settings.max_seconds)
        if not self._places.acquire(timeout=max(deadline - time.monotonic(), 0.0)):
            raise DatabaseUnavailableError(f"all {settings.transactions} connections of the pool are in use")
        try:
            try:
                return self._attempt(deadline)
            except _StaleConnectionError:
                # It was closed while it lay in the pool; the others may be as well.
                self.close()
                return self._attempt(deadline)
        except BaseException as error:
            self._places.release()
            if isinstance(error, _StaleConnectionError):
                raise DatabaseUnavailableError(str(error)) from error
            raise

    def _attempt(self, deadline: float) -> Transaction:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            pooled = self._made_engine().raw_connection()
        except SQLAlchemyError as error:
            raise DatabaseUnavailableError(CANNOT_BE_OPENED) from error
        session = self._session(pooled.driver_connection)
        try:
            session.begin(deadline)
        except BaseException as error:
            session.rollback()
            _give_back(pooled, session.usable)
            if isinstance(error, DatabaseUnavailableError) and not session.usable:
                raise _StaleConnectionError(str(error)) from error
            raise

        def release(usable: bool) -> None:
            try:
                _give_back(pooled, usable)
            finally:
                self._places.release()

        return Transaction(session, self._settings, release)

    def _session(self, connection: Any) -> Session:
        if self._settings.kind == "sqlite":
            from zenowasm.resources.databases.sqlite import SqliteSession

            return SqliteSession(connection, self._settings)
        from zenowasm.resources.databases.postgresql import PostgresqlSession

        return PostgresqlSession(connection, self._settings)

    def _made_engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = _make_engine(self._settings)
            return self._engine

    def close(self) -> None:
        with self._lock:
            engine = self._engine
            self._engine = None
        if engine is not None:
            engine.dispose()


class _StaleConnectionError(DatabaseUnavailableError):
    """A pooled connection turned out to be dead."""


def _give_back(pooled: PoolProxiedConnection, usable: bool) -> None:
    if not usable:
        pooled.invalidate()
    pooled.close()


def _make_engine(settings: DatabaseSettings) -> Engine:
    from sqlalchemy import QueuePool, create_engine, make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.url)
    except (ArgumentError, ValueError):
        raise DatabaseSettingsError("the database URL cannot be read") from None

    def connect() -> Any:
        if settings.kind == "sqlite":
            from zenowasm.resources.databases.sqlite import connect

            return connect(settings, url.database)
        from zenowasm.resources.databases.postgresql import connect as connect_postgresql

        return connect_postgresql(
            settings, {**url.translate_connect_args(username="user", database="dbname"), **url.query}
        )

    return create_engine(
        url.set(drivername={"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[settings.kind]),
        creator=connect,
        poolclass=QueuePool,
        pool_size=settings.transactions,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )
