"""Sockets on which commands wait for the client of a debugger."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from zenowasm.cli.errors import CliError

LOOPBACK = "127.0.0.1"


@contextmanager
def listening(port: int, host: str = LOOPBACK) -> Iterator[socket.socket]:
    """Listen at a port, 0 for any free one; raises ``CliError``."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise CliError(f"cannot listen at {shown(host, port)}: {why}") from error
    with server:
        yield server


def tell(server: socket.socket) -> None:
    """Print the address at which a client can connect."""
    host, port = server.getsockname()[:2]
    print(f"listening at {shown(host, port)}", flush=True)


def shown(host: str, port: int) -> str:
    """Return an address as text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def streams(connection: socket.socket) -> Iterator[BinaryIO]:
    """Read from a client during the ``with`` block, and send to it without delay."""
    with connection, connection.makefile("rb") as reader:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield reader
