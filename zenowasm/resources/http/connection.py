"""Connections for httpcore to checked addresses only, with one deadline for every operation.

httpcore passes the timeouts of a request to these classes. Here a timeout is not a duration but the time, in seconds of
``time.monotonic``, by which the whole exchange must end: a duration would restart at every read, and a server that
sends one byte at a time would never time out.
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
"""The maximum number of one host's addresses to try."""


def connect(host: str, port: int, resolve: Resolve, deadline: float, *, public_only: bool) -> CheckedStream:
    """Resolve a host once, check every address, and connect to a checked address.

    The header ``Host`` and TLS still use the name. The address is not looked up again, so a DNS server that changes its
    answer has no effect. Raises ``ExchangeError``.
    """
    try:
        addresses = resolve(host, port, deadline)
        if public_only and (address := not_public(addresses)) is not None:
            raise NotPublicError(address)
        return CheckedStream(_connect(addresses[:_MAX_ATTEMPTS], port, deadline))
    except OSError as error:
        raise ExchangeError(words(error)) from error


def _connect(addresses: Iterable[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers; each address has a share of the remaining time."""
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
        """Receive at most ``max_bytes``.

        Raises ``ExchangeError`` at the deadline, and ``httpcore.ReadError`` for network errors.
        """
        try:
            self._socket.settimeout(time_left(_moment(timeout)))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise ExchangeError(words(error)) from error
        except OSError as error:
            raise httpcore.ReadError(words(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of ``buffer``. Raises ``ExchangeError`` at the deadline, else ``httpcore.WriteError``."""
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(time_left(_moment(timeout)))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise ExchangeError(words(error)) from error
        except OSError as error:
            # A server may answer and close before it has read everything: httpcore then reads the answer.
            raise httpcore.WriteError(words(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the stream over TLS, with a certificate checked for ``server_hostname``; raises ``ExchangeError``."""
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
        """Return whether an idle connection is readable, which tells httpcore that the server has closed it."""
        return self._is_readable() if info == "is_readable" else None

    def _is_readable(self) -> bool:
        if self._socket.fileno() < 0:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))


def _moment(timeout: float | None) -> float:
    """Return the deadline passed as a timeout; every request of this package has one."""
    return cast(float, timeout)
