"""Ending: new calls are refused, those under way are waited for, and each instance is cleaned up once."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest

from zenowasm.plugin import Host
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.settings import Settings, parse_settings
from zenowasm.plugin.errors import BusyError, ClosedError, GuestTrapError

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
GATE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 65536)"
BYE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4100) (i32.const 3))"


class Gate:
    """A log sink that holds whoever says ``gate`` until it is opened."""

    def __init__(self):
        self.lines = []
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, record):
        self.lines.append(record.message)
        if record.message == "gate":
            self.entered.release()
            assert self.open.wait(30)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def loaded(bench, guest, gate):
    def make(**limits):
        manager = bench.host(log=gate, limits=PluginLimits(**limits))
        manager.load(bench.write(guest(imports=LOG, text="gatebye", execute=GATE, cleanup=BYE)))
        return manager

    return make


def until_closing(manager):
    while not manager._closing:
        threading.Event().wait(0.001)


def test_calls_under_way_end_and_new_ones_are_refused(loaded, gate):
    manager = loaded()
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(manager.call, "guest.run") for _ in range(3)]
        for _ in range(3):
            assert gate.entered.acquire(timeout=30)
        closing = threads.submit(manager.close)
        until_closing(manager)
        with pytest.raises(ClosedError, match="the plugin host is closed"):
            manager.call("guest.run")
        assert "bye" not in gate.lines
        gate.open.set()
        assert all(it.result(30).success for it in running)
        report = closing.result(30)
    (ending,) = report.retirements
    assert report.clean
    assert (ending.plugin, ending.drained, ending.abandoned, ending.failures) == ("guest", 3, 0, ())
    assert gate.lines.count("bye") == 3


def test_what_does_not_end_in_time_is_abandoned_and_cleaned_up_later(loaded, gate):
    manager = loaded()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(manager.call, "guest.run")
        assert gate.entered.acquire(timeout=30)
        report = manager.close(drain_seconds=0.01)
        assert not report.clean
        assert report.retirements[0].abandoned == 1
        assert gate.lines[-1].startswith("1 calls of version 1.0.0 (")
        gate.open.set()
        assert running.result(30).success
    assert gate.lines.count("bye") == 1


def test_how_long_is_waited_is_the_hosts_unless_said_otherwise(bench, guest, gate):
    text = guest(imports=LOG, text="gatebye", execute=GATE, cleanup=BYE)
    manager = bench.host(log=gate, drain_seconds=0.01)
    manager.load(bench.write(text))
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(manager.call, "guest.run")
        assert gate.entered.acquire(timeout=30)
        bench.write(text, more="description: newer\n")
        (change,) = manager.reload("guest").changes
        assert change.retirement.abandoned == 1
        assert manager.close().retirements[0].abandoned == 1
        gate.open.set()
        assert running.result(30).success


def test_the_settings_say_how_long_is_waited():
    with Host(config=parse_settings("wasm: {drain_seconds: 500ms}", Path("plugins.yaml"))) as host:
        assert host.manager.services.drain_seconds == 0.5
    with Host(config=Settings()) as host:
        assert host.manager.services.drain_seconds == 10.0


def test_the_end_comes_once(loaded, gate):
    manager = loaded()
    gate.open.set()
    manager.call("guest.run")
    start = threading.Barrier(4)

    def work():
        start.wait(30)
        return manager.close()

    with ThreadPoolExecutor(4) as threads:
        reports = [it.result(30) for it in [threads.submit(work) for _ in range(4)]]
    assert all(report is reports[0] for report in reports)
    assert gate.lines == ["gate", "bye"]


def test_submitted_work_ends_with_the_slots_it_calls_and_what_is_late_is_cancelled(loaded, gate):
    manager = loaded(async_threads=1)
    first = manager.submit(lambda: manager.call("guest.run").success)
    assert gate.entered.acquire(timeout=30)
    later = [manager.submit(lambda: manager.call("guest.run")) for _ in range(3)]
    with ThreadPoolExecutor(1) as threads:
        closing = threads.submit(manager.close, 0.05)
        report = closing.result(30)
    assert report.cancelled == 3
    assert not report.clean
    for future in later:
        with pytest.raises(CancelledError):
            future.result(0)
    gate.open.set()
    assert first.result(30)
    assert gate.lines.count("bye") == 1


def test_too_much_pending_work_waits_or_is_refused(loaded, gate):
    manager = loaded(async_threads=1, async_pending=2)
    first = [manager.submit(lambda: manager.call("guest.run")) for _ in range(2)]
    with pytest.raises(BusyError, match=r"2 asynchronous calls are pending, which is the limit \(async_pending\)"):
        manager.submit(lambda: None, wait=False)
    gate.open.set()
    for future in first:
        assert future.result(30).success
    assert manager.submit(lambda: 5).result(30) == 5


def test_what_fails_in_cleanup_is_in_the_report_and_the_others_go_on(bench, guest):
    bench.write(guest(slots='[{"name":"a.run"}]', cleanup="unreachable"), name="a")
    bench.write(guest(slots='[{"name":"b.run"}]', imports=LOG, text="gatebye", cleanup=BYE), name="b")
    manager = bench.host()
    manager.load_folder(bench.folder)
    report = manager.close()
    assert [it.plugin for it in report.retirements] == ["a", "b"]
    (failure,) = report.retirements[0].failures
    assert isinstance(failure, GuestTrapError)
    assert not report.clean
    assert report.retirements[1].clean
    assert bench.lines[-1] == ("info", "bye")


def test_instances_that_trapped_are_not_cleaned_up_and_all_others_are_once(bench, guest):
    trapping = """(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (if (i32.eq (global.get $count) (i32.const 3)) (then unreachable)) (i32.const 65536)"""
    text = guest(imports=LOG, text="gatebye", execute=trapping, cleanup=BYE)
    manager = bench.load(text, limits=PluginLimits(calls_per_instance=5))
    answered = 0
    for _ in range(10):
        with contextlib.suppress(GuestTrapError):
            answered += manager.call("guest.run").success
    assert answered == 7
    assert manager.close().clean
    assert bench.lines == [("info", "bye")]
