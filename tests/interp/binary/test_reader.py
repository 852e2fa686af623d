"""The primitive values of the binary format, against the grammar of the specification written out slowly."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.wasm import s, u

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, LimitError


class Malformed(Exception):
    pass


def textbook_unsigned(data: bytes, bits: int) -> tuple[int, int]:
    """Read uN as 5.2.2 writes it; return the value and the number of bytes."""
    if not data:
        raise Malformed
    n = data[0]
    if n < 1 << 7:
        if n >= 1 << bits:
            raise Malformed
        return n, 1
    if bits <= 7:
        raise Malformed
    m, length = textbook_unsigned(data[1:], bits - 7)
    return (1 << 7) * m + (n - (1 << 7)), length + 1


def textbook_signed(data: bytes, bits: int) -> tuple[int, int]:
    """Read sN as 5.2.2 writes it."""
    if not data:
        raise Malformed
    n = data[0]
    if n < 1 << 6:
        if n >= 1 << (bits - 1):
            raise Malformed
        return n, 1
    if n < 1 << 7:
        if n < (1 << 7) - (1 << (bits - 1)):
            raise Malformed
        return n - (1 << 7), 1
    if bits <= 7:
        raise Malformed
    m, length = textbook_signed(data[1:], bits - 7)
    return (1 << 7) * m + (n - (1 << 7)), length + 1


def leb_bytes() -> st.SearchStrategy[bytes]:
    """Bytes of which most have the continuation bit, with the last groups of interest."""
    last = st.sampled_from([0, 1, 3, 4, 7, 8, 0xF, 0x10, 0x1F, 0x20, 0x3F, 0x40, 0x70, 0x78, 0x7C, 0x7E, 0x7F])
    more = st.integers(0x80, 0xFF) | st.sampled_from([0x80, 0xFF])
    built = st.tuples(st.lists(more, max_size=11).map(bytes), last).map(lambda pair: pair[0] + bytes((pair[1],)))
    return built | st.binary(max_size=12)


@pytest.mark.parametrize("bits", [32, 64])
@given(data=leb_bytes())
@example(data=b"\xff\xff\xff\xff\x0f")
@example(data=b"\xff\xff\xff\xff\x1f")
@example(data=b"\x80\x80\x80\x80\x80\x00")
def test_unsigned_is_the_textbooks(bits: int, data: bytes) -> None:
    reader = Reader(data, 100)
    try:
        value, length = textbook_unsigned(data, bits)
    except Malformed:
        with pytest.raises(DecodeError) as caught:
            reader.unsigned(bits)
        assert 100 <= caught.value.offset <= 100 + len(data)
    else:
        assert reader.unsigned(bits) == value
        assert reader.pos == length
        assert reader.offset == 100 + length


@pytest.mark.parametrize("bits", [32, 33, 64])
@given(data=leb_bytes())
@example(data=b"\x80\x80\x80\x80\x78")
@example(data=b"\x80\x80\x80\x80\x70")
@example(data=b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f")
def test_signed_is_the_textbooks(bits: int, data: bytes) -> None:
    reader = Reader(data)
    try:
        value, length = textbook_signed(data, bits)
    except Malformed:
        with pytest.raises(DecodeError):
            reader.signed(bits)
    else:
        assert reader.signed(bits) == value
        assert reader.pos == length


@given(value=st.integers(0, 2**32 - 1), padding=st.integers(0, 4))
def test_u32_reads_what_was_written_also_with_padding(value: int, padding: int) -> None:
    data = u(value)
    padding = min(padding, 5 - len(data))
    if padding:
        data = data[:-1] + bytes((data[-1] | 0x80,)) + b"\x80" * (padding - 1) + b"\x00"
    reader = Reader(data + b"rest")
    assert reader.u32() == value
    assert reader.left == len(b"rest")


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_s64_reads_what_was_written(value: int) -> None:
    assert Reader(s(value)).signed(64) == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x80\x80\x80\x80\x80\x00", "integer representation too long"),
        (b"\xff\xff\xff\xff\x10", "integer too large"),
        (b"\x80\x80", "unexpected end"),
        (b"", "unexpected end"),
    ],
)
def test_malformed_integers_have_the_suites_words(data: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words) as caught:
        Reader(data, 7).u32()
    assert caught.value.offset == (7 if "integer" in words else 7 + len(data))


@given(text=st.text(max_size=40))
def test_names(text: str) -> None:
    data = text.encode()
    reader = Reader(u(len(data)) + data)
    assert reader.name(1000) == text
    assert reader.left == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",  # a continuation byte alone
        b"\xc0\x80",  # an overlong zero
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",  # a surrogate
        b"\xf4\x90\x80\x80",  # beyond U+10FFFF
        b"\xf8\x88\x80\x80\x80",
        b"\xc3",  # cut short
        b"a\xff",
    ],
)
def test_names_must_be_utf8(data: bytes) -> None:
    with pytest.raises(DecodeError, match="malformed UTF-8 encoding"):
        Reader(u(len(data)) + data).name(1000)


def test_a_name_longer_than_the_bytes_is_malformed_and_one_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"length out of bounds|unexpected end"):
        Reader(u(5) + b"four").name(1000)
    with pytest.raises(LimitError, match="5 bytes"):
        Reader(u(5) + b"fives").name(4)


def test_a_count_is_bounded_by_the_bytes_that_are_left() -> None:
    with pytest.raises(DecodeError, match="length out of bounds"):
        Reader(u(4) + b"abc").count(1000, "things")
    with pytest.raises(LimitError, match="3 things"):
        Reader(u(3) + b"abc").count(2, "things")
    assert Reader(u(3) + b"abc").vector(3, "things", Reader.byte) == (97, 98, 99)


def test_bytes_never_go_beyond_the_end() -> None:
    reader = Reader(b"abc", 10)
    assert reader.bytes(2) == b"ab"
    with pytest.raises(DecodeError) as caught:
        reader.bytes(2)
    assert caught.value.offset == 12
    assert reader.byte() == ord("c")
    with pytest.raises(DecodeError):
        reader.byte()
