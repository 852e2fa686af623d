"""Transactions on PostgreSQL through psycopg 3.

PostgreSQL decides what a role may do (read server files with ``pg_read_file``, run programs with ``COPY``, end other
sessions with ``pg_terminate_backend``). Give plugins a separate role that is neither a superuser nor a member of a
``pg_`` role. If statements must end in time, it must not be allowed to create functions.
"""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import closing
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Loader, Transformer
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader

from zenowasm.resources.databases import sql
from zenowasm.resources.databases.libpq import ENDING, GRACE, Bound, Result, RowTooLargeError, Wire
from zenowasm.resources.databases.settings import (
    CANNOT_BE_OPENED,
    ROLLED_BACK,
    DatabaseSettings,
    DatabaseUnavailableError,
    QueryError,
    TransactionLostError,
    ValueFormError,
    one_line,
)
from zenowasm.resources.databases.values import Rows

_BOOL, _INT4, _INT8, _FLOAT8, _UNKNOWN = 16, 23, 20, 701, 0
"""Type OIDs of PostgreSQL's catalog; text is sent as unknown, so that it can be a date or a UUID too."""
_AS_TEXT: Final = ("numeric", "interval", "uuid", "inet", "cidr")
_RANGES_AS_TEXT: Final = ("int4", "int8", "num", "date", "ts", "tstz")
_MOMENTS: Final = ("date", "time", "timetz", "timestamp", "timestamptz")
_MOMENT: Final = re.compile(r"(?P<date>\d{4,}-\d\d-\d\d )?(?P<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?P<zone>[+-][\d:]+)?")
_PER_BYTE: Final = 2
"""The most bytes that PostgreSQL sends per byte of JSON: it sends ``bytea`` in hexadecimal, JSON uses base64."""
_PRELUDE: Final = (
    "SAVEPOINT statement; SET LOCAL statement_timeout = {milliseconds}; SET LOCAL client_encoding = 'UTF8';"
    " SET LOCAL standard_conforming_strings = on; SET LOCAL DateStyle = 'ISO'; SET LOCAL TimeZone = 'UTC';"
    " SET LOCAL IntervalStyle = 'iso_8601'"
)


class _MomentLoader(Loader):
    """A loader that turns PostgreSQL's text for dates and times, with infinity and years beyond 9999, into ISO 8601."""

    def load(self, data: Buffer) -> str:
        text = bytes(data).decode("utf-8", "replace")
        match = _MOMENT.fullmatch(text)
        if match is None:
            return text
        zone = match["zone"] or ""
        return f"{(match['date'] or '').replace(' ', 'T')}{match['time']}{zone + ':00' if len(zone) == 3 else zone}"


def connect(settings: DatabaseSettings, arguments: dict[str, Any]) -> psycopg.Connection[Any]:
    """Open a connection with the URL's arguments, within the time limit of one statement but at least 2 s.

    Raises ``DatabaseUnavailableError``.
    """
    given = {"application_name": "zenowasm", **arguments, "connect_timeout": max(2, math.ceil(settings.max_seconds))}
    try:
        connection: psycopg.Connection[Any] = psycopg.connect(
            **given, autocommit=True, prepare_threshold=None, client_encoding="UTF8"
        )
    except psycopg.Error as error:
        raise DatabaseUnavailableError(CANNOT_BE_OPENED, _reason(error, given)) from error
    ranges = [kind + form for kind in _RANGES_AS_TEXT for form in ("range", "multirange")]
    for name in (*_AS_TEXT, *ranges):
        connection.adapters.register_loader(name, TextLoader)
    for name in _MOMENTS:
        connection.adapters.register_loader(name, _MomentLoader)
    set_json_loads(_json, connection)
    return connection


def _reason(error: psycopg.Error, given: dict[str, Any]) -> str:
    reason = one_line(str(error))
    password = given.get("password")
    return reason.replace(password, "***") if password else reason


