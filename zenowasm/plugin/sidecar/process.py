"""One native process: bounded lines in and out, a separate process group, and an end that leaves nothing open."""

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
"""The seconds for a process to end by itself after its stdin is closed."""
STOPPING_SECONDS = 2.0
"""The seconds for a process to end after SIGTERM (ABI document, "Lifecycle")."""
_CHUNK = 1 << 16


class LineTooLongError(Exception):
    """A line is longer than allowed."""


class SidecarProcess:
    """A process that reads and writes lines.

    The process does not inherit the host's other descriptors. When it ends, its process group is killed before the
    system can reuse the group's ID.
    """

    def __init__(self, binary: Path, folder: Path, environment: Mapping[str, str], errors: LineBuffer) -> None:
        """Start ``binary`` in ``folder``; ``errors`` receives its stderr. Raises ``SidecarStartError``."""
        if not hasattr(os, "waitid"):
            raise SidecarStartError("failed to start sidecar: this platform has no waitid, which sidecar plugins need")
        try:
            # One end is closed when the process ends, which wakes the reader of the other end.
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
        """The ID of the process and of its group."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended and been reaped."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end, and return whether it has ended."""
        return self._ended.wait(seconds)

    def lines(self, limit: int) -> Iterator[bytes]:
        """Yield the lines that the process writes to its stdout, without newlines, until it closes it.

        Raises ``LineTooLongError`` if a line exceeds ``limit`` bytes. Only one thread may call this; it closes the
        stream at the end.
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
        """Write to the process's stdin until ``deadline`` (of ``time.monotonic``).

        Raises ``BrokenPipeError`` if the process no longer reads, and ``TimeoutError``, after which only a part may
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
        """Close the process's stdin, send SIGTERM if it does not end, and finally kill it; wait until it has ended."""
        if self._writing.acquire(timeout=CLOSING_SECONDS):
            self._input.close()
            self._writing.release()
        if not self.wait(CLOSING_SECONDS):
            self._signal(signal.SIGTERM)
            self.wait(STOPPING_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill the process, and wait until it has ended and its stderr is logged."""
        self._signal(signal.SIGKILL)
        self._ended.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():  # called by a log sink
                thread.join(CLOSING_SECONDS)  # another process may still hold its stderr
        with self._writing:  # a blocked writer has failed by now
            self._input.close()

    def _signal(self, number: signal.Signals) -> None:
        with self._signalling:
            if self.code is None:
                _signal_group(self.number, number)

    def _wait(self) -> None:
        # The system does not reuse the ID of the process and its group until the process is reaped.
        os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)
        with self._signalling:
            _signal_group(self.number, signal.SIGKILL)
            self.code = self._process.wait()
        self._ended.set()
        os.close(self._alive)

    def _read_output(self, descriptor: int) -> bytes:
        """Wait for output and return it; return no bytes at the end of the output or of the process.

        A child of the process in another session may hold its stdout open forever.
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
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError if it has ended
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
