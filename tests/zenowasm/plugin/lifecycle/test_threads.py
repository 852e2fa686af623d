"""Threads on one engine: modules and types are shared, stores are not, and nothing gets mixed up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import xor

import pytest

from zenowasm.backends.protocol import Budget
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import FuelLimitError, GuestTrapError, PluginError, TimeLimitError
from zenowasm.plugin.guest.abi import RequestEncoder

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
THREADS = 8

# Forty functions, whose code the reference engine makes on whichever thread calls them first.
CHAIN = "".join(
    f"(func $f{n} (param i32) (result i32)"
    f" (i32.add (i32.const {n}) (call $f{n + 1} (i32.xor (local.get 0) (i32.const {n})))))"
    for n in range(40)
)
LAST = "(func $f40 (param i32) (result i32) (local.get 0))"
DIGITS = """(local.set $i (call $f0 (i32.const 12345)))
    (i32.store8 (i32.const 65568) (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))
    (i32.const 65536)"""
EXPECTED = (reduce(xor, range(40), 12345) + sum(range(40))) % 10


def together(work, count=THREADS):
    """Do the work on threads that begin at the same moment; return what each of them returned."""
    start = threading.Barrier(count)

    def run(number):
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return [it.result(120) for it in [threads.submit(run, number) for number in range(count)]]


def test_functions_that_are_made_by_several_threads_at_once_are_whole(bench, guest):
    text = guest(execute=DIGITS, extra=CHAIN + LAST, response='{"success":true,"data":{"digit":0}}')
    limits = PluginLimits(instances=THREADS, idle_instances=THREADS, fuel=100_000)
    for round_ in range(5):
        manager = bench.host(limits=limits)
        manager.load(bench.write(text, name=f"guest{round_}"))
        found = together(lambda _, manager=manager: [manager.call("guest.run").data for _ in range(5)])
        assert found == [[{"digit": EXPECTED}] * 5] * THREADS
        manager.close()


def test_fuel_is_the_same_on_every_thread(bench, guest):
    response = '{"success":true,"data":{"digit":0}}'
    text = guest(execute=DIGITS, extra=CHAIN + LAST, response=response, without=("plugin_cleanup",))
    alone = bench.load(text)
    before = alone.plugins["guest"].fuel_consumed
    assert alone.call("guest.run").success
    cost = alone.plugins["guest"].fuel_consumed - before
    manager = bench.host(limits=PluginLimits(idle_instances=0, instances=THREADS))
    manager.load(bench.folder / "guest")
    loading = manager.plugins["guest"].fuel_consumed
    together(lambda _: [manager.call("guest.run") for _ in range(3)])
    # The first instance was loaded before, and each further call had to load one.
    assert manager.plugins["guest"].fuel_consumed == 3 * THREADS * (loading + cost)


def test_requests_and_logs_are_not_mixed_up(bench, guest):
    lines = []
    echo = "(call $log (i32.const 0) (i32.const 0) (local.get 2) (local.get 3)) (i32.const 65536)"
    manager = bench.load(guest(imports=LOG, execute=echo), log=lambda record: lines.append(record.message))
    together(lambda number: [manager.call("guest.run", {"n": number, "i": i}).data for i in range(50)])
    expected = [
        f'{{"slot_name":"guest.run","parameters":{{"n":{number},"i":{i}}}}}'
        for number in range(THREADS)
        for i in range(50)
    ]
    assert sorted(lines) == sorted(expected)


def test_deadlines_of_several_threads_do_not_end_one_another(bench, guest):
    endless = """(if (i32.eq (local.get 3) (i32.const 49)) (then (loop $again (br $again)))) (i32.const 65536)"""
    manager = bench.load(guest(execute=endless), limits=PluginLimits(seconds=20, instances=THREADS))
    assert len(RequestEncoder().encode("guest.run", {"x": True})) == 49

    def work(number):
        outcomes = []
        for _ in range(3):
            if number % 2:
                with pytest.raises(TimeLimitError):
                    manager.call("guest.run", {"x": True}, None, Budget(seconds=0.1))
            outcomes += [manager.call("guest.run", {"x": 1}).success for _ in range(20)]
        return outcomes

    assert together(work) == [[True] * 60] * THREADS


def test_calls_traps_limits_and_full_memories_mixed(bench, guest):
    # What a call does depends on the length of its request: {} is 41 bytes, {"x":1} is 46, {"xx":1} is 47.
    body = """
        (if (i32.eq (local.get 3) (i32.const 46)) (then unreachable))
        (if (i32.eq (local.get 3) (i32.const 47)) (then (loop $again (br $again))))
        (if (i32.eq (local.get 3) (i32.const 48)) (then (drop (memory.grow (i32.const 1300)))))
        (call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 65536)"""
    bye = "(call $log (i32.const 0) (i32.const 0) (i32.const 4100) (i32.const 3))"
    lines = []
    text = guest(imports=LOG, text="callbye", execute=body, cleanup=bye)
    limits = PluginLimits(fuel=20_000, seconds=60, calls_per_instance=9)
    manager = bench.load(text, limits=limits, log=lambda record: lines.append(record.message))
    expected = {"": True, "x": GuestTrapError, "xx": FuelLimitError, "xxx": True}

    def outcome(key):
        try:
            return manager.call("guest.run", {key: 1} if key else {}).success
        except PluginError as error:
            return type(error)

    found = together(lambda _: [outcome(key) for _ in range(5) for key in expected])
    assert found == [list(expected.values()) * 5] * THREADS
    assert manager.close().clean
    assert manager.plugins["guest"].instances == 0
    assert lines.count("call") == THREADS * 5 * 2