class PostgresqlSession:
    """A connection that runs one transaction after another."""

    def __init__(self, connection: psycopg.Connection[Any], settings: DatabaseSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._wire = Wire(connection)

    @property
    def usable(self) -> bool:
        """Whether the connection can be used again."""
        return self._wire.usable

    def begin(self, deadline: float) -> None:
        """Begin the transaction; raises ``DatabaseUnavailableError`` if the connection is lost."""
        access = "READ ONLY" if self._settings.read_only else "READ WRITE"
        try:
            self._wire.command(f"BEGIN TRANSACTION {access}", deadline)
        except QueryError as error:
            self._wire.usable = False
            raise DatabaseUnavailableError(str(error)) from error

    def execute(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        """Run a statement, add its result to ``rows``, and return the number of rows changed. On failure, undo it."""
        self._check_open()
        milliseconds = min(max(math.ceil((deadline - time.monotonic()) * 1000), 1), 2**31 - 1)
        self._wire.command(_PRELUDE.format(milliseconds=milliseconds), deadline)
        ending = "ROLLBACK TO statement; RELEASE statement"
        try:
            affected = self._run(statement, rows, deadline)
            ending = "RELEASE statement"
            return affected
        finally:
            if self._wire.usable:
                self._wire.command(ending, time.monotonic() + GRACE)

    def _run(self, statement: sql.BoundStatement, rows: Rows, deadline: float) -> int | None:
        affected = None
        reader = _Reader(self._connection, rows)
        values = [_bound(value) for value in statement.values]
        try:
            with closing(self._wire.rows(statement.sql, values, deadline)) as results:
                for result in results:
                    if result.nfields == 0:
                        affected = result.command_tuples
                    elif result.ntuples:
                        reader.read(result)
        except RowTooLargeError as error:
            raise rows.too_large() from error
        return affected

    def commit(self, deadline: float) -> None:
        """Commit. Raises ``QueryError`` if this fails; the transaction then has no effect."""
        self._check_open()
        if self._settings.read_only:
            # Before PostgreSQL 16, a READ ONLY transaction can write large objects and notify listeners.
            self._wire.command("ROLLBACK", deadline)
            return
        if self._wire.command("COMMIT", deadline) != b"COMMIT":
            raise TransactionLostError(ROLLED_BACK)

    def rollback(self) -> None:
        """Roll back. If this fails, the connection is no longer ``usable``."""
        if self._wire.transaction is not TransactionStatus.IDLE:
            self._finally("ROLLBACK")

    def reset(self) -> None:
        """Discard all session state, which must not affect the next plugin."""
        self._finally("DISCARD ALL")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _finally(self, command: str) -> None:
        if not self._wire.usable:
            return
        try:
            self._wire.command(command, time.monotonic() + ENDING)
        except QueryError:
            self._wire.usable = False

    def _check_open(self) -> None:
        if self._wire.transaction is not TransactionStatus.INTRANS:
            raise TransactionLostError(ROLLED_BACK)


class _Reader:
    """A reader of one statement's rows."""

    def __init__(self, connection: psycopg.Connection[Any], rows: Rows) -> None:
        self._transformer = Transformer(connection)
        self._rows = rows
        self._columns: list[str] = []

    def read(self, result: Result) -> None:
        """Add a result of one row; raises ``ResultLimitError`` and ``ValueFormError``."""
        first = not self._columns
        if first:
            self._columns = [(result.fname(at) or b"").decode("utf-8", "replace") for at in range(result.nfields)]
        if sum(len(result.get_value(0, at) or b"") for at in range(result.nfields)) > _PER_BYTE * self._rows.max_bytes:
            raise self._rows.too_large()
        try:
            self._transformer.set_pgresult(result, set_loaders=first)
            values = self._transformer.load_row(0, tuple) or ()
        except (psycopg.Error, ValueError, NotImplementedError) as error:
            raise ValueFormError(f"a value of the result cannot be read: {one_line(str(error))}") from error
        self._rows.take(self._columns, values)


def _bound(value: sql.Parameter) -> Bound:
    if value is None:
        return None, _UNKNOWN
    if isinstance(value, bool):
        return (b"t" if value else b"f"), _BOOL
    if isinstance(value, int):
        return str(value).encode(), _INT4 if -(2**31) <= value < 2**31 else _INT8
    if isinstance(value, float):
        return repr(value).encode(), _FLOAT8
    return value.encode(), _UNKNOWN


def _json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
