"""The process of one database connection: runs the host's requests within limits that the kernel enforces.

SQLite and libpq cannot always be interrupted, and do not bound the memory of one value. A process can be killed, and
its memory can be bounded. The host (see ``process``) sends a request over a socket, waits for the reply, and kills this
process after a timeout.
"""

from __future__ import annotations

import marshal
import os
import resource
import select
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from zenowasm.resources.databases import frames
from zenowasm.resources.databases.settings import DatabaseError, DatabaseSettings, QueryError
from zenowasm.resources.databases.sql import MAX_SQL, BoundStatement
from zenowasm.resources.databases.values import Rows

_BUFFER = 1 << 16
_MEMORY = 64 << 20
"""The additional memory, in bytes, beyond that of the open connection and of the result."""
_COPIES = 16
"""The number of copies of the largest result that fit in memory: the driver's values, objects and JSON."""


class Session(Protocol):
    """A driver's connection and its transaction."""

    @property
    def usable(self) -> bool:
        """Whether the connection may be used again."""

    def begin(self, deadline: float) -> None:
        """Begin the transaction."""

    def execute(self, statement: BoundStatement, rows: Rows, deadline: float) -> int | None:
        """Run a statement, add its result to ``rows``, and return the number of rows changed. On failure, undo it."""

    def commit(self, deadline: float) -> None:
        """Commit the transaction."""

    def rollback(self) -> None:
        """Roll back, without raising an error."""

    def reset(self) -> None:
        """Prepare the connection for the next transaction, without raising an error."""

    def close(self) -> None:
        """Close the connection."""


def main() -> None:
    """Serve the host over the socket that is stdin, until the host closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host handles Ctrl-C
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=0) as channel:
        worker = _Worker(channel)
        threading.Thread(target=worker.watch, daemon=True).start()
        worker.serve()
    os._exit(0)


class _Worker:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._reader = open(channel.fileno(), "rb", _BUFFER, closefd=False)  # noqa: SIM115 - open until the exit
        self._busy = True

    def watch(self) -> None:
        """Exit at once if the host ends during a request; SQLite and PostgreSQL then roll back."""
        poll = select.poll()
        poll.register(self._channel, 0)
        poll.poll()
        if self._busy:
            os._exit(1)

    def serve(self) -> None:
        """Open the connection that the first request describes, then answer the later requests."""
        opening = self._request()
        if opening is None:
            return
        settings = DatabaseSettings(**opening["settings"])
        try:
            session = _open(settings, opening["target"])
        except DatabaseError as error:
            self._channel.sendall(frames.error(error, usable=False))
            return
        _bound_memory(settings)
        self._channel.sendall(frames.rows(b"", None, usable=True))
        while session.usable and (request := self._request()) is not None:
            reply = _answer(session, settings, request)
            if reply is not None:
                self._channel.sendall(reply)
        session.close()

    def _request(self) -> Any:
        self._busy = False
        header = self._reader.read(frames.LENGTH.size)
        if len(header) < frames.LENGTH.size:
            return None
        self._busy = True
        return marshal.loads(self._reader.read(*frames.LENGTH.unpack(header)))


def _open(settings: DatabaseSettings, target: dict[str, Any]) -> Session:
    if settings.kind == "sqlite":
        from zenowasm.resources.databases import sqlite

        return sqlite.SqliteSession(sqlite.connect(settings, target["database"]), settings)
    from zenowasm.resources.databases import postgresql

    return postgresql.PostgresqlSession(postgresql.connect(settings, target), settings)


def _bound_memory(settings: DatabaseSettings) -> None:
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        return
    used = int(statistics.read_text().split()[0]) * resource.getpagesize()
    heap = 0
    if settings.kind == "sqlite":
        from zenowasm.resources.databases.sqlite import HEAP

        heap = HEAP
    limit = used + heap + _MEMORY + _COPIES * max(settings.max_bytes, 4 * MAX_SQL)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(session: Session, settings: DatabaseSettings, request: tuple[Any, ...]) -> bytes | None:
    """Perform a request; return the reply, ``None`` for a request without one."""
    rows = Rows(settings.max_rows, settings.max_bytes)
    try:
        try:
            return _perform(session, rows, request)
        except MemoryError as error:
            raise QueryError("the statement needs more memory than its connection may have") from error
    except DatabaseError as error:
        return frames.error(error, usable=session.usable)


def _perform(session: Session, rows: Rows, request: tuple[Any, ...]) -> bytes | None:
    action, seconds, *rest = request
    deadline = time.monotonic() + seconds
    affected = None
    if action == "execute":
        statement, begin = rest
        if begin:
            session.begin(deadline)
        affected = session.execute(BoundStatement(*statement), rows, deadline)
    elif action == "begin":
        session.begin(deadline)
    elif action == "commit":
        session.commit(deadline)
        session.reset()
    else:
        session.rollback()
        session.reset()
        if action == "end":
            return None
    return frames.rows(rows.json(), affected, usable=session.usable)
