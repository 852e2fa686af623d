"""A host counts fuel and interrupts guests where somebody asks for that, and nowhere else."""

from __future__ import annotations

import threading
from pathlib import Path
from time import sleep

import pytest
import yaml

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability, EngineOptions
from zenowasm.backends.variants import EngineVariants
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.limits import CONFIG_FILE, LimitSettings, LimitSource, PluginLimits
from zenowasm.plugin.configuration.settings import Settings, parse_settings
from zenowasm.plugin.errors import (
    BusyError,
    FuelLimitError,
    NotLoadedError,
    SettingsError,
    TimeLimitError,
    UnsupportedLimitError,
)

ENDLESS = "(loop $again (br $again)) unreachable"
NUMBERED = '{"success":true,"data":{"answer":42,"n":"?"}}'
COUNTING = f"""(global.set $count (i32.add (global.get $count) (i32.const 1)))
  (i32.store8 (i32.const {65536 + NUMBERED.index("?")}) (i32.add (i32.const 48) (global.get $count))) i32.const 65536"""
"""Answers with how many calls this instance has had."""
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'


def settings(text: str) -> Settings:
    return parse_settings(yaml.safe_dump({"wasm": yaml.safe_load(text)}), Path(CONFIG_FILE))


@pytest.fixture
def opened(bench):
    hosts = []

    def make(guest=None, *, config="{}", more="", backend="wasmtime", lazy=False, **options):
        if guest is not None:
            bench.write(guest, more=more)
        options = {"log": bench.log.append, "environment": HostEnvironment({}), **options}
        host = Host(bench.folder, backend=backend, lazy=lazy, config=settings(config), **options)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.close()


def counted(host) -> int | None:
    return host.stats().plugins[0].slots[0].fuel


@pytest.fixture
def backend():
    """All of this is about the engine that can leave something out, but for the tests that name another one."""
    return "wasmtime"


# --- fuel


def test_nothing_counts_fuel_unless_asked(opened, guest):
    host = opened(guest())
    host.call("guest.run")
    assert counted(host) is None
    assert host.plugins["guest"].fuel_consumed is None
    assert Capability.FUEL not in host.manager.engine.capabilities


@pytest.mark.parametrize(
    "asked",
    [
        {"config": "count_fuel: true"},
        {"config": "limits: {max_fuel: 100000}"},
        {"config": "plugins: {guest: {limits: {max_fuel: 100000}}}"},
        {"more": "limits: {max_fuel: 100000}\n"},
        {"limits": PluginLimits(fuel=100_000)},
        {"backend": registry.engine("wasmtime")},
        {"backend": "reference"},
    ],
    ids=["setting", "limit", "limit of the plugin", "manifest", "limits", "an engine that counts", "reference"],
)
def test_each_way_to_ask_counts_the_same(opened, guest, asked):
    host = opened(guest(), **asked)
    host.call("guest.run")
    expected = opened(backend="reference")
    expected.call("guest.run")
    assert counted(host) == counted(expected) > 0


def test_a_limit_of_one_plugin_costs_no_other(opened, bench, guest):
    bench.write(guest(slots='[{"name":"other.run"}]'), "other")
    host = opened(guest(), config="plugins: {other: {limits: {max_fuel: 100000}}}")
    assert host.plugins["other"].fuel_consumed > 0
    assert host.plugins["guest"].fuel_consumed is None


def test_a_call_with_fuel_is_bounded_and_from_then_on_the_plugin_counts(opened, guest):
    host = opened(guest(execute=ENDLESS), limits=PluginLimits(seconds=0.2))
    with pytest.raises(TimeLimitError):
        host.call("guest.run")
    assert host.plugins["guest"].fuel_consumed is None
    with pytest.raises(FuelLimitError, match="the limit of 5000 units is reached; it was given with the call"):
        host.call("guest.run", fuel=5000)
    with pytest.raises(TimeLimitError):
        host.call("guest.run")
    assert host.plugins["guest"].fuel_consumed > 5000


def test_instances_that_count_take_over_as_if_the_others_were_replaced(opened, guest):
    """State lives in an instance: two kinds side by side would have two states."""
    cleanup = "(call $log (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 4))"
    host = opened(
        guest(response=NUMBERED, execute=COUNTING, imports=LOG, cleanup=cleanup), limits=PluginLimits(instances=1)
    )
    seen = [host.call("guest.run", **more)["n"] for more in ({}, {}, {"fuel": 100_000}, {}, {"fuel": 90_000}, {})]
    assert seen == ["1", "2", "1", "2", "3", "4"]
    assert host.plugins["guest"].instances == 1
    assert host.stats().plugins[0].instances_recycled == 1
    assert host.stats().plugins[0].instances_made == 2


def test_the_first_call_with_fuel_does_not_pay_for_compiling(opened, guest, monkeypatch):
    real = EngineVariants.counting

    def slow(self):
        sleep(0.5)
        return real(self)

    host = opened(guest())
    monkeypatch.setattr(EngineVariants, "counting", slow)
    assert host.call("guest.run", fuel=100_000, timeout=0.4) == {"answer": 42}


def test_a_variant_that_cannot_be_loaded_leaves_the_other_in_use(opened, bench, guest):
    host = opened(guest())
    binary = bench.folder / "guest" / "guest.wasm"
    binary.write_bytes(b"\0asm")
    for _ in range(2):
        with pytest.raises(Exception, match="plugin guest has changed since its slots were read"):
            host.call("guest.run", fuel=1_000)
    assert host.call("guest.run") == {"answer": 42}


