"""A recording that is read: its header, its modules, and the events of its stores."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from zenowasm.closing import Closing
from zenowasm.interp.binary.raw_sections import without_customs
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.paths import UNUSABLE, reason
from zenowasm.recordings import frames
from zenowasm.recordings.errors import RecordingError
from zenowasm.recordings.events import Decoder, Event
from zenowasm.recordings.frames import Frame, FrameKind


class Recording(Closing):
    """A recording in a file: a context manager that closes the file.

    ``header`` says where it was made. ``stores`` are the numbers of the recorded stores, in the order of their first
    event. ``complete`` is false for a file that was cut, or whose process was killed: its events go as far as the last
    whole frame.

    Raises ``RecordingError`` if the file cannot be read or is no recording.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self._file: BinaryIO = self.path.open("rb")
        except UNUSABLE as error:
            raise RecordingError(f"cannot read {path}: {reason(error)}") from error
        try:
            found, self.complete = self._scanned()
            self.header: Mapping[str, Any] = self._header(found[0])
        except BaseException:
            self._file.close()
            raise
        self._events: dict[int, list[Frame]] = defaultdict(list)
        for frame in found:
            if frame.kind is FrameKind.EVENTS:
                self._events[frame.stream].append(frame)
        self._module_frames = [it for it in found if it.kind is FrameKind.MODULE]
        self._modules: dict[str, bytes] | None = None
        self.stores = tuple(self._events)

    def events(self, store: int) -> Cursor:
        """Return the events of a store, from the first; they raise ``RecordingError`` where the file is damaged."""
        return Cursor(self._events[store], self._contents)

    @property
    def modules(self) -> Mapping[str, bytes]:
        """The modules by the SHA-256 of their bytes, in hexadecimal."""
        if self._modules is None:
            found = map(self._contents, self._module_frames)
            self._modules = {hashlib.sha256(it).hexdigest(): it for it in found}
        return self._modules

    def replace_module(self, binary: bytes) -> None:
        """Replay a module of the recording from other bytes, such as a build with debugging information.

        Only custom sections may differ. Raises ``RecordingError`` if the recording has no such module.
        """
        code = _without_custom_sections(binary)
        modules = dict(self.modules)
        for digest, recorded in modules.items():
            if recorded == binary or (code is not None and _without_custom_sections(recorded) == code):
                self._modules = {**modules, digest: binary}
                return
        raise RecordingError(
            f"the module is another one than in {self.path}: it has the SHA-256 {hashlib.sha256(binary).hexdigest()}, "
            f"the recording has {', '.join(modules) or 'no module'}"
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __str__(self) -> str:
        time = datetime.fromtimestamp(self.header["time"] / 1e9, UTC).isoformat(" ", "seconds")
        return f"{self.path}: {len(self.stores)} stores, recorded at {time} by zenowasm {self.header['zenowasm']}"

    def _scanned(self) -> tuple[list[Frame], bool]:
        try:
            return frames.scan(self._file, str(self.path))
        except OSError as error:  # a pipe or a folder
            raise RecordingError(f"cannot read {self.path}: {error.strerror or error}") from error

    def _header(self, frame: Frame) -> Mapping[str, Any]:
        try:
            header = json.loads(self._contents(frame))
            if isinstance(header, dict) and isinstance(header["zenowasm"], str) and 0 <= header["time"] < 1 << 62:
                return header
        except (KeyError, TypeError, ValueError, RecursionError):
            pass
        raise RecordingError(f"{self.path} is damaged: its header is malformed")

    def _contents(self, frame: Frame) -> bytes:
        return frames.contents(self._file, frame, str(self.path))


@frozen(eq=False)
class Position:
    """A position in a store's events: a frame, the decoder before it, and the number of its events that are over."""

    frame: int
    decoder: Decoder
    passed: int


class Cursor(Iterator[Event]):
    """The events of a store from a position on, to which one can return."""

    def __init__(self, frames: Sequence[Frame], contents: Callable[[Frame], bytes]) -> None:
        self._frames = frames
        self._contents = contents
        self.position = Position(0, Decoder(), 0)

    def __next__(self) -> Event:
        while True:
            for event in self._events:
                self._passed += 1
                return event
            if self._frame >= len(self._frames):
                raise StopIteration
            self._begin()

    @property
    def position(self) -> Position:
        """The position; assign a former one to return to it."""
        if self._passed == 0:
            return Position(self._frame, self._decoder.copy(), 0)
        return Position(self._frame - 1, self._before, self._passed)

    @position.setter
    def position(self, position: Position) -> None:
        self._frame, self._decoder, self._passed = position.frame, position.decoder.copy(), 0
        self._before = position.decoder
        self._events: Iterator[Event] = iter(())
        if position.passed:
            self._begin()
            for _ in range(position.passed):
                next(self)

    def end(self) -> None:
        """Go to the end."""
        self._frame, self._events, self._passed = len(self._frames), iter(()), 0

    def _begin(self) -> None:
        self._before = self._decoder.copy()
        self._events, self._passed = self._decoder.decode(self._contents(self._frames[self._frame])), 0
        self._frame += 1


def _without_custom_sections(binary: bytes) -> bytes | None:
    """Return a module without its custom sections, or ``None`` if the bytes are no module."""
    try:
        return without_customs(binary, lambda name: True)
    except (DecodeError, LimitError):
        return None
