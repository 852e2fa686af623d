"""Each limit, reached in each phase, on both engines with the same words."""

from __future__ import annotations

import pytest

from zenowasm.backends.protocol import Budget
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import (
    AllocationError,
    CpuLimitError,
    FuelLimitError,
    GuestTrapError,
    HostCallLimitError,
    LoadError,
    MemoryLimitError,
    OutputLimitError,
    PluginError,
    RequestLimitError,
    StackLimitError,
    TimeLimitError,
)

MIB = 1 << 20
FOREVER = "(loop $l (br $l)) unreachable"
ENV = '(import "env" "host_env_get" (func $env (param i32 i32) (result i32)))'
SLEEP = '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))'
ASK_FOREVER = "(loop $l (drop (call $env (i32.const 4096) (i32.const 3))) (br $l)) unreachable"
# A subscription to the monotonic clock, of an hour.
AN_HOUR = """(i32.store8 (i32.const 3008) (i32.const 0)) (i32.store (i32.const 3016) (i32.const 1))
    (i64.store (i32.const 3024) (i64.const 3600000000000))
    (drop (call $poll (i32.const 3000) (i32.const 3500) (i32.const 1) (i32.const 3600)))"""
HOST = "to raise it, set wasm.limits.{} in config/plugins.yaml"
MANIFEST = "to raise it, change limits.{} in manifest.yaml"
CALL = "failed to call guest.plugin_execute: "

LIMITS = {
    "fuel": (
        "max_fuel: 10000",
        {"execute": FOREVER},
        FuelLimitError,
        CALL + "all fuel consumed (the limit of 10000 units is reached; " + MANIFEST.format("max_fuel") + ")",
    ),
    "time": (
        "max_execution_time: 200ms",
        {"execute": FOREVER},
        TimeLimitError,
        CALL + "interrupted (the limit of 0.2 s is reached; " + MANIFEST.format("max_execution_time") + ")",
    ),
    "time of WASI": (
        "max_execution_time: 200ms",
        {"imports": SLEEP, "execute": AN_HOUR + "(i32.const 65536)"},
        TimeLimitError,
        CALL + "interrupted (the limit of 0.2 s is reached; " + MANIFEST.format("max_execution_time") + ")",
    ),
    "time of an alloc that a host function calls": (
        "max_execution_time: 200ms",
        {
            "imports": ENV,
            "execute": "(global.set $count (i32.const 1)) (call $env (i32.const 4096) (i32.const 3))",
            "alloc": f"(if (global.get $count) (then {FOREVER})) (i32.const 131072)",
        },
        TimeLimitError,
        CALL + "interrupted (the limit of 0.2 s is reached; " + MANIFEST.format("max_execution_time") + ")",
    ),
    "CPU time": (
        "max_execution_time: 5s, max_cpu: 0.02",
        {"execute": FOREVER},
        CpuLimitError,
        CALL + "interrupted (the limit of 0.1 s of CPU time, 0.02 of 5 s, is reached; " + MANIFEST.format("max_cpu"),
    ),
    "host calls": (
        "max_host_calls: 100",
        {"imports": ENV, "execute": ASK_FOREVER},
        HostCallLimitError,
        CALL + "the limit of 100 calls of host functions is reached; " + MANIFEST.format("max_host_calls"),
    ),
    "call depth": (
        "max_call_depth: 5000",
        {"extra": "(func $deep (result i32) (i32.add (call $deep) (i32.const 1)))", "execute": "(call $deep)"},
        StackLimitError,
        CALL
        + "call stack exhausted (for guests with small frames the limit is about 5000 calls; "
        + MANIFEST.format("max_call_depth")
        + ")",
    ),
    "output": (
        "max_output: 1MiB",
        {"pages": "40", "execute": f"""(memory.fill (i32.const 65536) (i32.const 32) (i32.const {2 * MIB}))
            (i32.const 65536)"""},
        OutputLimitError,
        "(the text is longer than the limit of 1048576 bytes; " + HOST.format("max_output") + ")",
    ),
    "request": (
        "max_request: 10B",
        {},
        RequestLimitError,
        "is longer than the limit of 10 bytes; " + MANIFEST.format("max_request"),
    ),
    "memory that the guest wants": (
        "max_memory: 512KiB",
        {"execute": "(if (i32.eq (memory.grow (i32.const 5)) (i32.const -1)) (then unreachable)) (i32.const 65536)"},
        GuestTrapError,
        " (its memory has 262144 of at most 524288 bytes: if it ran out, " + MANIFEST.format("max_memory") + ")",
    ),
    "memory that alloc wants": (
        "max_memory: 512KiB",
        {"alloc": "(i32.const 0)"},
        AllocationError,
        "answered 0: out of memory (it has 262144 of at most 524288 bytes; " + MANIFEST.format("max_memory") + ")",
    ),
    "memory that is declared": (
        "max_memory: 128KiB",
        {},
        MemoryLimitError,
        "failed to load WASM module: it declares more memory or larger tables than permitted (131072 bytes; "
        + MANIFEST.format("max_memory")
        + ")",
    ),
}  # fmt: skip


