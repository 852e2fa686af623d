"""Packets as bytes (gdb's manual, appendix E.1)."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from support.gdb import framed

from zenowasm.frontends.gdb.errors import ForeignProtocolError, PacketError
from zenowasm.frontends.gdb.wire import INTERRUPT, LARGEST_PACKET, Wire


class Sent(list):
    def write(self, data: bytes) -> None:
        self.append(data)


def wire(data: bytes) -> tuple[Wire, Sent]:
    sent = Sent()
    return Wire(io.BytesIO(data), sent.write), sent


def test_a_packet_is_acknowledged_until_that_ends() -> None:
    made, sent = wire(b"+" + framed("qC") + framed("?"))
    assert made.receive() == "qC"
    assert sent == [b"+"]
    made.acknowledges = False
    assert made.receive() == "?"
    assert sent == [b"+"]
    assert made.receive() is None


def test_an_interrupt_is_a_byte_between_packets() -> None:
    made, sent = wire(b"\x03" + framed("g"))
    assert (made.receive(), sent) == (INTERRUPT, [])
    assert made.receive() == "g"


def test_a_wrong_checksum_asks_for_the_packet_again() -> None:
    made, sent = wire(b"$g#00" + framed("g"))
    assert made.receive() == "g"
    assert sent == [b"-", b"+"]


def test_a_wrong_checksum_is_an_error_where_nothing_is_acknowledged() -> None:
    made, sent = wire(b"$g#00" + framed("g"))
    made.acknowledges = False
    with pytest.raises(PacketError, match="the checksum 00, which is wrong"):
        made.receive()
    assert (made.receive(), sent) == ("g", [])


def test_the_last_packet_is_sent_again_on_demand() -> None:
    made, sent = wire(b"-")
    made.send("OK")
    assert made.receive() is None
    assert sent == [b"$OK#9a", b"$OK#9a"]


def test_what_frames_packets_is_escaped_in_them() -> None:
    made, sent = wire(b"")
    made.send("a#$}*b")
    contents = b"a}\x03}\x04}]}\x0ab"
    assert sent == [b"$" + contents + b"#%02x" % (sum(contents) % 256)]


def test_a_packet_that_is_too_large_is_passed_over() -> None:
    most = framed("g" * LARGEST_PACKET)
    made, sent = wire(most + framed("g" * (LARGEST_PACKET + 1)) + framed("?"))
    assert made.receive() == "g" * LARGEST_PACKET
    with pytest.raises(PacketError, match=f"has {LARGEST_PACKET + 1} bytes: at most {LARGEST_PACKET} are read"):
        made.receive()
    assert (made.receive(), sent) == ("?", [b"+", b"+", b"+"])


def test_a_packet_without_an_end_takes_no_more_memory_than_the_largest() -> None:
    class Endless:
        left = 2 * LARGEST_PACKET

        def read(self, length: int) -> bytes:
            self.left -= 1
            return b"$" if self.left == 2 * LARGEST_PACKET - 1 else b"x" if self.left > 0 else b""

    made = Wire(Endless(), lambda data: None)
    tracemalloc.start()
    assert made.receive() is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * LARGEST_PACKET / 2


@pytest.mark.parametrize("data", [b"", b"+", b"$", b"$g", b"$g#", b"$g#6", b"\x00\xffabc", b"GET / HTTP"])
def test_a_stream_that_ends_in_the_middle_has_no_packet(data) -> None:
    assert wire(data)[0].receive() is None


def test_a_client_that_speaks_http_is_told_by_its_first_line() -> None:
    made, _ = wire(b"POST /x HTTP/1.1\r\nHost: a\r\n\r\n" + framed("k"))
    with pytest.raises(ForeignProtocolError, match="speaks HTTP"):
        made.receive()


def test_a_client_that_is_gone_is_sent_nothing_more() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise ConnectionResetError

    calls = []

    def write(data: bytes) -> None:
        calls.append(data)
        raise BrokenPipeError

    made = Wire(io.BufferedReader(Broken()), write)
    made.send("OK")
    made.send("OK")
    assert len(calls) == 1
    assert made.receive() is None
