"""Line buffering: whole lines, bounded pieces, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenowasm.wasi.context import MAX_LINE, LineBuffer, WasiContext


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