def failure(bench, guest, changes, limits):
    with pytest.raises(PluginError) as caught:
        bench.load(guest(**changes), more=f"limits: {{{limits}}}\n").call("guest.run")
    return caught.value


@pytest.mark.parametrize("name", LIMITS)
def test_every_engine_names_the_limit_alike(benches, guest, name):
    limits, changes, kind, words = LIMITS[name]
    errors = [failure(bench, guest, changes, limits) for bench in benches]
    assert len(errors) > 1
    for error in errors:
        assert type(error) is kind
        assert words in str(error)
        assert str(error) == str(errors[0])


@pytest.mark.parametrize("body", [FOREVER, ASK_FOREVER])
@pytest.mark.parametrize("phase", ["init", "register", "alloc", "start", "initialize"])
@pytest.mark.parametrize("limits", ["max_execution_time: 100ms", "max_fuel: 50_000"])
def test_a_busy_loop_ends_in_every_phase(bench, guest, phase, body, limits):
    changes = {"imports": ENV, phase: body}
    if phase == "start":
        changes = {"imports": ENV, "extra": f"(func $s {body}) (start $s)"}
    if phase == "initialize":
        changes = {"imports": ENV, "extra": f'(func (export "_initialize") {body})'}
    if phase == "alloc":
        # Host functions answer through alloc themselves, so only the loop that asks nobody is one.
        changes = {"alloc": FOREVER}
    error = failure(bench, guest, changes, limits)
    behind = error if phase == "alloc" else error.__cause__
    assert isinstance(behind, TimeLimitError | FuelLimitError)
    assert phase == "alloc" or isinstance(error, LoadError)


@pytest.mark.parametrize("body", [FOREVER, ASK_FOREVER])
@pytest.mark.parametrize("limits", ["max_execution_time: 100ms", "max_fuel: 50_000"])
def test_a_busy_loop_ends_in_cleanup(bench, guest, body, limits):
    manager = bench.load(guest(imports=ENV, cleanup=body), more=f"limits: {{{limits}}}\n")
    manager.close()
    (line,) = [message for level, message in bench.lines if level == "error"]
    assert "Failed to cleanup plugin: failed to call guest.plugin_cleanup: " in line
    assert "is reached; to raise it, change limits.max_" in line


def test_the_stricter_of_host_manifest_and_call_wins(bench, guest):
    manager = bench.load(guest(execute=FOREVER), limits=PluginLimits(fuel=9_000), more="limits: {max_fuel: 8_000}\n")
    for fuel, words in (
        (7_000, "the limit of 7000 units is reached; it was given with the call)"),
        (9_500, "the limit of 8000 units is reached; to raise it, change limits.max_fuel in manifest.yaml)"),
    ):
        with pytest.raises(FuelLimitError) as caught:
            manager.call("guest.run", budget=Budget(fuel=fuel))
        assert str(caught.value).endswith(words)


def test_a_calls_budget_holds_for_that_call_only(bench, guest):
    manager = bench.load(guest())
    with pytest.raises(FuelLimitError):
        manager.call("guest.run", budget=Budget(fuel=1))
    assert manager.call("guest.run").success


def test_host_calls_are_counted_for_each_call(bench, guest):
    twice = "(drop (call $env (i32.const 4096) (i32.const 3)))" * 2
    manager = bench.load(guest(imports=ENV, execute=f"{twice} (i32.const 65536)"), more="limits: {max_host_calls: 2}\n")
    for _ in range(5):
        assert manager.call("guest.run").success


def test_the_same_depth_is_reached_on_every_engine(benches, guest):
    """Not a limit alike on every engine, but a depth that each of them admits by default."""
    text = guest(
        extra="""(func $deep (param i32) (result i32) (if (result i32) (local.get 0)
            (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))) (else (i32.const 0))))""",
        execute="(drop (call $deep (i32.const 5000))) (i32.const 65536)",
    )
    for bench in benches:
        assert bench.load(text).call("guest.run").success


def test_open_files_reach_the_guest_as_an_error_number(bench, guest):
    """A guest's descriptors are bounded by its limit, which the WASI part enforces."""
    bench.load(guest(), more="limits: {max_open_files: 3}\n")
    instance = next(iter(bench.managers)).plugins["guest"]._pool._idle[0].worker
    assert instance._make_wasi().limits.descriptors == 3
