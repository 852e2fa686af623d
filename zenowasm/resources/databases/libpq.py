"""Runs statements over libpq with deadlines: every wait ends at a deadline, and results arrive row by row.

psycopg's own cursors read a whole result into memory, and wait for a silent server without a limit, so this module uses
libpq directly. libpq reads a row as a whole, and PostgreSQL allows up to a gigabyte per row, so the memory limit of the
process bounds a row (see ``worker``). Sources:
PostgreSQL, chapter "libpq", sections "Asynchronous Command Processing" and "Retrieving Query Results in Chunks";
psycopg, module ``psycopg.pq``.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import pq

from zenowasm.resources.databases.settings import (
    LOST,
    QueryError,
    QueryTimeoutError,
    StatementError,
    one_line,
)
from zenowasm.resources.databases.sql import ONE_STATEMENT

Result: TypeAlias = "pq.abc.PGresult"
Bound: TypeAlias = tuple[bytes | None, int]
"""A value as text, and its type OID, 0 if the server infers the type."""

GRACE: Final = 0.2
"""The seconds after the deadline in which a server can end a statement by itself."""
ENDING: Final = 0.5
"""The seconds for a server to roll back, and to reset the session."""
_CANCELING: Final = 2.0
"""The maximum seconds for a server to cancel a statement, even if the deadline is later."""
_FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.NONFATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_COPYING: Final = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_CANCELED: Final = b"57014"


class RowTooLargeError(QueryError):
    """A row needs more memory than this process may use."""


class Wire:
    """The connection of one transaction; it must be closed once it is not ``usable``."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self.usable = True

    @property
    def transaction(self) -> pq.TransactionStatus:
        """The transaction's state as last reported by the server; ``UNKNOWN`` if the connection is lost."""
        return pq.TransactionStatus(self._pgconn.transaction_status) if self.usable else pq.TransactionStatus.UNKNOWN

    def command(self, text: str, deadline: float) -> bytes | None:
        """Run statements of the host; return the last one's command tag, such as ``COMMIT``.

        Raises ``QueryError``.
        """
        tag = None
        for result in self._results(lambda: self._pgconn.send_query(text.encode()), deadline):
            tag = result.command_status
        return tag

    def rows(self, sql: str, values: Sequence[Bound], deadline: float) -> Generator[Result, None, None]:
        """Run one statement; yield a result for each row, and a final one without rows.

        Closing the iterator early cancels the statement. Raises ``QueryError`` and its subclasses, and
        ``StatementError`` for more than one statement.
        """

        def send() -> None:
            # The extended protocol, in which the server accepts only one statement.
            self._pgconn.send_query_params(
                sql.encode(), [data for data, _ in values], param_types=[oid for _, oid in values]
            )
            self._pgconn.set_single_row_mode()

        return self._results(send, deadline)

    def _results(self, send: Callable[[], None], deadline: float) -> Generator[Result, None, None]:
        failure: QueryError | StatementError | None = None
        finished = False
        try:
            with self._lost_when_broken():
                send()
            while (result := self._next(deadline + GRACE)) is not None:
                if result.status in _FAILED:
                    failure = failure or _failure(result, deadline)
                    if self._pgconn.status != pq.ConnStatus.OK:
                        self.usable = False
                        break
                elif result.status in _COPYING:
                    self.usable = False
                    raise QueryError("COPY is not permitted")
                else:
                    yield result
            finished = True
        finally:
            if not finished and self.usable:
                self._cancel(min(time.monotonic() + _CANCELING, deadline + GRACE))
        if failure is not None:
            raise failure

    def _next(self, deadline: float) -> Result | None:
        """Wait for the next result; return ``None`` if there are no more."""
        pgconn = self._pgconn
        with self._lost_when_broken(), selectors.DefaultSelector() as selector:
            selector.register(pgconn.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while pgconn.flush():
                self._wait(selector, deadline)
                pgconn.consume_input()
            selector.modify(pgconn.socket, selectors.EVENT_READ)
            while pgconn.is_busy():
                self._wait(selector, deadline)
                pgconn.consume_input()
            return pgconn.get_result()

    def _wait(self, selector: selectors.BaseSelector, deadline: float) -> None:
        left = deadline - time.monotonic()
        # A server that keeps sending has no more time than a silent one.
        if left <= 0 or not selector.select(left):
            raise QueryTimeoutError("the server does not answer")

    def _cancel(self, deadline: float) -> None:
        """Cancel a statement whose results are not needed; if the server does not comply, give up the connection."""
        try:
            with self._lost_when_broken():
                self._connection.cancel_safe(timeout=max(deadline - time.monotonic(), 0.01))
            while self._next(deadline) is not None:
                if time.monotonic() >= deadline:
                    raise QueryTimeoutError("the server does not stop")
        except QueryError:
            self.usable = False

    @contextmanager
    def _lost_when_broken(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, OSError) as error:
            # libpq's message names the host, the port and the user.
            self.usable = False
            raise QueryError(LOST) from error


def _failure(result: Result, deadline: float) -> QueryError | StatementError:
    def told(what: pq.DiagnosticField) -> bytes:
        return result.error_field(what) or b""

    if not told(pq.DiagnosticField.SQLSTATE):
        # The error comes from libpq itself, which has no codes.
        return RowTooLargeError() if b"memory" in result.error_message else QueryError(LOST)
    message = one_line(told(pq.DiagnosticField.MESSAGE_PRIMARY).decode("utf-8", "replace"))
    # The message is in the server's language, but the source function's name is not.
    if told(pq.DiagnosticField.SOURCE_FUNCTION) == b"exec_parse_message":
        return StatementError(ONE_STATEMENT)
    if told(pq.DiagnosticField.SQLSTATE) == _CANCELED and time.monotonic() >= deadline:
        return QueryTimeoutError(message)
    return QueryError(message or "the database answered with an error without a text")
