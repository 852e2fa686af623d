"""A pool of reusable HTTP connections, each used by one request at a time."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

import httpcore

from zenowasm.resources.http.addresses import Resolve, time_left
from zenowasm.resources.http.connection import connect
from zenowasm.resources.http.url import Url

_Key = tuple[tuple[str, str, int], bool]


class _Connection(httpcore.HTTP11Connection):
    """A connection that detects whether the server sent more than the response."""

    def has_leftover(self) -> bool:
        """Return whether bytes arrived after the response, which httpcore would treat as the next response."""
        data, _ = self._h11_state.trailing_data
        return bool(data)


class ConnectionPool:
    """A pool that lends at most ``connections`` connections, and keeps as many idle ones for ``idle_seconds``.

    A connection in use is not in the pool, so no other thread can access it. A request that is restricted to public
    addresses never receives a connection made for an unrestricted request. If a server sent more than the response, its
    connection is never reused, so no request receives an unsolicited response.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext], connections: int, idle_seconds: float) -> None:
        self._tls = tls
        self._limit = connections
        self._idle_seconds = idle_seconds
        self._places = BoundedSemaphore(connections)
        self._lock = Lock()
        self._idle: list[tuple[_Key, _Connection]] = []
        self._closed = False

    @contextmanager
    def connection(
        self, url: Url, resolve: Resolve, *, public_only: bool, fresh: bool, deadline: float
    ) -> Iterator[httpcore.HTTP11Connection]:
        """Lend a connection to the origin of ``url``, a new one if ``fresh``.

        For a new connection, ``resolve`` looks up the host's addresses. Raises ``TimeoutError`` if no connection is
        free before the deadline, and ``ExchangeError`` if a new one cannot be opened.
        """
        if not self._places.acquire(timeout=time_left(deadline)):
            raise TimeoutError
        key = (url.origin, public_only)
        try:
            lent = (None if fresh else self._take(key)) or self._new(url, resolve, deadline, public_only=public_only)
            try:
                yield lent
            finally:
                self._give_back(key, lent)
        finally:
            self._places.release()

    def _new(self, url: Url, resolve: Resolve, deadline: float, *, public_only: bool) -> _Connection:
        host = url.host.strip("[]")
        stream: httpcore.NetworkStream = connect(host, url.port, resolve, deadline, public_only=public_only)
        if url.scheme == "https":
            stream = stream.start_tls(self._tls(), host, deadline)
        return _Connection(httpcore.Origin(url.scheme.encode(), host.encode(), url.port), stream, self._idle_seconds)

    def _take(self, key: _Key) -> _Connection | None:
        with self._lock:
            expired = [entry for entry in self._idle if entry[1].has_expired()]
            self._idle = [entry for entry in self._idle if entry not in expired]
            # The most recently used connection is the most likely to be still open.
            taken = next((entry for entry in reversed(self._idle) if entry[0] == key), None)
            if taken is not None:
                self._idle.remove(taken)
        for _, connection in expired:
            connection.close()
        return None if taken is None else taken[1]

    def _give_back(self, key: _Key, connection: _Connection) -> None:
        reusable = connection.is_idle() and not connection.has_leftover()
        surplus = [connection]
        with self._lock:
            if reusable and not self._closed:
                self._idle.append((key, connection))
                surplus = [idle for _, idle in self._idle[: -self._limit]]
                self._idle = self._idle[-self._limit :]
        for unwanted in surplus:
            unwanted.close()

    def close(self) -> None:
        """Close the idle connections, and each connection in use when it is returned."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
