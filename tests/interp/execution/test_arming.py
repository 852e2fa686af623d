"""Armed code: hooks before instructions, at a function's entry, and the checkpoints of an observed store."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from support.wasm import wat

from zenowasm.backends.protocol import Budget
from zenowasm.backends.reference import ReferenceEngine, ReferenceStore
from zenowasm.interp.errors import Trap
from zenowasm.interp.events import Paused, Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.arming import arm

_SUM = """(module (func (export "sum") (param $n i32) (result i32) (local $sum i32)
  (loop $more
    (local.set $sum (i32.add (local.get $sum) (local.get $n)))
    (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $sum)))"""
_LOOP, _SET, _FIRST_GET = 0, 4, 1


class _Hooks(Probe):
    every = False

    def __init__(self) -> None:
        self.at: Counter[int] = Counter()
        self.entries = 0

    def code(self, function, code):
        return arm(code, (), {}, dict.fromkeys((_FIRST_GET, _SET), self._count), entry_hook=self._enter)

    def _count(self, frame: Frame) -> None:
        self.at[frame.pc - 1] += 1

    def _enter(self, frame: Frame) -> None:
        assert frame.pc == 1
        self.entries += 1


def _sum_of(probe: Probe, budget: Budget | None = None) -> tuple[ReferenceStore, object]:
    engine = ReferenceEngine()
    store = engine.new_store()
    assert isinstance(store, ReferenceStore)
    store.probe = probe
    if budget is not None:
        store.set_budget(budget)
    return store, store.instantiate(engine.compile(wat(_SUM)), {}).exports["sum"]


def test_hooks_run_before_their_instruction_each_time_and_change_nothing() -> None:
    probe = _Hooks()
    store, sum_ = _sum_of(probe)
    plain, plain_sum = _sum_of(Probe())
    assert sum_.call(10) == plain_sum.call(10) == (55,)
    assert probe.at == {_FIRST_GET: 10, _SET: 10}
    assert store.fuel_consumed == plain.fuel_consumed


def test_a_hook_at_the_entry_runs_once_a_call_though_a_loop_begins_there() -> None:
    probe = _Hooks()
    _, sum_ = _sum_of(probe)
    sum_.call(5)
    sum_.call(3)
    assert probe.entries == 2


class _PauseAt(Probe):
    """Pauses at every checkpoint."""

    every = False

    def __init__(self) -> None:
        self.pauses: list[int] = []

    def at_checkpoint(self, consumed: int) -> int | None:
        raise Paused

    def before_instruction(self, execution: Configuration) -> None:
        self.pauses.append(execution.fuel_consumed)


@pytest.mark.parametrize("fuel", [20, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60])
def test_a_pause_at_a_checkpoint_does_not_move_the_end_of_the_fuel(fuel: int) -> None:
    ends = []
    for probe in (None, _PauseAt()):
        store, sum_ = _sum_of(probe, Budget(fuel=fuel))
        with pytest.raises(Trap) as caught:
            sum_.call(100)
        ends.append((caught.value.code, caught.value.function, caught.value.offset, store.fuel_consumed))
    assert ends[0] == ends[1]


class _Wanting(Probe):
    """Asks to run every 100 units of fuel."""

    every = False

    def __init__(self) -> None:
        self.seen: list[int] = []

    def at_checkpoint(self, consumed: int) -> int | None:
        self.seen.append(consumed)
        return consumed + 100


def test_a_probe_chooses_when_it_runs_again() -> None:
    probe = _Wanting()
    _, sum_ = _sum_of(probe)
    sum_.call(1000)  # 9 units a round
    running = [it for it in probe.seen if it > 1]  # before, the entry and the compilation ask
    gaps = [after - before for before, after in pairwise(running)]
    assert len(gaps) > 70
    assert all(100 <= gap < 109 for gap in gaps)


class _HookAtConstant(Probe):
    every = False

    def code(self, function, code):
        return arm(code, (), {}, {0: lambda frame: None})


@pytest.mark.parametrize("pages", [1, 0])
def test_bulk_operations_cost_the_same_where_their_length_has_a_hook(pages: int) -> None:
    """A constant length is charged differently; the hook must not hide it."""
    fuel = []
    for probe in (_HookAtConstant(), None):
        engine = ReferenceEngine()
        store = engine.new_store()
        assert isinstance(store, ReferenceStore)
        store.probe = probe
        text = f'(module (memory 1 1) (func (export "grow") (result i32) i32.const {pages} memory.grow))'
        store.instantiate(engine.compile(wat(text)), {}).exports["grow"].call()
        fuel.append(store.fuel_consumed)
    assert fuel[0] == fuel[1]


class _Entries(Probe):
    every = False

    def __init__(self) -> None:
        self.entries: Counter[int] = Counter()

    def code(self, function, code):
        return arm(code, (), {}, entry_hook=lambda frame: self.entries.update((function.index,)))


def test_an_entry_is_hooked_in_outermost_and_in_inner_calls() -> None:
    probe = _Entries()
    engine = ReferenceEngine()
    store = engine.new_store()
    assert isinstance(store, ReferenceStore)
    store.probe = probe
    text = """(module (func $one (result i32) i32.const 1)
      (func (export "two") (result i32) (i32.add (call $one) (call $one)))
      (func (export "spin") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    exports = store.instantiate(engine.compile(wat(text)), {}).exports
    exports["two"].call()
    exports["two"].call()
    exports["spin"].call(1)
    exports["spin"].call(5)
    assert probe.entries == {0: 4, 1: 2, 2: 2}
