"""The events of a recording: one store's calls across its border, in order, and their form in bytes.

Frequent events are a few words of 32 bits, whose first has the event's kind and the number of a function or memory.
The bytes of writes and notes are kept apart from the words. A note is a rare event: a JSON object whose key ``event``
is its name. The page "Recordings" of the documentation describes all of them.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import index
from struct import Struct
from typing import Any, Final, TypeAlias

from attrs import define, frozen

from zenowasm.backends.type_json import type_from_json
from zenowasm.interp.types import F32, F64, I32, I64, FuncType, ResultType, ValType
from zenowasm.recordings.errors import RecordingError

NOTE: Final = 0
CALL: Final = 1
RETURN: Final = 2
HOST_CALL: Final = 3
HOST_RETURN: Final = 4
WRITE: Final = 5
READ: Final = 6
FUEL: Final = 7
WIDE_WRITE: Final = 8
WIDE_READ: Final = 9
"""The kinds of events, in the lowest four bits of their first word."""
NUMBER: Final = 4
"""The lowest bit of the number in the first word of an event."""
WORD: Final = 0xFFFF_FFFF
MOST_DATA: Final = 1 << 20
"""The maximum length of a note, and of the data of one write; a longer write is several events."""
MOST_NESTED: Final = 10_000
"""The maximum nesting of calls."""
_HEAD: Final = Struct("<IQ")
_CODES: Final[Mapping[ValType, str]] = {I32: "I", I64: "Q", F32: "d", F64: "d"}


@frozen
class Note:
    """A rare event: its name, and the other keys of its JSON object."""

    name: str
    fields: Mapping[str, Any]


@frozen
class Call:
    """A call of a guest function by the host; calls of all stores are numbered by ``order``."""

    function: int
    order: int
    arguments: tuple[Any, ...]


@frozen
class Return:
    """The end of such a call."""

    results: tuple[Any, ...]


@frozen
class HostCall:
    """A call of a host function by the guest."""

    function: int
    arguments: tuple[Any, ...]


@frozen
class HostReturn:
    """The end of such a call."""

    results: tuple[Any, ...]


@frozen
class Write:
    """Bytes that the host wrote to a memory."""

    memory: int
    address: int
    data: bytes


@frozen
class Read:
    """A range of a memory that the host read; ``digest`` is the CRC-32 of the bytes."""

    memory: int
    address: int
    length: int
    digest: int


@frozen
class Fuel:
    """The fuel that the store's calls have consumed so far, at the event before."""

    consumed: int


Event: TypeAlias = Note | Call | Return | HostCall | HostReturn | Write | Read | Fuel


@frozen
class Layout:
    """The words of numbers of some types: one for an i32, two for any other."""

    words: int
    to_words: Callable[[Sequence[Any]], Sequence[int]] | None
    """``None`` if the numbers are the words."""
    from_words: Callable[[Sequence[int]], tuple[Any, ...]]

    @classmethod
    def of(cls, types: ResultType) -> Layout | None:
        """Return the layout, or ``None`` if a type is none of a number: then the events are notes."""
        codes = [_CODES.get(it) for it in types]
        if None in codes:
            return None
        if all(it == "I" for it in codes):
            return cls(len(codes), None, tuple)
        numbers = Struct("<" + "".join(map(str, codes)))
        words = Struct(f"<{numbers.size // 4}I")
        return cls(
            numbers.size // 4,
            lambda values: words.unpack(numbers.pack(*values)),
            lambda found: numbers.unpack(words.pack(*found)),
        )


def frame_contents(words: Sequence[Any], data: Sequence[bytes], time: int) -> bytes:
    """Return the contents of a frame with these events; ``time`` is in nanoseconds since 1970."""
    try:
        numbers = array("I", words)
    except (OverflowError, TypeError):
        # The embedder passed integers that are negative, or objects that the engine refused.
        numbers = array("I", map(_word, words))
    if sys.byteorder == "big":
        numbers.byteswap()
    return b"".join((_HEAD.pack(len(numbers), time), numbers.tobytes(), *data))


def _word(value: object) -> int:
    try:
        return index(value) & WORD  # type: ignore[arg-type]
    except TypeError:
        return 0


def note(name: str, fields: Mapping[str, Any]) -> bytes:
    """Return the data of a note."""
    return json.dumps({"event": name, **fields}, separators=(",", ":")).encode()


