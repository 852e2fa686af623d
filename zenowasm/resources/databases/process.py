"""The host's side of a database connection in a process of its own: requests with a clock, and an end that is sure."""

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
"""Seconds beyond a deadline that a process has to end a statement by itself, before it is killed."""
_ROLLBACK: Final = 1.0
"""Seconds for rolling back and for making the connection ready for the next transaction."""
_OPENING: Final = 5.0
"""Seconds for the process to start, beside those of a statement for opening the database."""
_STARTING: Final = 0.4
"""Seconds that it may take in any case, however short the call is."""
_CLOSING: Final = 2.0
"""Seconds that a process has to close its database."""
_TICK: Final = 0.05
"""Seconds that the kernel waits for the process before Python looks at the clock."""
_TIMEVAL: Final = Struct("ll")
_BESIDE: Final = 1 << 16
"""Bytes of a reply beside its rows."""
_NO_REPLY: Final = (frames.Outcome.ROWS, True, frames.UNKNOWN, "")
_CHUNK: Final = 1 << 16
# json.loads takes twice the time of a short text for what it does around this.
_decode: Final = json.JSONDecoder().raw_decode
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from zenowasm.resources.databases.worker import main; main()"
)
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SQLITE_TMPDIR")
_PASSED_ON_TO_LIBPQ: Final = ("HOME", "PG", "KRB5")
"""The prefix of the environment variables that libpq reads."""


class ProcessSession:
    """One connection and its transaction, in a process that is killed when it does not obey; ``usable`` until then.

    Whatever ends a wait for the process, such as Ctrl-C, kills it too: what it still does would belong to nobody.
    """

    def __init__(self, settings: DatabaseSettings, target: Mapping[str, object], deadline: float) -> None:
        """Start the process and open the connection; raises ``DatabaseUnavailableError``."""
        self._longest = settings.max_bytes + _BESIDE
        # A file cannot be gone as a server can, so BEGIN goes with the first statement, in one message.
        self._begins_late = settings.kind == "sqlite"
        self._begun = False
        self._changed = False
        self._owner = os.getpid()
        self.usable = True
        self._channel, theirs = socket.socketpair()
        # The kernel's own timeout takes one system call for each message; Python's takes two, one of them for a poll.
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
                    start_new_session=True,  # Ctrl-C is the host's
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
        """Begin the transaction, on SQLite with its first statement; raises ``DatabaseUnavailableError``."""
        self._changed = False
        self._begun = False
        # An idle process says nothing unless it has ended; one of the process that forked this one is not ours.
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
        """Run a statement; return its rows, and how many rows it changed. When it fails it leaves nothing."""
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
        """Commit; raises ``QueryError``, and then nothing of the transaction is kept."""
        if not self.usable:
            raise TransactionLostError(ROLLED_BACK)
        if self._changed:
            self._request(deadline, "commit")
            self._begun = False

    def rollback(self) -> None:
        """Roll back what is not committed; a connection that cannot is not ``usable`` any more."""
        if not (self._begun and self.usable):
            return
        self._begun = False
        with suppress(QueryTimeoutError, TransactionLostError):
            if self._changed:
                self._exchange(("rollback", _ROLLBACK), _ROLLBACK)
            else:
                # Nothing can fail that anybody would have to know of, so there is no reply to wait for.
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
        """Send a request; return the JSON of its reply, and the number of rows that were changed."""
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
    """Return where the process finds modules: where this one does, and this package."""
    package = Path(zenowasm.__file__).resolve().parent.parent
    return [*sys.path, str(package)]


def _environment(kind: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the process gets; the host's others may be secrets."""
    prefixes = _PASSED_ON_TO_LIBPQ if kind == "postgresql" else ()
    return {name: value for name, value in variables.items() if name in _PASSED_ON or name.startswith(prefixes)}
