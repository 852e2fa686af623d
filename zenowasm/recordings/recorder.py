"""Writes a recording: events from the hot paths of stores, in frames that a thread of its own compresses."""

from __future__ import annotations

import atexit
import os
import platform
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import time_ns
from typing import Any, Final, Protocol

from zenowasm.backends.protocol import Engine, Store
from zenowasm.closing import Closing
from zenowasm.paths import UNUSABLE, reason
from zenowasm.recordings import frames
from zenowasm.recordings.errors import RecordingError
from zenowasm.recordings.events import frame_contents
from zenowasm.recordings.frames import FrameKind
from zenowasm.recordings.store import RecordedEngine, RecordedStore, Secrets

FLUSH_SECONDS: Final = 0.25
"""The longest time in seconds until an event is in the file."""
_THREAD: Final = "zenowasm-recorder"


class Sink(Protocol):
    """The part of a binary file that a recorder uses."""

    def write(self, data: bytes, /) -> int | None:
        """Write bytes, and return how many; ``None`` means all of them."""
        ...


class Stream:
    """The events of one store that are not in the file yet: their words, and their data.

    Its store adds events at the end, from one thread at a time: first their data, then all their words at once. The
    recorder's thread removes events from the beginning meanwhile, since a list's methods are atomic.
    """

    __slots__ = ("data", "ended", "number", "words")

    def __init__(self, number: int) -> None:
        self.number = number
        self.words: list[Any] = []
        self.data: list[bytes] = []
        self.ended = False


class Recorder(Closing):
    """A recording that is being written; ``engine`` returns an engine whose stores it records.

    A thread writes the events to the file every quarter of a second, so that a process that is killed loses no more.
    If the file cannot be written any more, the guests run on, and the first failure is reported to Python's logging.

    ``file`` is a path, whose file only its owner may read, or an object to write to. Raises ``RecordingError`` if the
    file cannot be written.
    """

    def __init__(self, file: Path | str | Sink) -> None:
        self._name = str(file)
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        if isinstance(file, Path | str):
            try:
                self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            except UNUSABLE as error:
                raise RecordingError(f"cannot write the recording {file}: {reason(error)}") from error
            self._put: Callable[[bytes], int | None] = self._put_to_file
        else:
            self._put = file.write
        self._process = os.getpid()  # a child of a fork shares the file, but has no thread that writes
        self._streams: dict[int, Stream] = {}
        self._made = 0
        self.order: Callable[[], int] = count(1).__next__
        self._modules: set[str] = set()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._failed = False
        self._write(frames.start() + frames.json_frame(FrameKind.HEADER, _header()))
        atexit.register(self.close)

    def engine(self, engine: Engine) -> Engine:
        """Return an engine like ``engine`` whose stores are recorded."""
        return RecordedEngine(engine, self)

    def describe(self, store: Store, owner: str, secrets: Secrets | None = None) -> None:
        """Set the name of the guests in a recorded store, and the secrets that the recording must not contain."""
        if isinstance(store, RecordedStore):
            store.describe(owner, secrets)

    def new_stream(self) -> Stream:
        """Return the stream of a new store."""
        with self._lock:
            self._made += 1
            stream = self._streams[self._made] = Stream(self._made)
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name=_THREAD, daemon=True)
                self._thread.start()
            return stream

    def end(self, stream: Stream) -> None:
        """Forget a stream once its events are written."""
        stream.ended = True

    def add_module(self, digest: str, binary: bytes) -> None:
        """Write a module, unless the recording has it."""
        with self._lock:
            if digest not in self._modules:
                self._modules.add(digest)
                self._write(frames.frame(FrameKind.MODULE, 0, binary))

    def drain(self, stream: Stream) -> None:
        """Write a stream's events."""
        with self._lock:
            words = _taken(stream.words)
            if words:
                contents = frame_contents(words, _taken(stream.data), time_ns())
                self._write(frames.frame(FrameKind.EVENTS, stream.number, contents))
            if stream.ended and not stream.words:
                self._streams.pop(stream.number, None)

    def flush(self) -> None:
        """Write the events of all streams."""
        for stream in list(self._streams.values()):
            self.drain(stream)

    def close(self) -> None:
        """Write everything and end the recording; later events are dropped. A second call has no effect."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
        atexit.unregister(self.close)
        if self._thread is not None and self._process == os.getpid():
            self._thread.join()
        self.flush()
        with self._lock:
            self._write(frames.json_frame(FrameKind.END, {"stores": self._made}))
            self._failed = True
            if self._descriptor is not None:
                os.close(self._descriptor)

    def _run(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self.flush()

    def _write(self, data: bytes) -> None:
        if self._failed or self._process != os.getpid():
            return
        try:
            left = memoryview(data)
            while left:
                written = self._put(bytes(left) if len(left) < len(data) else data)
                left = left[len(left) if written is None else written :]
        except OSError as error:
            self._failed = True
            from logging import getLogger

            getLogger("zenowasm.recordings").error(
                "cannot write the recording %s: %s; the rest of the run is not recorded", self._name, error.strerror
            )

    def _put_to_file(self, data: bytes) -> int:
        assert self._descriptor is not None
        return os.write(self._descriptor, data)


def _taken(items: list[Any]) -> list[Any]:
    """Remove and return the present items of a list to which another thread may append."""
    count = len(items)
    taken = items[:count]
    del items[:count]
    return taken


def _header() -> dict[str, object]:
    from zenowasm import __version__

    return {
        "zenowasm": __version__,
        "python": platform.python_version(),
        "platform": sys.platform,
        "time": time_ns(),
    }
