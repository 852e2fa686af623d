"""The file of a recording: a magic number, then frames, each compressed by itself and checked by a CRC-32.

A file can be written to a pipe, and is readable up to its last whole frame, wherever it is cut. Everything that a
reader takes from a file is bounded.
"""

from __future__ import annotations

import json
import zlib
from enum import IntEnum
from struct import Struct
from typing import Any, BinaryIO, Final

from attrs import frozen

from zenowasm.interp.limits import MIB
from zenowasm.recordings.errors import RecordingError

MAGIC: Final = b"\x00zwrec\r\n"
VERSION: Final = 1
MOST_EVENTS: Final = 16 * MIB
"""The maximum number of bytes in a frame of events."""
MOST_MODULE: Final = 1024 * MIB
MOST_HEADER: Final = MIB
MOST_FRAMES: Final = 1 << 22
_START: Final = Struct("<8sH")
_FRAME: Final = Struct("<BIII")
_LEVEL: Final = 1
"""zlib's fastest level: others make files at most a sixth smaller and take two to seven times as long."""


class FrameKind(IntEnum):
    """The contents of a frame."""

    HEADER = 1
    MODULE = 2
    EVENTS = 3
    END = 4


_MOST: Final = {
    FrameKind.HEADER: MOST_HEADER,
    FrameKind.MODULE: MOST_MODULE,
    FrameKind.EVENTS: MOST_EVENTS,
    FrameKind.END: MOST_HEADER,
}


@frozen
class Frame:
    """A frame in a file: its kind, its store's number (0 in other frames), its place, and its checksum."""

    kind: FrameKind
    stream: int
    offset: int
    length: int
    checksum: int


def start() -> bytes:
    """Return the bytes with which a file begins."""
    return _START.pack(MAGIC, VERSION)


def frame(kind: FrameKind, stream: int, data: bytes) -> bytes:
    """Return the bytes of a frame."""
    packed = zlib.compress(data, _LEVEL)
    return _FRAME.pack(kind, stream, len(packed), zlib.crc32(packed)) + packed


def json_frame(kind: FrameKind, value: Any) -> bytes:
    """Return the bytes of a frame whose contents are JSON."""
    return frame(kind, 0, json.dumps(value).encode())


def scan(file: BinaryIO, name: str) -> tuple[list[Frame], bool]:
    """Return the whole frames of a file, and whether the file is complete: it ends with its end frame.

    Raises ``RecordingError`` if the file is no recording or one of another version.
    """
    begin = file.read(_START.size)
    if not begin.startswith(MAGIC) or len(begin) < _START.size:
        raise RecordingError(f"{name} is not a recording of zenowasm")
    version = _START.unpack(begin)[1]
    if version != VERSION:
        raise RecordingError(f"{name} is a recording of version {version}, and this zenowasm reads version {VERSION}")
    size = file.seek(0, 2)
    frames: list[Frame] = []
    at = _START.size
    while at + _FRAME.size <= size:
        file.seek(at)
        kind, stream, length, checksum = _FRAME.unpack(file.read(_FRAME.size))
        at += _FRAME.size
        if kind not in _MOST:
            raise RecordingError(f"{name} is damaged: byte {at - _FRAME.size} begins no frame")
        if at + length > size:
            break
        frames.append(Frame(FrameKind(kind), stream, at, length, checksum))
        if len(frames) > MOST_FRAMES:
            raise RecordingError(f"{name} has more than {MOST_FRAMES} frames")
        at += length
        if kind == FrameKind.END:
            if at != size:
                raise RecordingError(f"{name} is damaged: it goes on after its end")
            break
    if not frames or frames[0].kind is not FrameKind.HEADER:
        raise RecordingError(f"{name} is cut before its first frame ends")
    return frames, frames[-1].kind is FrameKind.END


def contents(file: BinaryIO, found: Frame, name: str) -> bytes:
    """Return the contents of a frame; raises ``RecordingError`` if they are damaged or too long."""
    file.seek(found.offset)
    packed = file.read(found.length)
    most = _MOST[found.kind]
    if zlib.crc32(packed) == found.checksum:
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(packed, most + 1)
        except zlib.error:
            pass
        else:
            if len(data) <= most and unpacker.eof:
                return data
    raise RecordingError(f"{name} is damaged: the frame at byte {found.offset} cannot be read")
