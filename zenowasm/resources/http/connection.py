"""Connections for httpcore that go to checked addresses only and know one deadline for everything.

httpcore hands the timeouts of a request through to these classes. Here they are not durations but the moment, in
seconds of ``time.monotonic``, at which the whole exchange must be over: a duration would begin anew with every read,
and a server that sends a byte at a time would never be late.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Final, cast

import httpcore

from zenowasm.resources.http.addresses import Resolve, not_public, time_left
from zenowasm.resources.http.errors import ExchangeError, NotPublicError, words

_MAX_ATTEMPTS: Final = 8
"""Addresses of one host that are tried."""


def connect(host: str, port: int, resolve: Resolve, deadline: float, *, public_only: bool) -> CheckedStream:
    """Resolve a host once, check every address, and connect to one of those that were checked.

    The name stays what the header ``Host`` and TLS see. As the address is not looked up again, a server of names that
    answers differently a moment later changes nothing. Raises ``ExchangeError``.
    """
    try:
        addresses = resolve(host, port, deadline)
        if public_only and (address := not_public(addresses)) is not None:
            raise NotPublicError(address)
        return CheckedStream(_connect(addresses[:_MAX_ATTEMPTS], port, deadline))
    except OSError as error:
        raise ExchangeError(words(error)) from error


def _connect(addresses: Iterable[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers, each of them getting its share of the time."""
    waiting = list(addresses)
    while True:
        address = waiting.pop(0)
        try:
            connected = socket.create_connection((address, port), time_left(deadline) / (len(waiting) + 1))
        except OSError:
            if not waiting:
                raise
        else:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected


class CheckedStream(httpcore.NetworkStream):
    """A connected socket, with or without TLS, on which every operation ends at the exchange's deadline."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, at most ``max_bytes``.

        Raises ``ExchangeError`` at the deadline, and ``httpcore.ReadError`` for what the network does.
        """
        try:
            self._socket.settimeout(time_left(_moment(timeout)))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise ExchangeError(words(error)) from error
        except OSError as error:
            raise httpcore.ReadError(words(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of ``buffer``; raises ``ExchangeError`` at the deadline, else ``httpcore.WriteError``."""
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(time_left(_moment(timeout)))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise ExchangeError(words(error)) from error
        except OSError as error:
            # A server may answer and close before it has read everything: httpcore goes on to read the answer.
            raise httpcore.WriteError(words(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the stream under TLS, with a certificate checked for ``server_hostname``; raises ``ExchangeError``."""
        with ExitStack() as stack:
            stack.callback(self.close)
            try:
                self._socket.settimeout(time_left(_moment(timeout)))
                secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
            except OSError as error:
                raise ExchangeError(words(error)) from error
            stack.pop_all()
        return CheckedStream(secured)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """Return whether an idle connection has something to read, which tells httpcore that the server closed it."""
        return self._is_readable() if info == "is_readable" else None

    def _is_readable(self) -> bool:
        if self._socket.fileno() < 0:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))


def _moment(timeout: float | None) -> float:
    """Return the deadline that arrives as a timeout; every request of this package has one."""
    return cast(float, timeout)
