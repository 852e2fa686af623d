"""CPU time as a part of the budget, on every engine: what waits costs none, what computes is stopped."""

from __future__ import annotations

import time
from threading import Event, Timer

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Store
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.types import FuncType

TEXT = """(module (import "env" "wait" (func $wait))
  (func (export "waits") (call $wait))
  (func (export "waits and computes") (call $wait) (loop $l (br $l)))
  (func (export "computes") (loop $l (br $l)))
  (func (export "counts") (result i32) (local $i i32) (local.set $i (i32.const 1000))
    (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (local.get $i)))"""


def wait() -> None:
    """Wait without computing, for much longer than the CPU time that the tests allow."""
    over = Event()
    Timer(0.3, over.set).start()
    over.wait()


@pytest.fixture(params=registry.names())
def functions(request: pytest.FixtureRequest):
    engine = registry.engine(str(request.param))
    store = engine.new_store()
    body = store.host_function(FuncType((), ()), lambda caller, arguments: (wait(), ())[1])
    made = store.instantiate(engine.compile(wat(TEXT)), {("env", "wait"): body})
    return store, made.exports


def stopped(store: Store, function, budget: Budget) -> TrapCode:
    store.set_budget(budget)
    with pytest.raises(Trap) as caught:
        function.call()
    return caught.value.code


def test_what_computes_is_stopped(functions):
    store, exports = functions
    before = time.thread_time()
    assert stopped(store, exports["computes"], Budget(cpu_seconds=0.1)) is TrapCode.INTERRUPTED
    assert time.thread_time() - before >= 0.1


def test_what_waits_is_not(functions):
    store, exports = functions
    store.set_budget(Budget(seconds=30.0, cpu_seconds=0.1))
    assert exports["waits"].call() == ()


def test_after_waiting_there_is_as_much_as_before(functions):
    store, exports = functions
    before = time.thread_time()
    budget = Budget(seconds=30.0, cpu_seconds=0.1)
    assert stopped(store, exports["waits and computes"], budget) is TrapCode.INTERRUPTED
    assert time.thread_time() - before >= 0.1


def test_the_wall_clock_holds_beside_it(functions):
    store, exports = functions
    before = time.monotonic()
    budget = Budget(seconds=0.1, cpu_seconds=30.0)
    assert stopped(store, exports["computes"], budget) is TrapCode.INTERRUPTED
    assert time.monotonic() - before >= 0.1


def test_the_next_call_has_all_of_it(functions):
    store, exports = functions
    assert stopped(store, exports["computes"], Budget(cpu_seconds=0.05)) is TrapCode.INTERRUPTED
    assert exports["counts"].call() == (0,)
    store.set_budget(Budget(seconds=0.05))
    assert stopped(store, exports["computes"], Budget(seconds=0.05)) is TrapCode.INTERRUPTED
    store.set_budget(Budget())
    assert exports["counts"].call() == (0,)