@define(eq=False)
class _Function:
    parameters: Layout
    results: Layout


class Decoder:
    """A decoder of one store's events. It knows the functions' types from the notes, and the calls that are open."""

    def __init__(self) -> None:
        self._functions: dict[int, _Function] = {}
        self._open: list[_Function | None] = []
        self._words = array("I")
        self._at = 0
        self._data = b""
        self._data_at = 0
        self._order = 0

    def copy(self) -> Decoder:
        """Return a decoder that goes on from here, between two frames."""
        other = Decoder()
        other._functions, other._open = dict(self._functions), list(self._open)
        other._data, other._order = self._data[self._data_at :], self._order
        return other

    def decode(self, contents: bytes) -> Iterator[Event]:
        """Yield the events in the contents of the next frame; raises ``RecordingError`` for anything else."""
        try:
            count, _ = _HEAD.unpack_from(contents)
            end = _HEAD.size + 4 * count
            if end > len(contents):
                raise ValueError("more words than bytes")
            self._words = array("I", contents[_HEAD.size : end])
            if sys.byteorder == "big":
                self._words.byteswap()
            # A frame may have data whose words are in the next one.
            self._data = self._data[self._data_at :] + contents[end:]
            self._at = self._data_at = 0
            while self._at < count:
                yield self._next()
        except (struct.error, LookupError, TypeError, ValueError, RecursionError) as error:
            raise RecordingError("the recording is damaged: it has a malformed event") from error

    def _next(self) -> Event:
        (first,) = self._take(1)
        number = first >> NUMBER
        match first & 0xF:
            case 0:  # NOTE
                return self._note()
            case 1:  # CALL
                function = self._functions[number]
                (order,) = self._take(1)
                self._order += (order - self._order) & WORD
                self._opened(function)
                return Call(number, self._order, self._values(function.parameters))
            case 2:  # RETURN
                return Return(self._values(self._closed().results))
            case 3:  # HOST_CALL
                function = self._functions[number]
                self._opened(function)
                return HostCall(number, self._values(function.parameters))
            case 4:  # HOST_RETURN
                return HostReturn(self._values(self._closed().results))
            case 5:  # WRITE
                address, length = self._take(2)
                return Write(number, address, self._bytes(length))
            case 6:  # READ
                return Read(number, *self._take(3))
            case 7:  # FUEL
                low, high = self._take(2)
                return Fuel(low | high << 32)
            case 8:  # WIDE_WRITE
                low, high, length = self._take(3)
                return Write(number, low | high << 32, self._bytes(length))
            case 9:  # WIDE_READ
                low, high, length, digest = self._take(4)
                return Read(number, low | high << 32, length, digest)
            case other:
                raise ValueError(f"an event of the kind {other}")

    def _note(self) -> Note:
        (length,) = self._take(1)
        fields = json.loads(self._bytes(length))
        if not isinstance(fields, dict):
            raise TypeError("a note that is no object")
        name = fields.pop("event")
        if name in ("function", "host_function") and fields["type"] is not None:
            type = type_from_json(fields["type"])
            if isinstance(type, FuncType):
                parameters, results = Layout.of(type.parameters), Layout.of(type.results)
                if parameters is not None and results is not None:
                    self._functions[fields["id"]] = _Function(parameters, results)
        elif name in ("call", "host_call", "instantiate"):
            self._opened(None)
        elif name in ("return", "error", "host_return", "host_error", "instantiated"):
            self._open.pop()
        return Note(name, fields)

    def _values(self, layout: Layout) -> tuple[Any, ...]:
        return layout.from_words(self._take(layout.words))

    def _take(self, count: int) -> array[int]:
        found = self._words[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("an event that is cut")
        self._at += count
        return found

    def _bytes(self, length: int) -> bytes:
        if length > MOST_DATA:
            raise ValueError("data that are too long")
        found = self._data[self._data_at : self._data_at + length]
        if len(found) < length:
            raise ValueError("data that are cut")
        self._data_at += length
        return found

    def _opened(self, function: _Function | None) -> None:
        if len(self._open) >= MOST_NESTED:
            raise ValueError("calls that are nested too deep")
        self._open.append(function)

    def _closed(self) -> _Function:
        function = self._open.pop()
        if function is None:
            raise ValueError("a return of another form than its call")
        return function
