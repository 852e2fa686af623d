"""What is counted of plugins' calls, on every engine."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from zenowasm.backends.protocol import Budget
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import FuelLimitError, GuestTrapError, InputError, PoolTimeoutError
from zenowasm.plugin.observing.instrumentation import Instrumentation
from zenowasm.plugin.observing.metrics import MOST_ENTRIES, OTHERS, Metrics, TimeHistogram
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.zenolang import SlotError
from zenowasm.zenolang.scope import Scope

ENV = '(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))'
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'


def stats(manager):
    (plugin,) = manager.services.instrumentation.stats().plugins
    return plugin


def slot(manager):
    (found,) = stats(manager).slots
    return found


def test_calls_and_their_host_calls(bench, ask):
    manager = bench.load(ask("host_scope_get", "name"), permissions={"scope": ["read"]})
    manager.call("guest.run", scope=Scope({"name": "a"}))
    manager.call("guest.run", scope=Scope())
    found = slot(manager)
    assert (found.name, found.calls) == ("guest.run", 2)
    assert found.host_calls == {"scope_get": {"allowed": 1, "failed": 1}}
    assert found.bytes_in == 8
    assert found.bytes_out == len('{"success":true,"data":{"value":"a"}}')
    assert found.fuel == manager.plugins["guest"].fuel_consumed - sum(it.fuel for it in stats(manager).phases)
    assert found.time.count == 2
    assert 0 < found.time.p50 <= found.time.p99 <= found.time.longest
    assert found.time.longest <= found.time.total


def test_answers_without_success_are_failures(bench, guest):
    manager = bench.load(guest(response='{"success":false,"error":"no"}'))
    manager.call("guest.run")
    found = slot(manager)
    assert (found.calls, found.successes, found.failures, found.traps) == (1, 0, {"SlotFailedError": 1}, {})


def test_traps_by_their_code_and_the_instances_that_they_cost(bench, guest):
    manager = bench.load(guest(execute="unreachable"))
    for _ in range(3):
        with pytest.raises(GuestTrapError):
            manager.call("guest.run")
    found = slot(manager)
    assert (found.calls, found.successes) == (3, 0)
    assert found.failures == {"GuestTrapError": 3}
    assert found.traps == {"unreachable": 3}
    assert (stats(manager).instances_made, stats(manager).instances_recycled) == (3, 3)


def test_fuel_that_ran_out(bench, guest):
    manager = bench.load(guest(execute="(loop $l (br $l)) unreachable"), limits=PluginLimits(fuel=20_000))
    with pytest.raises(FuelLimitError):
        manager.call("guest.run")
    assert slot(manager).traps == {"all fuel consumed": 1}
    assert slot(manager).failures == {"FuelLimitError": 1}


def test_phases(bench, guest):
    manager = bench.load(guest())
    manager.close()
    assert [(it.name, it.calls) for it in stats(manager).phases] == [
        ("_start", 1), ("plugin_cleanup", 1), ("plugin_init", 1), ("plugin_register_slots", 1)
    ]  # fmt: skip
    assert (stats(manager).instances_made, stats(manager).instances_recycled) == (1, 0)


def test_reloads(bench, guest):
    manager = bench.load(guest())
    bench.write(guest(response='{"success":true,"data":{"n":2}}'))
    manager.reload()
    bench.write(b"nonsense")
    manager.reload()
    manager.call("guest.run")
    assert (stats(manager).reloads, stats(manager).failed_reloads) == (1, 1)
    assert (stats(manager).instances_made, stats(manager).instances_recycled) == (2, 0)


def test_waiting_for_an_instance(bench, guest):
    entered, leave = threading.Event(), threading.Event()

    def log(record):
        entered.set()
        leave.wait(30)

    none = " ".join(["(i32.const 0)"] * 4)
    text = guest(imports=LOG, execute=f"(call $log {none}) i32.const 65536")
    manager = bench.load(text, limits=PluginLimits(instances=1), log=log)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(manager.call, "guest.run")
        assert entered.wait(30)
        with pytest.raises(PoolTimeoutError):
            manager.call("guest.run", budget=Budget(seconds=0.2))
        leave.set()
        assert first.result(30).success
    found = slot(manager)
    assert (found.failures, found.successes) == ({"PoolTimeoutError": 1}, 1)
    assert found.waiting.longest >= 0.15  # bounded below by the call's own deadline


def test_parameters_that_are_refused_are_failures(bench, guest, backend):
    bench.write(guest(slots='[{"name":"guest.run","inputs":{"id":{"type":"int","required":true}}}]'))
    with Host(bench.folder, backend=backend, environment=HostEnvironment({}), lazy=False) as host:
        with pytest.raises(InputError):
            host.call("guest.run", id="x")
        for script in ("guest.run", "guest.run { async: true }"):
            with pytest.raises(SlotError):
                host.run_script(script)
        host.call("guest.run", id=1)
        found = slot(host.manager)
    assert (found.calls, found.successes, found.failures) == (4, 1, {"InputError": 3})


def test_calls_of_many_threads_are_all_counted(bench, guest):
    manager = bench.load(guest(imports=ENV, execute="(drop (call $host (i32.const 0) (i32.const 0))) i32.const 65536"))
    start = threading.Barrier(4)

    def run():
        start.wait(30)
        for _ in range(25):
            manager.call("guest.run")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for it in threads:
        it.start()
    for it in threads:
        it.join(60)
    assert (slot(manager).calls, slot(manager).successes) == (100, 100)
    assert slot(manager).host_calls == {"env_get": {"denied": 100}}


def test_a_host_tells_its_numbers_as_json(backend, bench, guest):
    bench.write(guest())
    with Host(bench.folder, backend=backend, environment=HostEnvironment({}), lazy=False) as host:
        host.call("guest.run")
        told = json.loads(json.dumps(attrs.asdict(host.stats())))
    assert told["backend"] == backend
    assert told["plugins"][0]["slots"][0]["successes"] == 1


@pytest.mark.parametrize("nanoseconds", [0, 1, 3, 7, 8, 9, 15, 16, 1000, 123_456_789, 10**12])
def test_a_quantile_is_known_to_an_eighth(nanoseconds):
    histogram = TimeHistogram()
    histogram.add(nanoseconds)
    times = histogram.times()
    assert times.p50 == pytest.approx(nanoseconds / 1e9, rel=1 / 8)
    assert times.longest == times.total == pytest.approx(nanoseconds / 1e9)


def test_quantiles():
    histogram = TimeHistogram()
    for nanoseconds in range(1, 1001):
        histogram.add(1000 * nanoseconds)
    times = histogram.times()
    assert (times.count, times.total) == (1000, pytest.approx(0.5005))
    for value, wanted in ((times.p50, 500e-6), (times.p90, 900e-6), (times.p99, 990e-6)):
        assert value == pytest.approx(wanted, rel=1 / 8)


def test_buckets_are_bounded():
    histogram = TimeHistogram()
    for exponent in range(200):
        for part in range(8):
            histogram.add((8 + part) << exponent >> 3)
    assert len(histogram._buckets) <= 164
    assert TimeHistogram().times().p99 == 0.0


def test_names_are_bounded():
    metrics = Metrics()
    for number in range(MOST_ENTRIES + 5):
        metrics.call_ended(CallTrace("p", slot=f"s{number}"), 1, None)
    (plugin,) = metrics.snapshot().plugins
    assert len(plugin.slots) == MOST_ENTRIES + 1
    assert next(it.calls for it in plugin.slots if it.name == OTHERS) == 5


def test_every_watch_counts_for_itself():
    one, other = Instrumentation(), Instrumentation()
    one.instance_made("p")
    assert [it.plugin for it in one.stats().plugins] == ["p"]
    assert other.stats().plugins == ()
