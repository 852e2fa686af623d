"""Messages on a wire, well-formed and not."""

from __future__ import annotations

import io
import json

import pytest

from zenowasm.frontends.dap.errors import ForeignProtocolError, MessageError
from zenowasm.frontends.dap.wire import LARGEST_MESSAGE, Wire


def framed(body: bytes, header: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return header % len(body) + body


def wire(*data: bytes) -> Wire:
    return Wire(io.BytesIO(b"".join(data)), lambda sent: None)


def test_a_message_is_framed_by_its_length_in_bytes() -> None:
    sent: list[bytes] = []
    Wire(io.BytesIO(), sent.append).send("event", {"event": "output", "body": {"output": "é\ud800"}})
    (data,) = sent
    header, _, body = data.partition(b"\r\n\r\n")
    assert header == b"Content-Length: %d" % len(body)
    assert json.loads(body) == {"seq": 1, "type": "event", "event": "output", "body": {"output": "é\ud800"}}


def test_messages_follow_one_another() -> None:
    received = wire(framed(b'{"seq":1}'), framed('{"é":2}'.encode()), framed(b"{}", b"content-length:%d\n\n"))
    assert [received.receive() for _ in range(4)] == [{"seq": 1}, {"é": 2}, {}, None]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Content-Length: x\r\n\r\n", "a header has the Content-Length 'x'"),
        (b"Content-Length: -5\r\n\r\n", "a header has the Content-Length '-5'"),
        (b"Content-Length:\r\n\r\n", "a header has the Content-Length ''"),
        (b"Content-Length: 1e9\r\n\r\n{}", "a header has the Content-Length '1e9'"),
        (b"Content-Length: 99999999999\r\n\r\n{}", f"99999999999 bytes: at most {LARGEST_MESSAGE} are read"),
        (framed(b"{"), "a message is not JSON: Expecting"),
        (framed(b"\xff\xff"), "a message is not JSON: "),
        (framed(b"[1]"), "a message is not a JSON object"),
        (framed(b'{"a": NaN}'), "a message is not JSON: NaN is not a number"),
        (framed(b'{"a": ' + b"[" * 100_000), "a message is not JSON: it is nested too deeply"),
        (framed(b'{"a": ' + b"9" * 5_000 + b"}"), "a message is not JSON: "),
    ],
)
def test_the_message_after_a_malformed_one_is_read(data, message) -> None:
    received = wire(data, framed(b'{"seq":2}'))
    with pytest.raises(MessageError) as caught:
        received.receive()
    assert message in str(caught.value)
    assert received.receive() == {"seq": 2}


def test_bytes_before_a_header_are_skipped() -> None:
    received = wire(b"garbage\r\n\r\nmore: garbage\r\n" + b"x" * 200_000, framed(b'{"seq":2}'))
    assert received.receive() == {"seq": 2}


@pytest.mark.parametrize("data", [b"", b"Content-Length: 7\r\n", b"Content-Length: 7\r\n\r\n{}", b"garbage"])
def test_a_message_that_is_cut_ends_the_stream(data) -> None:
    assert wire(data).receive() is None


def test_a_web_page_gets_no_further_than_its_first_line() -> None:
    body = framed(b'{"seq":1,"type":"request","command":"launch"}')
    with pytest.raises(ForeignProtocolError):
        wire(b"POST / HTTP/1.1\r\nHost: localhost\r\n", body).receive()


def test_a_client_that_is_gone_takes_no_more_messages() -> None:
    attempts: list[bytes] = []

    def write(data: bytes) -> None:
        attempts.append(data)
        raise BrokenPipeError

    gone = Wire(io.BytesIO(), write)
    gone.send("event", {})
    gone.send("event", {})
    assert len(attempts) == 1
