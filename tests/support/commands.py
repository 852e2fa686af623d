"""Runs the command line in forks of one process that has imported it.

Importing takes longer than most commands: a test that starts dozens of them waits for nothing else. Each fork is a
process like any other, with its own streams, folder, environment and exit code. What depends on how a process starts
(imports, signals, a stream that is closed) is tested with processes that start from scratch.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile
from typing import Any

from attrs import define, field

_LARGEST_REQUEST = 1 << 20


@define
class ForkedCommands:
    """Runs commands one after the other; the process that they are forked from starts with the first."""

    root: Path
    _connection: socket.socket | None = None
    _server: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def run(
        self, arguments: list[str], given: str, folder: Path, environment: dict[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run a command; returns its exit code and what it wrote to stdout and stderr."""
        request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": environment}).encode()
        with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
            stdin.write(given.encode())
            stdin.seek(0)
            connection = self._connected()
            connection.settimeout(timeout)
            try:
                socket.send_fds(connection, [request], [it.fileno() for it in (stdin, stdout, stderr)])
                code = int(connection.recv(32))
            except BaseException:
                self.close()
                raise
            return code, _text(stdout), _text(stderr)

    def close(self) -> None:
        """End the process, and the command that it waits for."""
        if self._server is not None and self._connection is not None:
            self._connection.close()
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
        self._server = self._connection = None

    def _connected(self) -> socket.socket:
        if self._connection is None:
            self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, __file__, str(theirs.fileno()), str(self.root)],
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        return self._connection


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def _import_everything() -> None:
    package = import_module("zenowasm")
    for module in walk_packages(package.__path__, "zenowasm."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _next_command(connection: socket.socket) -> dict[str, Any]:
    """Fork for each request, and return it in the fork; the process itself ends here when nobody asks any more."""
    while True:
        request, streams, _, _ = socket.recv_fds(connection, _LARGEST_REQUEST, 3)
        if not request:
            sys.exit()
        child = os.fork()
        if child == 0:
            connection.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return json.loads(request)
        for stream in streams:
            os.close(stream)
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _serve(descriptor: int, root: str) -> None:
    sys.path[0] = root
    _import_everything()
    gc.freeze()  # what is imported is no garbage: each fork would look through all of it when it ends
    command = _next_command(socket.socket(fileno=descriptor))
    os.chdir(command["folder"])
    sys.path[0] = command["folder"]
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv = ["zenowasm", *command["arguments"]]
    import_module("zenowasm.cli.main").main()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
