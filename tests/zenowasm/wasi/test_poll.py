"""``poll_oneoff``: sleeps, and descriptors that are always ready."""

from __future__ import annotations

import pytest

from zenowasm.wasi.errno import Errno
from zenowasm.wasi.state import MAX_WAIT


def clock(userdata: int, timeout: int, *, clock_id: int = 1, absolute: bool = False) -> bytes:
    head = userdata.to_bytes(8, "little") + bytes(8) + clock_id.to_bytes(8, "little")
    return head + timeout.to_bytes(8, "little") + bytes(8) + int(absolute).to_bytes(8, "little")


def descriptor(userdata: int, kind: int, fd: int) -> bytes:
    return userdata.to_bytes(8, "little") + kind.to_bytes(8, "little") + fd.to_bytes(8, "little") + bytes(24)


def events(wasi, count):
    found = []
    for index in range(count):
        data = wasi.caller.read(10_000 + 32 * index, 32)
        found.append((int.from_bytes(data[:8], "little"), int.from_bytes(data[8:10], "little"), data[10]))
    return found


def poll(wasi, *subscriptions):
    wasi.caller.write(1000, b"".join(subscriptions))
    error = wasi.call("poll_oneoff", 1000, 10_000, len(subscriptions), 500)
    assert error == 0
    return events(wasi, wasi.u32(500))


def test_only_clocks_sleep_until_the_first_is_due(wasi):
    assert poll(wasi, clock(7, 2_000_000), clock(8, 1_000_000), clock(9, 1_000_000)) == [(8, 0, 0), (9, 0, 0)]
    assert wasi.slept == [pytest.approx(0.001)]


def test_an_absolute_time_is_measured_on_its_clock(wasi):
    assert poll(wasi, clock(1, 6_000, absolute=True)) == [(1, 0, 0)]
    assert poll(wasi, clock(1, 10, absolute=True)) == [(1, 0, 0)]
    assert poll(wasi, clock(1, 1_700_000_000_000_001_001, clock_id=0, absolute=True)) == [(1, 0, 0)]
    assert wasi.slept == [pytest.approx(1e-6), 0, pytest.approx(1e-6)]


def test_streams_are_ready_and_nobody_sleeps(wasi):
    assert poll(wasi, clock(1, 10**12), descriptor(2, 2, 1), descriptor(3, 1, 0), descriptor(4, 2, 9)) == [
        (2, 0, 2),
        (3, 0, 1),
        (4, Errno.BADF, 2),
    ]
    assert wasi.slept == []


def test_unknown_clocks_kinds_and_counts(wasi):
    assert poll(wasi, clock(5, 1, clock_id=3)) == [(5, Errno.INVAL, 0)]
    wasi.caller.write(1000, descriptor(1, 3, 0))
    assert wasi.call("poll_oneoff", 1000, 10_000, 1, 500) == Errno.INVAL
    assert wasi.call("poll_oneoff", 1000, 10_000, 0, 500) == Errno.INVAL
    assert wasi.call("poll_oneoff", 1000, 10_000, 1025, 500) == Errno.INVAL


def test_bad_pointers_are_found_before_the_sleep(wasi):
    wasi.caller.write(1000, clock(1, 10**9))
    assert wasi.call("poll_oneoff", 1000, 65_530, 1, 500) == Errno.FAULT
    assert wasi.call("poll_oneoff", 1000, 10_000, 1, 65_533) == Errno.FAULT
    assert wasi.slept == []


def test_no_sleep_is_longer_than_the_host_can_take(wasi):
    poll(wasi, clock(1, 2**64 - 1))
    assert wasi.slept == [MAX_WAIT]
