"""Lending workers: how many, to whom, for how long, and that each is cleaned up once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import pairwise
from math import inf
from time import monotonic

import pytest
from attrs import define, field
from support.pools import lent

from zenowasm.plugin.errors import BusyError, LoadError, PluginError, PoolTimeoutError, RetiredError, TimeLimitError
from zenowasm.plugin.guest.abi import Metadata, Response
from zenowasm.plugin.lifecycle.pool import SHORT, InstancePool, PoolSize
from zenowasm.plugin.worker import SlotRequest, Worker


@define(eq=False)
class Answering:
    """A worker that counts."""

    number: int
    usable: bool = True
    metadata: Metadata = field(factory=Metadata)
    slots: tuple[()] = ()
    fuel_consumed: int = 0
    cleanups: int = 0
    fails: bool = False

    def execute(self, request: SlotRequest) -> Response:
        self.fuel_consumed += 10
        return Response(True, {"number": self.number})

    def cleanup(self) -> None:
        if self.usable:
            self.usable = False
            self.cleanups += 1
            if self.fails:
                raise LoadError(f"worker {self.number} fails")


@define
class Made:
    """Makes workers, and knows them all."""

    workers: list[Answering] = field(factory=list)
    lock: threading.Lock = field(factory=threading.Lock)

    def __call__(self) -> Worker:
        with self.lock:
            worker = Answering(len(self.workers))
            self.workers.append(worker)
            return worker


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def reported() -> list[PluginError]:
    return []


@pytest.fixture
def pool_of(made, reported):
    def make(*, first=None, maker=made, in_turns_below=0.0, **size):
        return InstancePool("p", maker, PoolSize(**size), reported.append, first, in_turns_below=in_turns_below)

    return make


def used(pool, count=1):
    """The workers that one call after the other gets."""
    found = []
    for _ in range(count):
        with lent(pool) as lease:
            found.append(lease.worker.number)
    return found


def in_thread(work):
    """Do the work on a thread and return what it returns or raises."""
    outcome = []

    def run():
        try:
            outcome.append(work())
        except PluginError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return outcome[0]


def hold(pool, stack):
    """Have a thread take a worker and keep it until the stack is left."""
    taken, free = threading.Event(), threading.Event()

    def work():
        with lent(pool):
            taken.set()
            free.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    stack.callback(thread.join)
    stack.callback(free.set)
    assert taken.wait(20)
    return free


def until_one_waits(pool):
    while not pool._waiters:
        threading.Event().wait(0.001)


def test_workers_are_made_on_demand_and_the_last_one_back_is_lent_first(pool_of, made):
    pool = pool_of(instances=3, first=Answering(99))
    assert used(pool, 3) == [99, 99, 99]
    assert made.workers == []
    with ExitStack() as stack:
        first = hold(pool, stack)
        second = hold(pool, stack)
        assert pool.count == 2
        second.set()
        while not pool._idle:
            threading.Event().wait(0.001)
        first_back = in_thread(lambda: used(pool))
        assert first_back == [0]
        first.set()
    assert [worker.number for worker in made.workers] == [0]


def test_no_more_than_the_limit_at_once_and_the_wait_ends_at_the_deadline(pool_of):
    pool = pool_of(instances=2)
    with ExitStack() as stack:
        hold(pool, stack)
        hold(pool, stack)
        message = r"the limit of 2 instances is reached; .* set max_instances"
        with pytest.raises(PoolTimeoutError, match=message) as error, lent(pool, monotonic() + 0.05):
            pass
        assert isinstance(error.value, TimeLimitError)
        assert pool.count == 2
    assert len(used(pool)) == 1


def test_a_waiting_call_gets_what_comes_back(pool_of):
    pool = pool_of(instances=1)
    with ExitStack() as stack:
        free = hold(pool, stack)
        waiting = threading.Thread(target=lambda: used(pool, 5))
        waiting.start()
        until_one_waits(pool)
        free.set()
        waiting.join(20)
        assert not waiting.is_alive()
    assert used(pool) == [0]


def test_an_unusable_worker_makes_room_for_a_fresh_one_and_is_not_cleaned_up(pool_of, made):
    pool = pool_of(instances=1)
    with lent(pool) as lease:
        lease.worker.usable = False
    assert used(pool) == [1]
    assert made.workers[0].cleanups == 0


def test_after_its_number_of_calls_a_worker_is_cleaned_up_and_replaced(pool_of, made):
    pool = pool_of(calls=2)
    assert used(pool, 5) == [0, 0, 1, 1, 2]
    assert [worker.cleanups for worker in made.workers] == [1, 1, 0]
    pool.close()
    assert [worker.cleanups for worker in made.workers] == [1, 1, 1]


def test_with_no_idle_workers_every_call_has_its_own(pool_of, made):
    assert used(pool_of(idle=0), 3) == [0, 1, 2]
    assert [worker.cleanups for worker in made.workers] == [1, 1, 1]


def test_what_comes_back_after_the_end_is_cleaned_up_then(pool_of, made):
    pool = pool_of()
    with lent(pool) as lease:
        pool.close()
        assert lease.worker.cleanups == 0
    pool.close()
    assert made.workers[0].cleanups == 1
    with pytest.raises(RetiredError, match="plugin p is closed"), lent(pool):
        pass


def test_those_who_wait_are_served_in_their_order(pool_of):
    pool = pool_of(instances=1)
    served = []
    with ExitStack() as stack:
        free = hold(pool, stack)
        threads = []
        for number in range(5):
            thread = threading.Thread(target=lambda number=number: (used(pool), served.append(number)))
            threads.append(thread)
            thread.start()
            while len(pool._waiters) <= number:
                threading.Event().wait(0.001)
        free.set()
        for thread in threads:
            thread.join(20)
    assert served == [0, 1, 2, 3, 4]


def test_a_thread_that_calls_again_and_again_leaves_something_to_others(pool_of):
    pool = pool_of(instances=1)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            used(pool)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with lent(pool, monotonic() + 5):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def test_the_end_wakes_those_who_wait(pool_of):
    pool = pool_of(instances=1)
    with ExitStack() as stack:
        hold(pool, stack)
        outcome = []
        waiting = threading.Thread(target=lambda: outcome.append(in_thread(lambda: used(pool))))
        waiting.start()
        until_one_waits(pool)
        pool.close()
        waiting.join(20)
        assert [type(error) for error in outcome] == [RetiredError]


def test_a_thread_does_not_wait_for_itself(pool_of):
    pool = pool_of(instances=2)
    with lent(pool):
        with pytest.raises(BusyError, match="plugin p is called from inside its own call"), lent(pool):
            pass
        assert in_thread(lambda: used(pool)) == [1]
    assert len(used(pool)) == 1


def test_a_worker_that_cannot_be_made_takes_no_room(pool_of, made):
    failing = [True]

    def maker():
        if failing[0]:
            raise LoadError("no")
        return made()

    pool = pool_of(instances=1, maker=maker)
    for _ in range(3):
        with pytest.raises(LoadError, match="no"), lent(pool):
            pass
    assert pool.failing
    failing[0] = False
    assert used(pool) == [0]
    assert not pool.failing


def test_making_one_holds_up_nobody_else(pool_of, made):
    making, go_on = threading.Event(), threading.Event()

    def slow():
        making.set()
        assert go_on.wait(20)
        return made()

    pool = pool_of(instances=2, maker=slow, first=Answering(7))
    with lent(pool):
        thread = threading.Thread(target=lambda: used(pool))
        thread.start()
        assert making.wait(20)
    assert used(pool) == [7]
    go_on.set()
    thread.join(20)


def test_what_fails_in_cleanup_is_reported_once_and_the_others_are_cleaned_up(pool_of, made, reported):
    pool = pool_of(instances=3)
    with ExitStack() as stack:
        for _ in range(3):
            hold(pool, stack)
    made.workers[1].fails = True
    pool.close()
    pool.close()
    assert [str(error) for error in reported] == ["worker 1 fails"]
    assert [worker.cleanups for worker in made.workers] == [1, 1, 1]


def test_fuel_is_that_of_all_workers_those_included_that_are_gone(pool_of):
    pool = pool_of(calls=1)
    for _ in range(3):
        with lent(pool) as lease:
            lease.worker.execute(SlotRequest("s"))
    with lent(pool) as lease:
        lease.worker.execute(SlotRequest("s"))
        assert pool.fuel_consumed == 40


def test_many_threads_never_share_a_worker(pool_of, made):
    pool = pool_of(instances=3, calls=7)
    busy: set[int] = set()
    wrong = []
    start = threading.Barrier(8)

    def work():
        start.wait(20)
        for _ in range(200):
            with lent(pool) as lease:
                number = lease.worker.number
                if number in busy:
                    wrong.append(number)
                busy.add(number)
                busy.discard(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    pool.close()
    assert wrong == []
    assert pool.count == 0
    assert [worker.cleanups for worker in made.workers] == [1] * len(made.workers)
    assert len(made.workers) >= 1600 // 7


@pytest.mark.parametrize("pause", [0, 2 * SHORT])
def test_calls_in_turns_use_one_worker_and_nobody_starves(pool_of, made, pause, monkeypatch):
    """Short calls are made in turns of many, longer ones in turns of one."""
    # Long enough that no thread that is kept from running holds a worker for a whole turn.
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.HELD", 1.0)
    pool = pool_of(instances=8, in_turns_below=inf)
    count = 3000 if pause == 0 else 100
    order: list[int] = []
    start = threading.Barrier(4)

    def work(number):
        start.wait(20)
        for _ in range(count):
            with lent(pool):
                order.append(number)
                if pause:
                    threading.Event().wait(pause)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(order) == 4 * count
    assert len(made.workers) == 1
    changes = sum(before != after for before, after in pairwise(order))
    if pause:
        assert changes > count  # once the pool knows what a call takes, each is followed by another thread's
    else:
        assert changes < count


class SlowToHand(list):
    """Idle workers; the first one taken is on its way to its call until ``go`` is set."""

    def __init__(self, members):
        super().__init__(members)
        self.taken, self.go = threading.Event(), threading.Event()

    def pop(self):
        member = super().pop()
        if not self.taken.is_set():
            self.taken.set()
            assert self.go.wait(20)
        return member


def test_no_second_worker_is_made_while_one_is_on_its_way_to_a_call(pool_of, made, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.HELD", 60.0)
    pool = pool_of(instances=2, in_turns_below=inf)
    used(pool)
    pool._idle = idle = SlowToHand(pool._idle)
    first = threading.Thread(target=used, args=(pool,))

    second = threading.Thread(target=used, args=(pool,))
    first.start()
    assert idle.taken.wait(20)
    second.start()
    second.join(0.2)
    made_meanwhile = len(made.workers)
    idle.go.set()
    first.join(20)
    second.join(20)
    assert not second.is_alive()
    assert made_meanwhile == len(made.workers) == 1


def test_a_worker_that_does_not_come_back_holds_nobody_up(pool_of, made):
    pool = pool_of(instances=2, in_turns_below=inf)
    with ExitStack() as stack:
        hold(pool, stack)
        assert in_thread(lambda: used(pool, 3)) == [1, 1, 1]
    assert len(made.workers) == 2


def test_calls_that_take_longer_are_made_at_the_same_time(pool_of, made, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.HELD", 60.0)
    pool = pool_of(instances=2, in_turns_below=SHORT)
    for _ in range(100):
        with lent(pool):
            threading.Event().wait(2 * SHORT)
    with ExitStack() as stack:
        hold(pool, stack)
        assert in_thread(lambda: used(pool)) == [1]


def test_threads_that_call_once_in_a_while_hand_the_worker_on_at_once(pool_of, made, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.HELD", 60.0)
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.TURN", 60.0)
    pool = pool_of(instances=8, in_turns_below=inf)
    start = threading.Barrier(8)

    def work():
        for _ in range(3):
            start.wait(20)  # longer than AT_ONCE
            used(pool)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert len(made.workers) == 1


def test_a_thread_that_stops_in_its_turn_holds_nobody_up(pool_of, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.HELD", 60.0)
    monkeypatch.setattr("zenowasm.plugin.lifecycle.pool.TURN", 0.05)
    pool = pool_of(instances=1, in_turns_below=inf)
    threads = [threading.Thread(target=lambda: [used(pool) for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_when_the_first_gives_up_the_next_one_looks_after_its_turn(pool_of, made):
    """The first one alone wakes up by itself: where it leaves, another has to."""
    pool = pool_of(instances=1, in_turns_below=inf)
    with ExitStack() as stack:
        free = hold(pool, stack)
        failed: list[object] = []

        def impatient():
            try:
                pool.lend(monotonic() + 0.3)
            except PoolTimeoutError as error:
                failed.append(error)

        first = threading.Thread(target=impatient)
        first.start()
        until_one_waits(pool)
        second = threading.Thread(target=lambda: used(pool))
        second.start()
        first.join(20)
        free.set()
        second.join(20)
        assert not second.is_alive()
    assert len(failed) == 1
