"""One native process: bounded lines in and out, its own process group, an end that leaves nothing open."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from time import monotonic
from typing import IO

from zenowasm.plugin.sidecar.errors import SidecarStartError
from zenowasm.wasi.streams import LineBuffer

CLOSING_SECONDS = 0.5
"""How long a process may take to end by itself, once its stdin is closed."""
STOPPING_SECONDS = 2.0
"""How long it may take after the polite signal (ABI document, "Lifecycle")."""
_CHUNK = 1 << 16


class LineTooLongError(Exception):
    """A line is longer than allowed."""


class SidecarProcess:
    """A process that reads and writes lines.

    The host's other descriptors are not passed on. Whatever the process has started in its own process group is killed
    when it ends, before its number can be given to another.
    """

    def __init__(self, binary: Path, folder: Path, environment: Mapping[str, str], errors: LineBuffer) -> None:
        """Start ``binary`` in ``folder``; ``errors`` gets its stderr. Raises ``SidecarStartError``."""
        if not hasattr(os, "waitid"):
            raise SidecarStartError("failed to start sidecar: this platform has no waitid, which sidecar plugins need")
        try:
            # One end is closed with the process, which the reader of the other end sees.
            self._gone, self._alive = os.pipe()
            try:
                self._process = subprocess.Popen(
                    [binary],
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    start_new_session=True,
                )
            except BaseException:
                os.close(self._gone)
                os.close(self._alive)
                raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SidecarStartError(f"failed to start sidecar: {binary}: {reason}") from error
        self._input, self._output = _stream(self._process.stdin), _stream(self._process.stdout)
        os.set_blocking(self._input.fileno(), False)
        self._errors = errors
        self._signalling = threading.Lock()
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self.code: int | None = None
        name = f"zenowasm-sidecar-{self.number}"
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True) for work in (self._read_errors, self._wait)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def number(self) -> int:
        """The process's number, which is its group's too."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended and been reaped."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it has come."""
        return self._ended.wait(seconds)

    def lines(self, limit: int) -> Iterator[bytes]:
        """Return what the process writes to its stdout, without newlines, until it closes it.

        Raises ``LineTooLongError`` for more than ``limit`` bytes. For one thread only, which closes the stream so.
        """
        pending = bytearray()
        with self._output as stream, os.fdopen(self._gone):
            while chunk := self._read_output(stream.fileno()):
                *complete, rest = chunk.split(b"\n")
                for line in complete:
                    pending += line
                    if len(pending) > limit:
                        raise LineTooLongError
                    yield bytes(pending)
                    pending.clear()
                pending += rest
                if len(pending) > limit:
                    raise LineTooLongError
        if pending:
            yield bytes(pending)

    def write(self, data: bytes, deadline: float) -> None:
        """Write to its stdin until ``deadline`` (of ``time.monotonic``).

        Raises ``BrokenPipeError`` when it does not listen any more, and ``TimeoutError``, after which only a part may
        have been written.
        """
        if not self._writing.acquire(timeout=_timeout(deadline)):
            raise TimeoutError
        try:
            if self._input.closed:
                raise BrokenPipeError
            left = memoryview(data)
            while left:
                try:
                    left = left[os.write(self._input.fileno(), left) :]
                except BlockingIOError:
                    if not _writable(self._input.fileno(), deadline):
                        raise TimeoutError from None
        finally:
            self._writing.release()

    def stop(self) -> None:
        """Close its stdin, ask it to end, and kill it when it does not; returns when it is gone."""
        if self._writing.acquire(timeout=CLOSING_SECONDS):
            self._input.close()
            self._writing.release()
        if not self.wait(CLOSING_SECONDS):
            self._signal(signal.SIGTERM)
            self.wait(STOPPING_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill it, and return when it is gone and what it wrote to its stderr is logged."""
        self._signal(signal.SIGKILL)
        self._ended.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():  # a log sink's
                thread.join(CLOSING_SECONDS)  # another process may still hold its stderr
        with self._writing:  # a writer has been told
            self._input.close()

    def _signal(self, number: signal.Signals) -> None:
        with self._signalling:
            if self.code is None:
                _signal_group(self.number, number)

    def _wait(self) -> None:
        # The number is the process's, and its group's, until the process is reaped.
        os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)
        with self._signalling:
            _signal_group(self.number, signal.SIGKILL)
            self.code = self._process.wait()
        self._ended.set()
        os.close(self._alive)

    def _read_output(self, descriptor: int) -> bytes:
        """Wait for output and return it, nothing at its end or the process's.

        What the process has started in a session of its own may hold its stdout open for ever.
        """
        poll = select.poll()
        for each in (descriptor, self._gone):
            poll.register(each, select.POLLIN)
        ready = {each for each, _ in poll.poll()}
        return os.read(descriptor, _CHUNK) if descriptor in ready else b""

    def _read_errors(self) -> None:
        with _stream(self._process.stderr) as stream:
            while chunk := os.read(stream.fileno(), _CHUNK):
                self._errors.write(chunk)
        self._errors.flush()


def _signal_group(number: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for one that has ended
        os.killpg(number, which)


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _timeout(deadline: float) -> float:
    return -1 if deadline == inf else min(max(deadline - monotonic(), 0.0), threading.TIMEOUT_MAX)


def _writable(descriptor: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(None if deadline == inf else max(deadline - monotonic(), 0.0) * 1000))
