"""Real streams as a guest's standard streams: waiting for them ends with the running call's time."""

from __future__ import annotations

import os

import pytest

from zenowasm.wasi.errno import Errno
from zenowasm.wasi.streams import BytesInput, HostInput, HostOutput

NONBLOCK = 4


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    open_ = {"reading": reading, "writing": writing}
    yield open_
    for descriptor in open_.values():
        os.close(descriptor)


def read(wasi, length: int = 100):
    wasi.put(0, 1000, length)
    error = wasi.call("fd_read", 0, 0, 1, 500)
    return error or wasi.caller.read(1000, wasi.u32(500))


def poll(wasi, *kinds: tuple[int, int]):
    """Poll descriptors by kind (1 to read, 2 to write) and a clock of 1 ms; return user data and size of each event."""
    entries = [
        index.to_bytes(8, "little") + kind.to_bytes(8, "little") + fd.to_bytes(8, "little") + bytes(24)
        for index, (kind, fd) in enumerate(kinds)
    ]
    entries.append((99).to_bytes(8, "little") + bytes(8) + (1).to_bytes(8, "little") + (10**6).to_bytes(24, "little"))
    wasi.caller.write(1000, b"".join(entries))
    assert wasi.call("poll_oneoff", 1000, 5000, len(entries), 500) == 0
    found = []
    for index in range(wasi.u32(500)):
        at = 5000 + 32 * index
        found.append((wasi.u64(at), wasi.u64(at + 16)))
    return found


def test_input_from_bytes(make_wasi):
    wasi = make_wasi(stdin=BytesInput(b"abcdef"))
    assert poll(wasi, (1, 0)) == [(0, 6)]
    assert (read(wasi, 4), read(wasi), read(wasi)) == (b"abcd", b"ef", b"")


def test_what_is_there_is_read_and_the_end_is_seen(make_wasi, pipe):
    wasi = make_wasi(stdin=HostInput(pipe["reading"]))
    os.write(pipe["writing"], b"line\nmore")
    assert read(wasi, 5) == b"line\n"
    assert read(wasi) == b"more"
    os.close(pipe.pop("writing"))
    assert poll(wasi, (1, 0)) == [(0, 1)]
    assert read(wasi) == b""


def test_who_does_not_want_to_wait_is_told_to_try_again(make_wasi, pipe):
    wasi = make_wasi(stdin=HostInput(pipe["reading"]))
    assert wasi.call("fd_fdstat_set_flags", 0, NONBLOCK) == 0
    assert read(wasi) == Errno.AGAIN
    os.write(pipe["writing"], b"x")
    assert read(wasi) == b"x"


def test_waiting_ends_with_the_calls_time(make_wasi, pipe):
    left = iter([0.05, 0.01, 0.0, 0.0])
    wasi = make_wasi(stdin=HostInput(pipe["reading"]), remaining=lambda: next(left, 0.0))
    assert read(wasi) == Errno.INTR
    wasi.put(0, 1000, 1)
    subscription = bytes(8) + (1).to_bytes(8, "little") + bytes(32)  # a read of descriptor 0, and no clock
    wasi.caller.write(2000, subscription)
    assert wasi.call("poll_oneoff", 2000, 5000, 1, 500) == 0
    assert wasi.u32(500) == 0


def test_polling_waits_for_the_first_of_clock_and_stream(make_wasi, pipe):
    wasi = make_wasi(stdin=HostInput(pipe["reading"]), stdout=HostOutput(pipe["writing"]))
    assert poll(wasi, (1, 0)) == [(99, 0)]
    assert poll(wasi, (1, 0), (2, 1)) == [(1, 1)]
    os.write(pipe["writing"], b"x")
    assert poll(wasi, (1, 0), (2, 1)) == [(0, 1), (1, 1)]


def test_an_output_that_nobody_takes_does_not_hold_a_call_beyond_its_time(make_wasi, pipe):
    wasi = make_wasi(stdout=HostOutput(pipe["writing"]), remaining=lambda: 0.0)
    wasi.put(0, 1000, 60_000)
    while (error := wasi.call("fd_write", 1, 0, 1, 500)) == 0:
        assert 0 < wasi.u32(500) <= 60_000
    assert error == Errno.INTR


def test_a_broken_output_is_an_error_of_the_guests(make_wasi, pipe):
    wasi = make_wasi(stdout=HostOutput(pipe["writing"]))
    os.close(pipe.pop("reading"))
    wasi.put(0, 1000, 1)
    assert wasi.call("fd_write", 1, 0, 1, 500) == Errno.PIPE


def test_the_type_of_a_stream_is_that_of_the_hosts(make_wasi, tmp_path, pipe):
    with (tmp_path / "file").open("w+b") as file:
        wasi = make_wasi(stdin=HostInput(file.fileno()), stdout=HostOutput(pipe["writing"]))
        types = []
        for fd in range(3):
            assert wasi.call("fd_fdstat_get", fd, 100) == 0
            types.append(wasi.caller.read(100, 1)[0])
        assert types == [4, 0, 2]  # a regular file, a pipe, which has no type, and a line buffer, which is a terminal
        assert wasi.call("fd_seek", 0, 0, 0, 100) == Errno.SPIPE
