from math import isfinite

import pytest

from zenowasm.backends.protocol import Capability
from zenowasm.bench import run
from zenowasm.bench.engines.table import OURS, VARIANTS
from zenowasm.bench.errors import BenchError
from zenowasm.bench.run import Effort, choose, peers

TINY = Effort(rounds=2, sample_seconds=0.001, slot_seconds=0.02, growth=True)


def measured(*only, names, effort=TINY):
    told = []
    return run.run(only, names, effort, False, told.append), told


def test_a_run_measures_growth_of_what_grows():
    results, told = measured("fib", "call_in", names=("reference", "wasmtime"))
    assert told == ["fib: calls and returns", "call_in: one call into a guest"]
    assert [it.name for it in results.comparisons] == ["fib", "call_in"]
    assert {(it.name, it.label) for it in results.curves} == {("fib", "reference"), ("fib", "wasmtime")}
    for it in results.curves:
        assert it.counted == "calls"
        assert list(it.sizes) == sorted(it.sizes)
        assert isfinite(it.exponent)
    slow = next(it for it in results.curves if it.label == "reference")
    assert slow.sizes == (67, 177, 465, 1219)  # calls of fib(8), fib(10), fib(12), fib(14)


def test_facts_name_what_was_measured():
    results, _ = measured("call_in", names=("reference", "wasmtime"))
    assert {"date", "CPU", "cores", "load at the start", "system", "Python", "versions"} == set(results.facts)
    assert "wasmtime 50." in results.facts["versions"]
    assert "pywasm" not in results.facts["versions"]


def test_a_workload_whose_module_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("zenowasm.bench.engines.quickjs.module", lambda: None)
    results, _ = measured("quickjs", names=("reference",))
    assert results.comparisons == ()
    assert results.absent == {"quickjs": "pip install qjs-wasi-reactor.wasm"}


def test_a_group_without_any_engine_is_left_out():
    results, _ = measured("fib", "slot", names=("extism",))
    assert [it.name for it in results.comparisons] == ["slot-1", "slot-4", "slot-8"]


def test_a_quick_run_is_a_part_of_a_whole_one():
    every, quick = ([it.name for it in choose((), flag)] for flag in (False, True))
    assert quick == ["fib", "hash", "call_in", "call_out", "slot"]
    assert set(quick) < set(every)
    assert [it.name for it in choose(("load", "json"), True)] == ["json", "load"]


def test_names_that_are_none():
    with pytest.raises(BenchError, match="unknown group 'x': choose from loop, "):
        choose(("x",), False)
    with pytest.raises(BenchError, match="unknown engine or host 'x': choose from reference, "):
        peers(("x",))


def test_variants_of_wasmtime_are_measured_where_they_are_named():
    everything, _, _ = peers(())
    assert not any(":" in it.label for it in everything.engines)
    chosen, _, absent = peers(["wasmtime-py", "wasmtime:none", "wasmtime:all"])
    assert [it.label for it in chosen.engines] == ["wasmtime-py", "wasmtime:none", "wasmtime:all"]
    assert not absent


def test_what_guests_pay_for_in_each_variant():
    optional = {Capability.FUEL, Capability.INTERRUPTS, Capability.DETERMINISTIC}
    found = {it.label: it._engine.capabilities & optional for it in VARIANTS}
    assert found == {
        "wasmtime:none": set(),
        "wasmtime:fuel": {Capability.FUEL},
        "wasmtime:interrupts": {Capability.INTERRUPTS},
        "wasmtime:deterministic": {Capability.DETERMINISTIC},
        "wasmtime:all": optional,
    }
    hosts = next(it for it in OURS if it.label == "wasmtime")
    assert hosts._engine.capabilities & optional == optional - {Capability.FUEL}
