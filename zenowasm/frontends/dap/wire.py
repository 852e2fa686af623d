"""Messages as bytes: a header with the length, then a JSON document."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, NoReturn

from zenowasm.frontends.dap.errors import ForeignProtocolError, MessageError

LARGEST_MESSAGE: Final = 16 << 20
"""The maximum length of a client's message, in bytes."""
_LONGEST_LINE: Final = 64 << 10
_LENGTH: Final = re.compile(rb"Content-Length:[ \t]*([^\r\n]*?)[ \t]*\r?\n$", re.IGNORECASE)
_HTTP: Final = re.compile(rb"[A-Z]{3,10} \S+ HTTP/\d")


class Wire:
    """A connection to a client. One thread receives; any thread may send."""

    def __init__(self, reader: BinaryIO, write: Callable[[bytes], object]) -> None:
        """Wrap a stream and a function that sends all of its argument, or raises ``OSError``."""
        self._reader = reader
        self._write = write
        self._lock = threading.Lock()
        self._sequence = 0
        self._is_open = True

    def receive(self) -> Mapping[str, Any] | None:
        """Return the next message, ``None`` at the end of the stream.

        Raises ``MessageError`` if there is no message; the next call looks for the next header. Raises
        ``ForeignProtocolError`` if the client speaks HTTP, as a web page would that tries the ports of this machine.
        """
        length = self._length()
        if length is None:
            return None
        try:
            body = self._reader.read(length)
        except OSError:
            return None
        if len(body) < length:
            return None
        try:
            message = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise MessageError(f"a message is not JSON: {why}") from None
        if not isinstance(message, dict):
            raise MessageError("a message is not a JSON object")
        return message

    def _length(self) -> int | None:
        """Read a header and return the length of its message."""
        found: bytes | None = None
        try:
            while line := self._reader.readline(_LONGEST_LINE):
                if _HTTP.match(line):
                    raise ForeignProtocolError("the client speaks HTTP, not the Debug Adapter Protocol")
                # After a malformed message, the next header follows the rest of it without a line break.
                matched = _LENGTH.search(line)
                if matched is not None:
                    found = matched[1]
                elif not line.strip() and found is not None:
                    return _checked(found)
        except OSError:
            pass  # the client is gone
        return None

    def send(self, kind: str, message: Mapping[str, Any]) -> None:
        """Send a message, unless the client is gone."""
        with self._lock:
            self._sequence += 1
            body = json.dumps({"seq": self._sequence, "type": kind, **message}, separators=(",", ":")).encode()
            if self._is_open:
                try:
                    self._write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                except OSError:
                    self._is_open = False


def _checked(text: bytes) -> int:
    if not re.fullmatch(rb"[0-9]{1,12}", text):
        raise MessageError(f"a header has the Content-Length {text[:40].decode(errors='replace')!r}: expected a number")
    if int(text) > LARGEST_MESSAGE:
        raise MessageError(f"a message has {int(text)} bytes: at most {LARGEST_MESSAGE} are read")
    return int(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
