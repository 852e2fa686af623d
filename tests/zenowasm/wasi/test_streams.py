"""Line buffering: whole lines, bounded pieces, nothing lost; and real streams."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.streams import MAX_LINE, BytesInput, HostInput, HostOutput, LineBuffer


def collect(*writes: bytes) -> list[bytes]:
    lines: list[bytes] = []
    buffer = LineBuffer(lines.append)
    for data in writes:
        buffer.write(data)
    buffer.flush()
    return lines


def test_lines_are_put_together_from_pieces():
    assert collect(b"a", b"b\nc", b"\n\nd") == [b"ab", b"c", b"", b"d"]
    assert collect(b"") == []


def test_a_long_line_is_handed_on_in_pieces():
    lines = collect(b"x" * (2 * MAX_LINE + 5) + b"\ny")
    assert [len(line) for line in lines] == [MAX_LINE, MAX_LINE, 5, 1]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 5))
def test_no_byte_is_lost(writes, factor):
    data = b"".join(write * factor for write in writes)
    assert b"\n".join(collect(*(write * factor for write in writes))) == data.removesuffix(b"\n")


def test_a_guest_without_anywhere_to_write_may_write():
    context = WasiContext()
    context.stdout.write(b"lost\n")
    context.flush()


def test_input_from_bytes_ends():
    stream = BytesInput(b"abc")
    assert (stream.available(), stream.read(2), stream.available(), stream.read(2), stream.read(2)) == (
        3,
        b"ab",
        1,
        b"c",
        b"",
    )


def test_real_streams_hold_nothing_back():
    reading, writing = os.pipe()
    try:
        assert HostOutput(writing).write(b"no newline") == 10
        assert HostInput(reading).read(100) == b"no newline"
    finally:
        os.close(reading)
        os.close(writing)
