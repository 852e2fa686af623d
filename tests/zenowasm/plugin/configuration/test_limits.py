"""Which limit wins, where it came from, and how an error says to raise it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pools import lent

from zenowasm.backends.protocol import Budget
from zenowasm.plugin import Host
from zenowasm.plugin.configuration.limits import FIELDS, LimitSettings, LimitSource, PluginLimits
from zenowasm.plugin.configuration.settings import Settings

MIB = 1 << 20
COUNTS = st.none() | st.integers(1, 5)
settings = st.builds(
    LimitSettings,
    max_memory=COUNTS,
    max_execution_time=st.none() | st.sampled_from([0.5, 1.0, 20.0]),
    max_cpu=st.none() | st.sampled_from([0.25, 1.0]),
    max_fuel=COUNTS,
    max_output=st.none() | st.sampled_from([MIB, 2 * MIB]),
    max_host_calls=COUNTS,
    max_instances=COUNTS,
    max_idle_instances=st.none() | st.integers(0, 5),
)
sources = st.sampled_from([LimitSource.CONFIG, LimitSource.PLUGIN_CONFIG, LimitSource.COMMAND])
limits = st.builds(lambda said, source: PluginLimits().overridden(said, source), settings, sources)


@given(limits, limits, limits)
def test_the_stricter_of_limits_is_a_lower_bound(a, b, c):
    assert a.stricter(a) == a
    assert a.stricter(b) == b.stricter(a)
    assert a.stricter(b).stricter(c) == a.stricter(b.stricter(c))
    for name in FIELDS.values():
        wanted = [value for value in (getattr(a, name), getattr(b, name)) if value is not None]
        assert getattr(a.stricter(b), name) == min(wanted, default=None)


@given(limits, settings)
def test_a_manifest_can_only_lower(host, said):
    lowered = host.restricted(said, LimitSource.MANIFEST)
    assert lowered.stricter(host) == lowered
    for key, name in FIELDS.items():
        if lowered.source(name) is LimitSource.MANIFEST:
            assert getattr(lowered, name) == getattr(said, key)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (LimitSource.CONFIG, "to raise it, change wasm.limits.max_fuel in config/plugins.yaml"),
        (LimitSource.PLUGIN_CONFIG, "to raise it, change wasm.plugins.hello.limits.max_fuel in config/plugins.yaml"),
        (LimitSource.MANIFEST, "to raise it, change limits.max_fuel in manifest.yaml"),
        (LimitSource.SIDECAR, "to raise it, change sidecar.concurrency in manifest.yaml"),
        (LimitSource.CALL, "it was given with the call"),
    ],
)
def test_the_one_that_won_is_named(source, words):
    host = PluginLimits(fuel=100)
    assert host.remedy("fuel", "hello") == "to raise it, set wasm.limits.max_fuel in config/plugins.yaml"
    assert host.overridden(LimitSettings(max_fuel=7), source).remedy("fuel", "hello") == words
    assert host.restricted(LimitSettings(max_fuel=700), source).source("fuel") is LimitSource.DEFAULT


def test_a_call_lowers_and_never_raises():
    host = PluginLimits(seconds=2.0, fuel=100)
    call = host.within(Budget(fuel=1000, seconds=1.0))
    assert (call.fuel, call.source("fuel")) == (100, LimitSource.DEFAULT)
    assert (call.seconds, call.source("seconds")) == (1.0, LimitSource.CALL)
    for budget in (Budget(fuel=0), Budget(seconds=0.0), Budget(seconds=-1.0)):
        with pytest.raises(ValueError, match="must be > 0"):
            host.within(budget)


def test_cpu_time_is_a_share_of_the_wall_clock():
    assert PluginLimits(seconds=4.0, cpu=0.5).cpu_seconds == 2.0
    assert PluginLimits(seconds=None, cpu=0.5).cpu_seconds is None
    assert PluginLimits().cpu_seconds is None


def test_instances_are_replaced_after_as_many_calls_as_the_settings_say():
    plugins = Path(__file__).parents[4] / "examples" / "plugins" / "hello"
    with Host(config=Settings(limits=LimitSettings(max_calls_per_instance=2))) as host:
        host.manager.load(plugins)
        for _ in range(5):
            host.call("hello.greet", name="World")
        (stats,) = host.stats().plugins
    assert (stats.instances_made, stats.instances_recycled) == (3, 2)


@pytest.mark.parametrize(("idle", "kept"), [(None, 6), (2, 2), (0, 0)])
def test_as_many_instances_stay_as_there_were_calls_at_once_unless_the_settings_say_less(idle, kept):
    plugins = Path(__file__).parents[4] / "examples" / "plugins" / "hello"
    asked = LimitSettings(max_instances=6, max_idle_instances=idle)
    with Host(config=Settings(limits=asked)) as host:
        pool = host.manager.load(plugins)._pool
        with ExitStack() as stack, ThreadPoolExecutor(6) as threads:
            ready, go_on = threading.Barrier(7), threading.Event()
            stack.callback(go_on.set)

            def use():
                with lent(pool):
                    ready.wait(30)
                    assert go_on.wait(30)

            calls = [threads.submit(use) for _ in range(6)]
            ready.wait(30)
            assert pool.count == 6
            go_on.set()
            for call in calls:
                call.result(30)
        assert pool.count == kept