def test_calls_by_several_threads_while_the_variants_change(opened, guest):
    host = opened(guest(), limits=PluginLimits(instances=3))
    answers, failures = [], []
    start = threading.Barrier(6)

    def work(number):
        start.wait()
        for turn in range(30):
            try:
                more = {"fuel": 100_000} if number == 0 and turn >= 10 else {}
                answers.append(host.call("guest.run", **more)["answer"])
            except Exception as error:  # noqa: BLE001 - whatever a call raises is what this test looks for
                failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert answers == [42] * 180
    host.close()
    assert host.plugins["guest"].instances == 0


def test_a_call_with_fuel_from_inside_a_call_is_refused_as_any_other(bench, guest, opened):
    caught = []

    def sink(record):
        if record.message == "gate":
            with pytest.raises(BusyError, match="from inside its own call") as raised:
                host.call("guest.run", fuel=1_000)
            caught.append(raised.value)

    gate = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 65536)"
    host = opened(guest(imports=LOG, text="gate", execute=gate), log=sink)
    host.call("guest.run")
    assert len(caught) == 1


def test_an_engine_without_fuel_refuses_a_limit_on_it(opened, guest):
    engine = registry.engine("wasmtime", EngineOptions(fuel=False))
    host = opened(guest(), backend=engine)
    with pytest.raises(UnsupportedLimitError, match=r"max_fuel is 10 \(call\), which the engine wasmtime cannot keep"):
        host.call("guest.run", fuel=10)
    assert host.call("guest.run") == {"answer": 42}
    with pytest.raises(UnsupportedLimitError, match=r"make it with EngineOptions\(fuel=True\), or drop the limit"):
        opened(backend=engine, limits=PluginLimits(fuel=10))


# --- interrupts


def test_without_interrupts_there_is_no_time_limit_by_default(opened, guest):
    host = opened(guest(), config="interruptible: false")
    assert Capability.INTERRUPTS not in host.manager.engine.capabilities
    assert host.call("guest.run") == {"answer": 42}
    with pytest.raises(FuelLimitError):
        opened(guest(execute=ENDLESS), config="{interruptible: false, limits: {max_fuel: 5000}}").call("guest.run")


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("wasm:\n  interruptible: false\n  limits: {max_execution_time: 3s}\n", 3, "wasm.limits.max_execution_time"),
        ("wasm:\n  interruptible: false\n  limits:\n    max_cpu: 0.5\n", 4, "wasm.limits.max_cpu"),
        (
            "wasm:\n  plugins: {x: {limits: {max_execution_time: 3s}}}\n  interruptible: false\n",
            2,
            "wasm.plugins.x.limits.max_execution_time",
        ),
    ],
)
def test_settings_with_a_time_limit_beside_it_are_refused(text, line, field):
    with pytest.raises(SettingsError, match="interruptible is false, so that no call can end by its time") as caught:
        parse_settings(text, Path(CONFIG_FILE))
    assert (caught.value.line, caught.value.field) == (line, field)


def test_a_time_limit_of_a_manifest_is_refused(opened, guest, bench):
    host = opened(guest(), config="interruptible: false", more="limits: {max_execution_time: 2s}\n")
    (problem,) = host.problems
    assert isinstance(problem.error, UnsupportedLimitError)
    assert "max_execution_time is 2s (manifest)" in str(problem.error)
    with pytest.raises(NotLoadedError):
        host.call("guest.run")


def test_a_time_limit_of_a_call_is_refused_before_anything_runs(opened, guest):
    host = opened(guest(response=NUMBERED, execute=COUNTING), config="interruptible: false")
    with pytest.raises(UnsupportedLimitError, match=r"max_execution_time is 5s \(call\).*drop `interruptible: false`"):
        host.call("guest.run", timeout=5)
    assert host.call("guest.run")["n"] == "1"


@pytest.mark.parametrize(
    "limits",
    [
        PluginLimits(seconds=3),
        PluginLimits().overridden(LimitSettings(max_execution_time=10), LimitSource.COMMAND),
        PluginLimits(seconds=None, cpu=0.5),
    ],
)
def test_a_time_limit_of_the_host_is_refused_when_it_is_opened(opened, guest, limits):
    with pytest.raises(UnsupportedLimitError, match="made without interrupts"):
        opened(guest(), config="interruptible: false", limits=limits)


# --- the same answers


@pytest.mark.parametrize("interruptible", [True, False])
@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("count_fuel", [True, False])
def test_a_plugin_answers_the_same_in_every_combination(opened, guest, interruptible, deterministic, count_fuel):
    combination = {"interruptible": interruptible, "deterministic": deterministic, "count_fuel": count_fuel}
    host = opened(guest(response=NUMBERED, execute=COUNTING), config=yaml.safe_dump(combination))
    assert [host.call("guest.run")["n"] for _ in range(3)] == ["1", "2", "3"]
    reference = opened(
        guest(execute="(if (i32.eqz (global.get $count)) (then unreachable)) i32.const 0"), backend="reference"
    )
    host = opened(config=yaml.safe_dump(combination))
    for _ in range(2):
        errors = []
        for it in (host, reference):
            with pytest.raises(Exception, match="unreachable") as caught:
                it.call("guest.run")
            errors.append((type(caught.value), str(caught.value)))
        assert errors[0] == errors[1]
