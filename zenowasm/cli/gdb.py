"""``zenowasm debug --gdb``."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from zenowasm.cli.listening import LOOPBACK, listening, shown, streams, tell

if TYPE_CHECKING:
    from zenowasm.debugger import Session
    from zenowasm.frontends.gdb.target import Target

_LAST_PORT = 65535
_LOOK_AGAIN = 0.2
"""Seconds between two looks at whether the guest has ended while no client is there."""


def address(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, int] | None:
    """Return the host and port of ``--gdb``."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) <= _LAST_PORT):
        raise click.BadParameter(f"expected PORT or HOST:PORT with a port up to {_LAST_PORT}, found {text!r}")
    return host.strip("[]") or LOOPBACK, int(port)


def serve(run: Callable[[Session], int], host: str, port: int, *, post_mortem: bool = False) -> int:
    """Run a guest under the control of clients, one after the other, and return the exit code.

    With ``post_mortem``, it has trapped before, and cannot go on.
    """
    from zenowasm.frontends.gdb.server import Server  # few runs of the debugger need them
    from zenowasm.frontends.gdb.target import Target
    from zenowasm.frontends.gdb.wire import Wire

    target = Target(run, post_mortem=post_mortem)
    with listening(port, host) as server:
        target.guest.start()
        target.ready.wait()
        if not target.is_over:
            tell(server)
            print(f"in LLDB: process connect --plugin wasm connect://{shown(*server.getsockname()[:2])}", flush=True)
        for connection in _clients(server, target):
            with streams(connection) as reader:
                Server(Wire(reader, connection.sendall), target).serve()
            if target.is_debugged:
                print("the client is gone: waiting for another one", flush=True)
    if target.is_ended_by_client:
        print("the client ended the run")
        return 0
    return target.wait()


def _clients(server: socket.socket, target: Target) -> Iterator[socket.socket]:
    """Yield clients until the guest has ended."""
    server.settimeout(_LOOK_AGAIN)
    while target.is_debugged:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        connection.settimeout(None)
        yield connection
