"""Reads and writes with pointers that a guest made up."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zenowasm.host.memory import GuestMemory, MemoryFaultError, TooLongError, visible_text


def test_reads_are_bounded_by_memory_and_by_the_limit(fake_memory):
    memory = GuestMemory(fake_memory(b"0123456789"))
    assert memory.size == 10
    assert memory.read(2, 3) == b"234"
    assert memory.read(10, 0) == b""
    assert memory.read(0, 10, limit=10) == b"0123456789"
    with pytest.raises(TooLongError, match="longer than the limit of 9 bytes"):
        memory.read(0, 10, limit=9)
    for pointer, length in ((0, 11), (11, 0), (-1, 1), (1, -1), (0xFFFF_FFFF, 0xFFFF_FFFF)):
        with pytest.raises(MemoryFaultError):
            memory.read(pointer, length)
        with pytest.raises(MemoryFaultError):
            memory.check(pointer, length)


def test_a_fault_is_found_before_the_limit(fake_memory):
    with pytest.raises(MemoryFaultError, match="100 bytes at 0x0 are not inside the memory of 4 bytes"):
        GuestMemory(fake_memory(b"1234")).read(0, 100, limit=10)


def test_writes_change_nothing_when_they_do_not_fit(fake_memory):
    raw = fake_memory(bytes(8))
    memory = GuestMemory(raw)
    memory.write(6, b"ab")
    with pytest.raises(MemoryFaultError):
        memory.write(7, b"cd")
    with pytest.raises(MemoryFaultError):
        memory.write(-1, b"c")
    assert bytes(raw.data) == b"\0\0\0\0\0\0ab"


def test_integers_are_little_endian(fake_memory):
    memory = GuestMemory(fake_memory(bytes(12)))
    memory.write_unsigned(0, 0x0102030405060708, 8)
    assert memory.read(0, 8) == bytes([8, 7, 6, 5, 4, 3, 2, 1])
    assert memory.read_unsigned(0, 4) == 0x05060708
    with pytest.raises(MemoryFaultError):
        memory.write_unsigned(8, 1, 8)


def test_terminated_reads(fake_memory):
    memory = GuestMemory(fake_memory(b"ab\0cdef"))
    assert memory.read_terminated(0, 100) == (b"ab", False)
    assert memory.read_terminated(2, 100) == (b"", False)
    assert memory.read_terminated(3, 100) == (b"cdef", False)  # up to the end of memory
    assert memory.read_terminated(3, 4) == (b"cdef", False)
    assert memory.read_terminated(3, 3) == (b"cde", True)
    assert memory.read_terminated(0, 2) == (b"ab", True)
    for pointer in (7, -1):
        with pytest.raises(MemoryFaultError):
            memory.read_terminated(pointer, 100)


@given(st.binary(min_size=1, max_size=64), st.integers(-5, 2**32), st.integers(1, 80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_terminated_read_is_what_lies_before_the_first_nul(fake_memory, data, pointer, limit):
    memory = GuestMemory(fake_memory(data))
    unsigned = pointer % 2**32
    if unsigned >= len(data):
        with pytest.raises(MemoryFaultError):
            memory.read_terminated(pointer, limit)
        return
    text, cut = memory.read_terminated(pointer, limit)
    rest = data[unsigned:].partition(b"\0")[0]
    assert text == rest[:limit]
    assert not cut or (len(text) == limit and unsigned + limit < len(data))
    assert cut or text == rest


def test_bytes_that_are_not_text_stay_visible():
    assert visible_text("ä".encode() + b"\xff\x00") == "ä\\xff\x00"
