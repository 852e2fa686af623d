"""Runs that are recorded on every engine and replayed on the reference engine."""

from __future__ import annotations

import math
import random
import threading

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import (
    Budget,
    CallBudget,
    ExternRef,
    FuncType,
    GlobalType,
    MemType,
    RefType,
    TableType,
    TagType,
)
from zenowasm.interp.errors import LinkError, Trap, UncaughtException
from zenowasm.interp.types import F32, F64, I32, I64, AbsHeapType, Limits
from zenowasm.recordings.errors import DivergenceError
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import Replay, replay

II = FuncType((I32,), (I32,))
ASKING = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32)
    (i32.add (call $ask (local.get 0)) (i32.load (i32.const 16))))
  (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "trap") (drop (call $ask (i32.const 1))) (unreachable)))"""


def test_the_host_takes_no_part_in_a_replay(run):
    asked = []
    exports = run.instance(ASKING, {"ask": (II, lambda _, given: asked.append(given) or (given[0] + 7,))})
    exports["memory"].write(16, b"\x05\0\0\0")
    assert exports["run"].call(30) == (42,)
    assert exports["memory"].read(16, 4) == b"\x05\0\0\0"
    done = run.replay()
    assert (asked, done.stores, done.calls, done.host_calls, done.complete) == ([(30,)], 1, 1, 1, True)
    assert str(done) == "replayed 1 call and 1 host call in 1 store"


def test_a_recording_can_be_replayed_again_and_on_other_engines(run):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (3,))})
    exports["run"].call(1)
    with run.opened() as recording:
        for name in registry.names():
            again = Replay(recording, registry.engine(name))
            assert again.run() == again.run()


def test_what_a_host_function_does_to_the_guest_is_done_again(run):
    def ask(caller, given):
        memory, twice = caller.export("memory"), caller.export("twice")
        memory.write(16, b"\x01\0\0\0")
        memory.grow(1)
        assert memory.read(16, 2) == b"\x01\0"
        return twice.call(given[0])

    exports = run.instance(ASKING, {"ask": (II, ask)})
    assert exports["run"].call(20) == (41,)
    assert exports["run"].call(21) == (43,)
    stores = []
    run.replay(lambda _, store: stores.append(store))
    (instance,) = stores[0].runtime.instances
    assert instance.memories[0].size == 3 * 65536


def test_a_trap_and_what_the_host_caught(run):
    def ask(caller, given):
        if given[0] == 5:
            with pytest.raises(Trap, match="unreachable"):
                caller.export("trap").call()
        return (9,)

    exports = run.instance(ASKING, {"ask": (II, ask)})
    assert exports["run"].call(5) == (9,)
    with pytest.raises(Trap, match="unreachable"):
        exports["trap"].call()
    assert exports["run"].call(6) == (9,)
    assert run.replay().calls == 4


class OwnError(Exception):
    pass


def test_an_exception_of_the_host_passes_through_the_guest(run):
    def ask(caller, given):
        if given[0] == 1:
            raise OwnError("no answer")
        return (0,)

    exports = run.instance(ASKING, {"ask": (II, ask)})
    for _ in range(2):
        with pytest.raises(OwnError, match="no answer"):
            exports["run"].call(1)
    assert exports["run"].call(2) == (0,)
    assert run.replay().host_calls == 3


def test_numbers_of_every_type_keep_their_bits(run):
    values = (2**31, -1, -0.0, math.nan, 2**64 - 1, -math.inf)
    type = FuncType((I32, I64, F32, F64), (F64, F32, I64, I32))
    text = """(module (import "env" "turn" (func $turn (param i32 i64 f32 f64) (result f64 f32 i64 i32)))
      (func (export "run") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
        local.get 0 local.get 1 local.get 2 local.get 3 call $turn))"""
    exports = run.instance(text, {"turn": (type, lambda _, given: given[::-1])})
    for integer in (0, 7, -5, 2**31):
        for float_ in values[2:4]:
            exports["run"].call(integer, integer * 3, float_, float_)
    assert run.replay().calls == 8


def test_arguments_that_an_engine_refuses_are_no_call(run):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (0,))})
    for wrong in ("text", 1.5, None, 2**40):
        with pytest.raises((TypeError, ValueError)):
            exports["run"].call(wrong)
    with pytest.raises(TypeError):
        exports["run"].call()
    exports["run"].call(-1)
    run.replay()


def test_results_that_an_engine_refuses_end_the_call(run):
    answers = iter([("text",), (1, 2), (-1,)])
    exports = run.instance(ASKING, {"ask": (II, lambda *_: next(answers))})
    for _ in range(2):
        with pytest.raises(TypeError):
            exports["run"].call(1)
    assert exports["run"].call(1) == (2**32 - 1,)
    run.replay()


def test_references_tables_and_globals(run):
    text = """(module
      (import "env" "keep" (func $keep (param externref) (result externref)))
      (import "env" "count" (global $count (mut i32)))
      (import "env" "table" (table $table 2 funcref))
      (func $five (export "five") (result i32) (i32.const 5))
      (elem declare func $five)
      (global (export "own") (mut i64) (i64.const -2))
      (func (export "give") (result funcref) (ref.func $five))
      (func (export "pass") (param externref) (result externref) (call $keep (local.get 0)))
      (func (export "run") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (call_indirect $table (result i32) (i32.const 1))))"""
    any_ = RefType(True, AbsHeapType.EXTERN)
    store = run.store()
    count = store.new_global(GlobalType(I32, True), 10)
    table = store.new_table(TableType(RefType(True, AbsHeapType.FUNC), Limits(2)))
    kept = []
    keep = (FuncType((any_,), (any_,)), lambda _, given: kept.append(given[0]) or given)
    exports = run.instance(text, {"keep": keep}, store=store, count=count, table=table)
    table.set(1, exports["five"])
    assert exports["run"].call() == (5,)
    table.set(1, store.host_function(FuncType((), (I32,)), lambda *_: (6,)))
    assert exports["run"].call() == (6,)
    assert (count.get(), exports["own"].get()) == (12, 2**64 - 2)
    count.set(40)
    exports["run"].call()
    (five,) = exports["give"].call()
    assert five.call() == (5,)
    assert five == exports["five"]
    assert table.grow(2, five) == 2
    assert table.get(3).call() == (5,)
    something = ExternRef("something of the host")
    assert exports["pass"].call(something) == (something,)
    assert exports["pass"].call(None) == (None,)
    assert run.replay().calls == 8


def test_exceptions_of_guests_and_hosts(run):
    text = """(module
      (import "env" "tag" (tag $tag (param i32)))
      (import "env" "throw" (func $throw))
      (func (export "catch") (result i32) (block $caught (result i32)
        (try_table (catch $tag $caught) (call $throw)) (i32.const 0)))
      (func (export "throw") (throw $tag (i32.const 4))))"""
    store = run.store()
    tag = store.new_tag(TagType(FuncType((I32,), ())))

    def throw(caller, _):
        raise UncaughtException(store.new_exception(tag, (3,)))

    exports = run.instance(text, {"throw": (FuncType((), ()), throw)}, store=store, tag=tag)
    assert exports["catch"].call() == (3,)
    with pytest.raises(UncaughtException):
        exports["throw"].call()
    run.replay()


def test_memories_with_64_bit_addresses(run):
    text = """(module (memory (export "memory") i64 1)
      (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0))))"""
    exports = run.instance(text)
    exports["memory"].write(100, b"\x07")
    assert exports["memory"].read(100, 1) == b"\x07"
    assert exports["load"].call(100) == (7,)
    run.replay()


def test_what_is_changed_through_a_view(run):
    seen = []

    def ask(caller, given):
        seen[0][16] = 3
        return given

    exports = run.instance(ASKING, {"ask": (II, ask)})
    seen.append(exports["memory"].view())
    seen[0][0:4] = b"abcd"
    seen[0][65535] = 1
    assert exports["run"].call(4) == (7,)
    seen[0][17] = 1
    assert exports["run"].call(4) == (4 + 0x103,)
    assert exports["memory"].read(0, 4) == b"abcd"
    seen.clear()
    run.replay()


def test_a_memory_of_the_host_and_large_writes(run):
    store = run.store()
    memory = store.new_memory(MemType(Limits(81, 90)))
    text = """(module (import "env" "memory" (memory 1))
      (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0))))"""
    exports = run.instance(text, store=store, memory=memory)
    data = random.Random(1).randbytes(5 << 20)
    memory.write(3, data)
    assert memory.grow(2) == 81
    assert memory.grow(100) == -1
    assert exports["at"].call(3 + len(data) - 1) == (data[-1],)
    assert memory.read(0, len(data) + 3).find(data) == 3
    run.replay()


def test_an_instance_that_cannot_be_made(run):
    with pytest.raises(LinkError):
        run.instance(ASKING)
    with pytest.raises(Trap):
        run.instance("(module (func unreachable) (start 0))")
    asked = []
    text = """(module (import "env" "ask" (func $ask (param i32) (result i32)))
      (func (drop (call $ask (i32.const 8)))) (start 1))"""
    run.instance(text, {"ask": (II, lambda _, given: asked.append(given) or (0,))})
    done = run.replay()
    assert (asked, done.stores, done.host_calls) == ([(8,)], 3, 1)


def test_a_limit_of_fuel_ends_a_replay_at_the_same_place(run):
    text = """(module (import "env" "tick" (func $tick)) (func (export "spin") (loop $l (call $tick) (br $l)))
      (func (export "one") (result i32) (i32.const 1)))"""
    store, ticks = run.store(), []
    exports = run.instance(text, {"tick": (FuncType((), ()), lambda *_: ticks.append(1) or ())}, store=store)
    store.set_budget(Budget(fuel=1_000))
    with pytest.raises(Trap, match="all fuel consumed"):
        exports["spin"].call()
    store.begin(CallBudget(500))
    with pytest.raises(Trap, match="all fuel consumed"):
        exports["spin"].call()
    store.end()
    exports["one"].call()
    assert run.replay().host_calls == len(ticks) > 100


@pytest.mark.parametrize("body", ["", "(call $tick)"])
def test_a_time_limit_ends_a_replay_where_it_ended_the_run(run, body):
    text = f"""(module (import "env" "tick" (func $tick)) (func (export "spin") (loop $l {body} (br $l)))
      (func (export "one") (result i32) (i32.const 1)))"""
    store, ticks = run.store(), []
    exports = run.instance(text, {"tick": (FuncType((), ()), lambda *_: ticks.append(1) or ())}, store=store)
    # A turn of wasmtime takes hundreds of millions of instructions, which the interpreter would execute for minutes.
    store.set_budget(Budget(seconds=0.001 if run.engine.name == "wasmtime" else 0.05))
    with pytest.raises(Trap, match="interrupted"):
        exports["spin"].call()
    assert exports["one"].call() == (1,)
    assert run.replay().host_calls == len(ticks)


def test_an_endless_recursion_ends_on_both(run):
    exports = run.instance('(module (func $f (export "f") (call $f)) (func (export "one") (result i32) (i32.const 1)))')
    with pytest.raises(Exception, match="call stack exhausted"):
        exports["f"].call()
    exports["one"].call()
    run.replay()


def test_the_calls_of_several_threads_happen_again_in_their_order(run):
    order, lock = [], threading.Lock()

    def work(number):
        def ask(_, given):
            return (given[0],)

        exports = run.instance(ASKING, {"ask": (II, ask)})
        for _ in range(20):
            with lock:
                exports["twice"].call(number)
                order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()

    with run.opened() as recording:
        done = replay(recording, registry.engine("reference"))
        calls = sorted(
            (event.order, event.arguments[0])
            for store in recording.stores
            for event in recording.events(store)
            if hasattr(event, "order")
        )
    assert (done.stores, done.calls) == (4, 80)
    assert [number for _, number in calls] == order


def test_a_changed_argument_diverges_with_both_values(run, edit, replace):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (1,))})
    exports["run"].call(30)
    run.recorder.close()
    path = edit(run.path, lambda words, _: replace(words, [30, 1 << 4 | 3, 30], [30, 1 << 4 | 3, 31]))
    with Recording(path) as recording, pytest.raises(DivergenceError) as found:
        replay(recording, registry.engine("reference"))
    assert (found.value.recorded, found.value.replayed) == ("the host call env.ask(31)", "the host call env.ask(30)")
    assert str(found.value) == (
        "the replay diverges in call 1, run(30) of the module: recorded the host call env.ask(31), "
        "replayed the host call env.ask(30)"
    )
    assert found.value.backtrace


def test_a_changed_answer_diverges_with_both_results(run, edit, replace):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (777,))})
    exports["run"].call(30)
    run.recorder.close()
    path = edit(run.path, lambda words, _: replace(words, [4, 777], [4, 778]))
    with Recording(path) as recording, pytest.raises(DivergenceError) as found:
        replay(recording, registry.engine("reference"))
    assert (found.value.recorded, found.value.replayed) == ("that run returned 777", "that run returned 778")


def test_changed_data_diverge_where_the_host_reads_them(run, edit):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (1,))})
    exports["memory"].write(100, b"data of the host")
    exports["run"].call(1)
    exports["memory"].read(96, 24)
    run.recorder.close()

    def change(words, data):
        at = data.find(b"data of")
        data[at : at + 4] = b"date"

    with Recording(edit(run.path, change)) as recording, pytest.raises(DivergenceError) as found:
        replay(recording, registry.engine("reference"))
    assert found.value.recorded.startswith("24 bytes at 0x60 with the CRC-32 0x")
    assert found.value.replayed.startswith("the CRC-32 0x")


def test_changed_fuel_diverges(run, edit, replace):
    exports = run.instance(ASKING, {"ask": (II, lambda *_: (1,))})
    exports["twice"].call(1)
    run.recorder.close()

    def change(words, _):
        at = max(index for index in range(len(words) - 2) if words[index] == 7 and words[index + 2] == 0)
        words[at + 1] += 1

    with Recording(edit(run.path, change)) as recording, pytest.raises(DivergenceError, match="units of fuel"):
        replay(recording, registry.engine("reference"))
