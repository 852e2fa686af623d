"""The backend ``wasmtime``: fuel, deadlines and the thread that keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any, cast

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Caller, Func, HostBody, Store
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.types import FuncType

wat2wasm = pytest.importorskip("wasmtime").wat2wasm

ENGINE = registry.engine("wasmtime")
MODULE = ENGINE.compile(
    bytes(
        wat2wasm(
            """(module (import "h" "host" (func $host)) (func $forever (export "forever") (loop (br 0)))
                 (func (export "nothing")) (func (export "host") call $host)
                 (func (export "two") (drop (i32.const 1)) (drop (i32.const 1)))
                 (func (export "host_then_two") call $host (drop (i32.const 1)) (drop (i32.const 1)))
                 (func (export "host_then_forever") call $host call $forever)
                 (func (export "count") (param i32) (loop (br_if 0
                   (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
        )
    )
)


def prepare(body: HostBody = lambda *_: ()) -> tuple[Store, Callable[[str], Func]]:
    store = ENGINE.new_store()
    instance = store.instantiate(MODULE, {("h", "host"): store.host_function(FuncType(), body)})

    def function(name: str) -> Func:
        return cast(Func, instance.exports[name])

    return store, function


def code_of(function: Func, *arguments: Any) -> TrapCode:
    with pytest.raises(Trap) as caught:
        function.call(*arguments)
    return caught.value.code


# --- fuel


def test_fuel_is_counted_without_a_budget() -> None:
    store, function = prepare()
    assert store.fuel_consumed == 0
    function("nothing").call()
    assert store.fuel_consumed == 1
    function("two").call()
    assert store.fuel_consumed == 4
    function("count").call(10)
    assert store.fuel_consumed == 4 + 1 + 10 * 5


def test_every_outermost_call_gets_the_whole_budget() -> None:
    store, function = prepare()
    store.set_budget(Budget(fuel=500))
    for _ in range(5):
        function("count").call(99)
    assert store.fuel_consumed == 5 * 496
    assert code_of(function("count"), 101) is TrapCode.OUT_OF_FUEL
    assert store.fuel_consumed == 5 * 496 + 500
    function("count").call(99)
    store.set_budget(Budget())
    function("count").call(100_000)


def test_fuel_ends_an_endless_loop() -> None:
    store, function = prepare()
    store.set_budget(Budget(fuel=1_000_000))
    assert code_of(function("forever")) is TrapCode.OUT_OF_FUEL


def test_no_fuel_at_all() -> None:
    store, function = prepare()
    store.set_budget(Budget(fuel=0))
    assert code_of(function("nothing")) is TrapCode.OUT_OF_FUEL


def test_calls_from_the_host_share_the_budget() -> None:
    seen: list[int] = []

    def again(caller: Caller, _: tuple[Any, ...]) -> Sequence[Any]:
        seen.append(store.fuel_consumed)
        count = cast(Func, caller.export("count"))
        count.call(100)
        seen.append(store.fuel_consumed)
        return ()

    store, function = prepare(again)
    store.set_budget(Budget(fuel=600))
    function("host_then_two").call()
    assert seen == [2, 503]
    assert store.fuel_consumed == 505
    store.set_budget(Budget(fuel=400))
    assert code_of(function("host_then_two")) is TrapCode.OUT_OF_FUEL


def test_fuel_stays_spent_when_the_host_catches() -> None:
    def swallow(caller: Caller, _: tuple[Any, ...]) -> Sequence[Any]:
        forever = cast(Func, caller.export("forever"))
        assert code_of(forever) is TrapCode.OUT_OF_FUEL
        return ()

    store, function = prepare(swallow)
    store.set_budget(Budget(fuel=1000))
    assert code_of(function("host_then_forever")) is TrapCode.OUT_OF_FUEL


def test_a_start_function_has_a_budget() -> None:
    store = ENGINE.new_store()
    store.set_budget(Budget(fuel=1000))
    module = ENGINE.compile(bytes(wat2wasm("(module (func $f (loop (br 0))) (start $f))")))
    with pytest.raises(Trap) as caught:
        store.instantiate(module, {})
    assert caught.value.code is TrapCode.OUT_OF_FUEL


# --- deadlines


def test_a_deadline_stops_a_busy_loop_in_time() -> None:
    store, function = prepare()
    store.set_budget(Budget(seconds=0.1))
    started = time.monotonic()
    with pytest.raises(Trap) as caught:
        function("forever").call()
    elapsed = time.monotonic() - started
    assert caught.value.code is TrapCode.INTERRUPTED
    assert caught.value.backtrace == ("forever",)
    assert 0.1 <= elapsed < 0.6


def test_each_call_has_its_own_deadline() -> None:
    store, function = prepare()
    store.set_budget(Budget(seconds=0.05))
    ends = time.monotonic() + 0.15
    while time.monotonic() < ends:
        function("nothing").call()
    assert code_of(function("forever")) is TrapCode.INTERRUPTED
    function("nothing").call()
    store.set_budget(Budget())
    started = time.monotonic()
    function("count").call(200_000_000)
    assert time.monotonic() - started > 0.05


def test_a_deadline_of_no_time() -> None:
    store, function = prepare()
    store.set_budget(Budget(seconds=0))
    assert code_of(function("nothing")) is TrapCode.INTERRUPTED


def test_a_start_function_has_a_deadline() -> None:
    store = ENGINE.new_store()
    store.set_budget(Budget(seconds=0.05))
    module = ENGINE.compile(bytes(wat2wasm("(module (func $f (loop (br 0))) (start $f))")))
    with pytest.raises(Trap) as caught:
        store.instantiate(module, {})
    assert caught.value.code is TrapCode.INTERRUPTED


def test_a_deadline_does_not_disturb_other_stores() -> None:
    ends: dict[float, tuple[TrapCode, float]] = {}

    def run(seconds: float) -> None:
        store, function = prepare()
        store.set_budget(Budget(seconds=seconds))
        started = time.monotonic()
        ends[seconds] = code_of(function("forever")), time.monotonic() - started

    without, count = prepare()
    finished: list[str] = []
    threads = [Thread(target=run, args=(seconds,)) for seconds in (0.1, 0.5)]
    threads.append(Thread(target=lambda: finished.append(str(count("count").call(300_000_000)))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert finished == ["()"]
    assert without.fuel_consumed == 1 + 5 * 300_000_000
    for seconds, (code, elapsed) in ends.items():
        assert code is TrapCode.INTERRUPTED
        assert seconds <= elapsed < seconds + 0.5
    assert len(ends) == 2


def test_a_host_function_that_overstays_is_interrupted_on_return() -> None:
    returned: list[bool] = []

    def stay(*_: object) -> tuple[()]:
        time.sleep(0.05)
        returned.append(True)
        return ()

    store, function = prepare(stay)
    store.set_budget(Budget(seconds=0.01))
    with pytest.raises(Trap) as caught:
        function("host").call()
    assert caught.value.code is TrapCode.INTERRUPTED
    assert returned == [True]
    assert caught.value.function == 3


def test_the_time_of_host_functions_counts_in_inner_calls() -> None:
    def inner(caller: Caller, _: tuple[Any, ...]) -> Sequence[Any]:
        forever = cast(Func, caller.export("forever"))
        return forever.call()

    store, function = prepare(inner)
    store.set_budget(Budget(seconds=0.05))
    assert code_of(function("host")) is TrapCode.INTERRUPTED


def epoch_threads() -> int:
    return sum(thread.name == "zenowasm-epochs" for thread in threading.enumerate())


def test_no_thread_stays_behind() -> None:
    store, function = prepare()
    function("nothing").call()
    store.set_budget(Budget(seconds=5))
    for _ in range(100):
        function("nothing").call()
    assert epoch_threads() <= 1

    def fail(*_: object) -> tuple[()]:
        raise ZeroDivisionError

    failing, function_of_failing = prepare(fail)
    failing.set_budget(Budget(seconds=5))
    with pytest.raises(ZeroDivisionError):
        function_of_failing("host").call()
    end = time.monotonic() + 2
    while epoch_threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert epoch_threads() == 0
    store.set_budget(Budget(seconds=0.03))
    assert code_of(function("forever")) is TrapCode.INTERRUPTED


def test_calls_in_quick_succession_share_one_thread() -> None:
    started: list[str] = []
    store, function = prepare()
    begin = Thread.start

    def start(thread: Thread) -> None:
        started.append(thread.name)
        begin(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Thread, "start", start)
        store.set_budget(Budget(seconds=5))
        for _ in range(20):
            function("nothing").call()
            time.sleep(0.01)
    assert started.count("zenowasm-epochs") <= 1


def test_a_deadline_holds_after_a_host_function_that_takes_long() -> None:
    """The thread that moves the epochs has ended meanwhile."""
    store, function = prepare(lambda *_: time.sleep(1.2) or ())
    store.set_budget(Budget(seconds=1.5))
    started = time.monotonic()
    assert code_of(function("host_then_forever")) is TrapCode.INTERRUPTED
    assert 1.5 <= time.monotonic() - started < 3
