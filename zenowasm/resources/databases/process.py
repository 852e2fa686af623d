"""The host's side of a database connection in a separate process: requests with timeouts, and a reliable end."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final

from attrs import asdict

import zenowasm
from zenowasm.resources.databases import frames, sql
from zenowasm.resources.databases.settings import (
    CANNOT_BE_OPENED,
    LOST,
    ROLLED_BACK,
    DatabaseSettings,
    DatabaseUnavailableError,
    QueryTimeoutError,
    TransactionLostError,
)

_GRACE: Final = 0.35
"""The seconds after a deadline in which the process can end a statement by itself, before it is killed."""
_ROLLBACK: Final = 1.0
"""The seconds for rolling back and for preparing the connection for the next transaction."""
_OPENING: Final = 5.0
"""The seconds for the process to start, in addition to a statement's time for opening the database."""
_STARTING: Final = 0.4
"""The minimum time for starting, in seconds, even if the call has less."""
_CLOSING: Final = 2.0
"""The seconds for the process to close its database."""
_TICK: Final = 0.05
"""The seconds that the kernel waits for the process before Python checks the clock."""
_TIMEVAL: Final = Struct("ll")
_BESIDE: Final = 1 << 16
"""The maximum size of a reply without its rows, in bytes."""
_NO_REPLY: Final = (frames.Outcome.ROWS, True, frames.UNKNOWN, "")
_CHUNK: Final = 1 << 16
# For a short text, json.loads takes twice as long as this.
_decode: Final = json.JSONDecoder().raw_decode
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from zenowasm.resources.databases.worker import main; main()"
)
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SQLITE_TMPDIR")
_PASSED_ON_TO_LIBPQ: Final = ("HOME", "PG", "KRB5")
"""The prefixes of the environment variables that libpq reads."""


