"""Preview 1, function by function; structures are compared byte for byte with the witx layout."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zenowasm.interp.types import FuncType
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.vectors import MAX_TRANSFER


def test_arguments_and_environment(make_wasi):
    wasi = make_wasi(arguments=(b"name", b"x y"), environ=(b"A=1",))
    assert wasi.call("args_sizes_get", 0, 4) == 0
    assert (wasi.u32(0), wasi.u32(4)) == (2, 9)
    assert wasi.call("args_get", 16, 100) == 0
    assert (wasi.u32(16), wasi.u32(20)) == (100, 105)
    assert wasi.caller.read(100, 9) == b"name\0x y\0"
    assert wasi.call("environ_sizes_get", 0, 4) == 0
    assert (wasi.u32(0), wasi.u32(4)) == (1, 4)
    assert wasi.call("environ_get", 16, 100) == 0
    assert wasi.caller.read(100, 4) == b"A=1\0"


def test_clocks(wasi):
    assert wasi.call("clock_time_get", 0, 0, 8) == 0
    assert wasi.u64(8) == 1_700_000_000_000_000_001
    assert wasi.call("clock_time_get", 1, 0, 8) == 0
    assert wasi.u64(8) == 5_000
    assert wasi.call("clock_res_get", 1, 8) == 0
    assert wasi.u64(8) == 1
    for clock in (2, 3):  # the guest's processor time, from its start on
        wasi.cpu += 70
        assert wasi.call("clock_time_get", clock, 0, 8) == 0
    assert wasi.u64(8) == 140
    assert wasi.call("clock_time_get", 4, 0, 8) == wasi.call("clock_res_get", 0xFFFF_FFFF, 8) == Errno.INVAL


def test_randomness_fills_exactly_what_was_asked_for(wasi):
    assert wasi.call("random_get", 10, 300) == 0
    assert wasi.caller.read(9, 1) == b"\0"
    assert wasi.caller.read(10, 300) == bytes(index % 251 for index in range(300))
    assert wasi.caller.read(310, 1) == b"\0"
    assert wasi.call("random_get", 0, 0xFFFF_FFFF) == Errno.FAULT
    assert wasi.call("random_get", 65536, 0) == 0


def test_output_is_line_buffered_and_streams_are_apart(wasi):
    wasi.caller.write(1000, b"one\ntwo")
    wasi.put(0, 1000, 2, 1002, 5)
    assert wasi.call("fd_write", 1, 0, 2, 500) == 0
    assert wasi.u32(500) == 7
    assert wasi.lines == [("out", b"one")]
    assert wasi.call("fd_write", 2, 0, 1, 500) == 0
    assert wasi.call("fd_close", 2) == 0
    assert wasi.lines == [("out", b"one"), ("err", b"on")]
    wasi.context.flush()
    assert wasi.lines[2:] == [("out", b"two")]


def test_a_write_is_bounded_and_says_how_much_it_took(wasi):
    wasi.put(0, *([1000, 60_000] * 20))
    assert wasi.call("fd_write", 1, 0, 20, 500) == 0
    assert wasi.u32(500) == MAX_TRANSFER
    assert wasi.call("fd_write", 1, 0, 1025, 500) == Errno.INVAL
    assert wasi.call("fd_write", 1, 0, 0, 500) == 0
    assert wasi.u32(500) == 0


def test_writes_with_bad_pointers_write_nothing(wasi):
    wasi.put(0, 65530, 7)
    assert wasi.call("fd_write", 1, 0, 1, 500) == Errno.FAULT
    assert wasi.call("fd_write", 1, 65530, 1, 500) == Errno.FAULT
    wasi.put(0, 100, 1)
    assert wasi.call("fd_write", 1, 0, 1, 65533) == Errno.FAULT
    assert wasi.call("fd_write", 0, 0, 1, 500) == wasi.call("fd_write", 9, 0, 1, 500) == Errno.BADF
    wasi.context.flush()
    assert wasi.lines == []


def test_standard_input_is_at_its_end(wasi):
    wasi.put(500, 77)
    wasi.put(0, 100, 10)
    assert wasi.call("fd_read", 0, 0, 1, 500) == 0
    assert wasi.u32(500) == 0
    assert wasi.call("fd_read", 1, 0, 1, 500) == Errno.BADF
    assert wasi.call("fd_close", 0) == 0
    assert wasi.call("fd_read", 0, 0, 1, 500) == Errno.BADF


def test_descriptors(wasi):
    assert wasi.call("fd_seek", 1, 0, 0, 8) == Errno.SPIPE
    assert wasi.call("fd_seek", 3, 0, 0, 8) == Errno.BADF
    assert wasi.call("fd_fdstat_get", 1, 100) == 0
    # filetype 2 (character device), flags 0, rights: fd_write (6), fdstat_set_flags (3), filestat_get (21), poll (27)
    assert wasi.caller.read(100, 24) == bytes([2, 0, 0, 0, 0, 0, 0, 0, 0x48, 0, 0x20, 0x08, 0, 0, 0, 0]) + bytes(8)
    assert wasi.call("fd_fdstat_get", 0, 100) == 0
    assert wasi.caller.read(108, 1) == b"\x0a"
    assert wasi.call("fd_fdstat_get", 3, 100) == wasi.call("fd_fdstat_set_flags", 3, 0) == Errno.BADF
    assert wasi.call("fd_fdstat_set_flags", 1, 4) == 0
    assert wasi.call("fd_prestat_get", 3, 100) == wasi.call("fd_prestat_dir_name", 3, 100, 4) == Errno.BADF
    assert wasi.call("fd_close", 1) == 0
    assert wasi.call("fd_close", 1) == Errno.BADF
    assert wasi.call("fd_write", 1, 0, 0, 500) == Errno.BADF
    assert wasi.call("sched_yield") == 0


def test_exit_is_typed_and_hands_on_what_was_written(wasi):
    wasi.caller.write(1000, b"bye")
    wasi.put(0, 1000, 3)
    wasi.call("fd_write", 1, 0, 1, 500)
    with pytest.raises(ProcExit) as caught:
        wasi.call("proc_exit", 0xFFFF_FFFF)
    assert caught.value.code == 0xFFFF_FFFF
    assert wasi.lines == [("out", b"bye")]


def test_all_of_preview_1_is_there(wasi):
    assert len(wasi.functions) == 46
    for name in ("sock_accept", "sock_recv", "sock_send", "sock_shutdown"):
        rest = [0] * (len(wasi.functions[name].type.parameters) - 1)
        assert wasi.call(name, 1, *rest) == Errno.NOTSOCK
        assert wasi.call(name, 7, *rest) == Errno.BADF


def test_signals_end_a_guest_unless_they_are_harmless(wasi):
    assert wasi.call("proc_raise", 0) == wasi.call("proc_raise", 16) == 0
    assert wasi.call("proc_raise", 31) == Errno.INVAL
    with pytest.raises(ProcExit) as caught:
        wasi.call("proc_raise", 6)
    assert caught.value.code == 134


def test_without_a_memory_everything_is_a_fault(wasi):
    wasi.caller.type = FuncType()
    assert wasi.call("clock_time_get", 0, 0, 8) == Errno.FAULT


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_arguments_and_no_memory_make_an_exception(make_wasi, data):
    wasi = make_wasi(arguments=(b"a",), environ=(b"A=1",))
    wasi.caller.data[:256] = data.draw(st.binary(min_size=256, max_size=256))
    name = data.draw(st.sampled_from(sorted(set(wasi.functions) - {"proc_exit", "proc_raise"})))
    near = st.integers(0, 300) | st.integers(65_500, 65_600) | st.integers(0, 2**32 - 1)
    arguments = [data.draw(near) for _ in wasi.functions[name].type.parameters]
    assert wasi.call(name, *arguments) in set(Errno)
