"""The audit log: one record per host call, successful or not, for people and programs to read.

The arguments in a record are bounded and contain no secrets that the host knows: a query's text and the number of its
parameters, a URL without user, password and query values, and a file's path and size. A file has one JSON object per
line. It is rotated to ``FILE.1``, ``FILE.2`` and so on before it would become too large.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from zenowasm.display import visible
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.observing.trace import Decision

if TYPE_CHECKING:  # imported when the first record is logged
    from logging import Logger

MAX_BYTES: Final = 16 << 20
KEEP: Final = 4
LOGGER: Final = "zenowasm.audit"
_FIRST: Final = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST: Final = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


class AuditError(PluginError):
    """The file of an audit log cannot be used."""


@frozen
class AuditRecord:
    """One host call.

    ``time`` is its start in seconds since 1970. ``call`` is the same for all records of one outermost call. ``phase``
    is the guest function that the host called, with a ``slot`` if it is ``plugin_execute``. ``instance`` is the number
    of the plugin's worker in this host. ``function`` is the name in the ABI document without ``host_``, or ``unknown``
    for an unknown function. ``error`` is the message that the guest received, empty if the call was allowed.
    ``seconds`` is the time that the host took. ``bytes_in`` and ``bytes_out`` are the sizes of the data from and to the
    plugin.
    """

    time: float
    plugin: str
    version: str
    instance: int
    call: str
    phase: str
    slot: str
    function: str
    decision: Decision
    error: str
    seconds: float
    bytes_in: int
    bytes_out: int
    arguments: Mapping[str, Any]

    def json(self) -> str:
        """Return the record as one line of JSON in ASCII, without a line end; the time is ISO 8601 in UTC.

        A time outside the years 1 to 9999 becomes the nearest one that ISO 8601 can express.
        """
        return json.dumps(
            {
                "time": _iso(self.time),
                "plugin": self.plugin,
                "version": self.version,
                "instance": self.instance,
                "call": self.call,
                "phase": self.phase,
                "slot": self.slot,
                "function": self.function,
                "decision": self.decision.value,
                "error": self.error,
                "seconds": round(self.seconds, 9),
                "bytes_in": self.bytes_in,
                "bytes_out": self.bytes_out,
                "arguments": self.arguments,
            }
        )


def _iso(seconds: float) -> str:
    time = datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


AuditSink = Callable[[AuditRecord], None]
"""A thread-safe function that receives records. Its exceptions end the plugin's call."""


def audit_to_logging(record: AuditRecord) -> None:
    """Pass a record to the ``logging`` logger ``zenowasm.audit``, where ``record`` is an attribute.

    An allowed call is logged at ``INFO``, any other at ``WARNING``.
    """
    import logging

    level = logging.INFO if record.decision is Decision.ALLOWED else logging.WARNING
    logger = _logger()
    if logger.isEnabledFor(level):
        logger.log(level, "%s", record.json(), extra={"record": record})


def _logger() -> Logger:
    from logging import getLogger

    return getLogger(LOGGER)


class AuditFile:
    """A thread-safe sink that writes records, in whole lines, to a file that only its owner may read.

    Before a line would make the file larger than ``max_bytes``, it is renamed to ``FILE.1``, the previous one to
    ``FILE.2``, and so on; ``keep`` of these are kept. If renaming fails, the file continues to grow. A record that
    cannot be written is counted in ``lost``, and the first is reported to Python's logging. Only one host at a time may
    write a file. Raises ``AuditError``.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        if max_bytes < 1 or keep < 0:
            raise ValueError(f"expected max_bytes of at least 1 and keep of at least 0, found {max_bytes} and {keep}")
        self.path = path
        self.lost = 0
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._closed = self._warned = False
        try:
            self._descriptor = _open(path)
        except OSError as error:
            reason = _REASONS.get(error.errno or 0) or error.strerror
            raise AuditError(f"cannot write the audit log {path}: {reason}") from error
        self._size = os.fstat(self._descriptor).st_size
        self._half = self._size > 0 and os.pread(self._descriptor, 1, self._size - 1) != b"\n"

    def __call__(self, record: AuditRecord) -> None:
        """Write a record."""
        line = record.json().encode() + b"\n"
        with self._lock:
            if self._closed:
                return
            if self._size and self._size + len(line) > self._max_bytes:
                self._rotate()
            # In one write, so that a reader never sees half a line, even if the process is killed.
            whole = b"\n" + line if self._half else line
            try:
                written = os.write(self._descriptor, whole)
            except OSError as error:
                self._note(error)
                return
            self._size += written
            self._half = written < len(whole) if written else self._half
            if written < len(whole):
                self._note(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def close(self) -> None:
        """Close the file; later records are dropped."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._descriptor)

    def _rotate(self) -> None:
        """Begin a new file. It is opened before any file is renamed, so that the old one stays in use if this fails."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            descriptor = _open(fresh)
            try:
                for number in range(self._keep, 0, -1):
                    source = self.path if number == 1 else self._numbered(number - 1)
                    if source.exists():
                        source.replace(self._numbered(number))
                fresh.replace(self.path)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            self._warn(f"cannot rotate the audit log {self.path}, which grows on: {error.strerror}")
            return
        os.close(self._descriptor)
        self._descriptor, self._size, self._half = descriptor, 0, False

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _note(self, error: OSError) -> None:
        self.lost += 1
        if self.lost == 1:
            _logger().error("cannot write the audit log %s: %s", visible(str(self.path)), error.strerror)

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            _logger().warning(message)


_REASONS: Final = {
    errno.EWOULDBLOCK: "another host writes it",
    errno.ENXIO: "it is not a regular file",  # a FIFO without a reader
}


def _open(path: Path) -> int:
    """Open a file for appending, and lock it; raises ``OSError``, and ``AuditError`` if the platform has no locks."""
    try:
        import fcntl  # missing on Windows, which matters only for audit files
    except ImportError:
        raise AuditError(f"cannot write the audit log {path}: that needs Linux or macOS") from None
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
