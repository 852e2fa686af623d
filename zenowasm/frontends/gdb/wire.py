"""Packets as bytes: ``$``, the contents, ``#`` and a checksum (gdb's manual, appendix E.1)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import BinaryIO, Final

from zenowasm.frontends.gdb.errors import ForeignProtocolError, PacketError

LARGEST_PACKET: Final = 128 << 10
"""The maximum number of bytes in a packet."""
INTERRUPT: Final = "\x03"
"""What stands for a client's request to stop the guest, which is a single byte and no packet."""
_HTTP: Final = re.compile(rb"[A-Z]{3,10} \S+ HTTP/\d")
_LONGEST_LINE: Final = 4 << 10


class Wire:
    """A connection to a client. One thread receives; any thread may send."""

    def __init__(self, reader: BinaryIO, write: Callable[[bytes], object]) -> None:
        """Wrap a buffered stream and a function that sends all of its argument, or raises ``OSError``."""
        self._reader = reader
        self._write = write
        self._lock = threading.Lock()
        self._last = b""
        self._is_open = True
        self.acknowledges = True
        """Whether both sides confirm each packet; a client may end that."""

    def receive(self) -> str | None:
        """Return the contents of the next packet, or ``INTERRUPT``, or ``None`` at the end of the stream.

        Raises ``PacketError`` for a malformed packet, after which the next one can be read. Raises
        ``ForeignProtocolError`` if the client speaks HTTP, as a web page would that tries the ports of this machine.
        """
        between = b""
        try:
            while byte := self._reader.read(1):
                if byte == b"$":
                    found = self._contents()
                    if found is not None:
                        return found
                elif byte == b"\x03":
                    return INTERRUPT
                elif byte == b"-":
                    self._send_bytes(self._last)
                else:
                    between = (between + byte)[-_LONGEST_LINE:]
                    if byte == b"\n" and _HTTP.search(between):
                        raise ForeignProtocolError("the client speaks HTTP, not the gdb remote protocol")
        except OSError:
            pass  # the client is gone
        return None

    def _contents(self) -> str | None:
        """Read a packet after its ``$``; return ``None`` if the client is asked to send it again."""
        data = bytearray()
        length = 0
        while (byte := self._reader.read(1)) != b"#":
            if not byte:
                return None
            length += 1
            if length <= LARGEST_PACKET:
                data += byte
        digits = self._reader.read(2)
        if length > LARGEST_PACKET:
            self._acknowledge(b"+")  # it would be as long the next time
            raise PacketError(f"a packet has {length} bytes: at most {LARGEST_PACKET} are read")
        if digits.lower() != b"%02x" % (sum(data) & 0xFF):
            self._acknowledge(b"-")
            if self.acknowledges:
                return None
            raise PacketError(f"a packet has the checksum {digits.decode('ascii', 'backslashreplace')}, which is wrong")
        self._acknowledge(b"+")
        return data.decode("latin-1")

    def _acknowledge(self, mark: bytes) -> None:
        if self.acknowledges:
            self._send_bytes(mark)

    def send(self, contents: str) -> None:
        """Send a packet, unless the client is gone."""
        escaped = re.sub("[#$}*]", lambda it: "}" + chr(ord(it[0]) ^ 0x20), contents).encode("latin-1")
        self._last = b"$%b#%02x" % (escaped, sum(escaped) & 0xFF)
        self._send_bytes(self._last)

    def _send_bytes(self, data: bytes) -> None:
        with self._lock:
            if self._is_open:
                try:
                    self._write(data)
                except OSError:
                    self._is_open = False