class ProcessSession:
    """One connection and its transaction, in a process; ``usable`` until the process fails or is killed.

    A process that does not respond in time is killed. So is one when an exception such as Ctrl-C ends a wait for it,
    because no caller would receive its result.
    """

    def __init__(self, settings: DatabaseSettings, target: Mapping[str, object], deadline: float) -> None:
        """Start the process and open the connection; raises ``DatabaseUnavailableError``."""
        self._longest = settings.max_bytes + _BESIDE
        # A file cannot disconnect like a server, so BEGIN is sent with the first statement, in one message.
        self._begins_late = settings.kind == "sqlite"
        self._begun = False
        self._changed = False
        self._owner = os.getpid()
        self.usable = True
        self._channel, theirs = socket.socketpair()
        # The kernel's timeout needs one system call per message; Python's needs two, one of them a poll.
        self._channel.settimeout(None)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._channel.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(0, int(_TICK * 1e6)))
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(_path())],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(settings.kind, os.environ),
                    start_new_session=True,  # Ctrl-C reaches only the host
                )
            except OSError as error:
                self._channel.close()
                raise DatabaseUnavailableError(CANNOT_BE_OPENED, f"{sys.executable}: {error.strerror}") from error
        self._end = weakref.finalize(self, _end, self._channel, self._process, self._owner)
        try:
            seconds = min(max(deadline - time.monotonic(), _STARTING), _OPENING + settings.max_seconds)
            self._exchange({"settings": asdict(settings), "target": dict(target)}, seconds)
        except (QueryTimeoutError, TransactionLostError) as error:
            raise DatabaseUnavailableError(CANNOT_BE_OPENED, "its process did not start") from error

    def begin(self, deadline: float) -> None:
        """Begin the transaction (on SQLite, with its first statement); raises ``DatabaseUnavailableError``."""
        self._changed = False
        self._begun = False
        # An idle process is readable only if it has ended. A process of this process's parent must not be used.
        if self._poll.poll(0) or self._owner != os.getpid():
            raise DatabaseUnavailableError(LOST)
        if self._begins_late:
            return
        try:
            self._request(deadline, "begin")
        except TransactionLostError as error:
            raise DatabaseUnavailableError(str(error)) from error
        self._begun = True

    def execute(self, statement: sql.BoundStatement, deadline: float) -> tuple[list[dict[str, object]], int | None]:
        """Run a statement; return its rows, and the number of rows changed. A statement that fails has no effect."""
        begin = not self._begun
        self._begun = True
        self._changed = self._changed or not statement.reads
        try:
            encoded, affected = self._request(deadline, "execute", tuple(statement), begin)
        except DatabaseUnavailableError:
            self._begun = False
            raise
        try:
            rows, _ = _decode(encoded)
        except (ValueError, RecursionError) as error:
            self._kill()
            raise TransactionLostError(LOST) from error
        return rows, None if affected == frames.UNKNOWN else affected

    def commit(self, deadline: float) -> None:
        """Commit. Raises ``QueryError`` if this fails; the transaction then has no effect."""
        if not self.usable:
            raise TransactionLostError(ROLLED_BACK)
        if self._changed:
            self._request(deadline, "commit")
            self._begun = False

    def rollback(self) -> None:
        """Roll back uncommitted changes. If this fails, the connection is no longer ``usable``."""
        if not (self._begun and self.usable):
            return
        self._begun = False
        with suppress(QueryTimeoutError, TransactionLostError):
            if self._changed:
                self._exchange(("rollback", _ROLLBACK), _ROLLBACK)
            else:
                # Without changes, a failure does not matter, so there is no reply to wait for.
                self._exchange(("end", _ROLLBACK), _ROLLBACK, replied=False)

    def close(self) -> None:
        """Close the connection and wait for the process."""
        self.usable = False
        self._end()

    def _request(self, deadline: float, action: str, *fields: object) -> tuple[str, int]:
        if not self.usable:
            raise TransactionLostError(ROLLED_BACK)
        seconds = max(deadline - time.monotonic(), 0.0)
        return self._exchange((action, seconds, *fields), seconds)

    def _exchange(self, request: object, seconds: float, *, replied: bool = True) -> tuple[str, int]:
        """Send a request; return the JSON of its reply, and the number of rows changed."""
        until = time.monotonic() + seconds + _GRACE
        try:
            self._send(request, until)
            outcome, usable, affected, data = self._receive(until) if replied else _NO_REPLY
        except TimeoutError as error:
            self._kill()
            raise QueryTimeoutError("the database does not stop") from error
        except (OSError, ValueError) as error:
            self._kill()
            raise TransactionLostError(LOST) from error
        except BaseException:
            self._kill()
            raise
        if not usable:
            self.close()
        if outcome == frames.Outcome.ERROR:
            raise frames.revived(data)
        return data, affected

    def _send(self, request: object, until: float) -> None:
        data = frames.request(request)
        sent = 0
        while sent < len(data):
            _check_time(until)
            with suppress(BlockingIOError):
                sent += self._channel.send(memoryview(data)[sent:] if sent else data)

    def _receive(self, until: float) -> tuple[int, bool, int, str]:
        data = self._read(until)
        while len(data) < frames.REPLY.size:
            data += self._read(until)
        length, outcome, usable, affected = frames.REPLY.unpack_from(data)
        if length > self._longest:
            raise ValueError("the process violates the protocol")
        if len(data) < frames.REPLY.size + length:
            parts = [data]
            missing = frames.REPLY.size + length - len(data)
            while missing > 0:
                parts.append(self._read(until))
                missing -= len(parts[-1])
            data = b"".join(parts)
        return outcome, usable, affected, data[frames.REPLY.size :].decode()

    def _read(self, until: float) -> bytes:
        data = None
        while data is None:
            _check_time(until)
            try:
                data = self._channel.recv(_CHUNK)
            except BlockingIOError:
                continue
        if not data:
            raise ConnectionResetError
        return data

    def _kill(self) -> None:
        if self._owner == os.getpid():
            self._process.kill()
        self.close()


def _check_time(until: float) -> None:
    if time.monotonic() >= until:
        raise TimeoutError


def _end(channel: socket.socket, process: subprocess.Popen[bytes], owner: int) -> None:
    channel.close()
    if owner != os.getpid():
        return
    try:
        process.wait(_CLOSING)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_CLOSING)


def _path() -> list[str]:
    """Return the module search path of the process: this process's path, and this package's folder."""
    package = Path(zenowasm.__file__).resolve().parent.parent
    return [*sys.path, str(package)]


def _environment(kind: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the process, without the host's other variables, which may be secrets."""
    prefixes = _PASSED_ON_TO_LIBPQ if kind == "postgresql" else ()
    return {name: value for name, value in variables.items() if name in _PASSED_ON or name.startswith(prefixes)}
