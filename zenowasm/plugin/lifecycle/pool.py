"""The workers of one version of a plugin: made on demand, lent to one call at a time, replaced when used up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from math import inf
from threading import get_ident
from time import monotonic

from attrs import define, field, frozen, validators

from zenowasm.plugin.errors import BusyError, PluginError, PoolTimeoutError, RetiredError
from zenowasm.plugin.worker import Worker, WorkerMaker, total_fuel

SHORT = 250e-6
"""Seconds below which to change threads after a call would cost more than a tenth of it."""
TURN = 0.02
"""Seconds for which a thread that calls again and again may do so while others wait, at least."""
CALLS_IN_A_TURN = 300
"""How many calls it may make, at least: each change of threads slows two calls down, and those must stay exceptions."""
HELD = 0.01
"""Seconds after which a worker that has not come back holds nobody up any more."""
AT_ONCE = 100e-6
"""Seconds after a call within which the next one of its thread shows that it calls again and again."""
_STEP = 1.05
"""The factor by which each call moves what a call typically takes: up when it took longer, else down.

That follows the median, so that a call which waited for the processor changes little.
"""
_GRACE = 0.002
"""Seconds after the end of a turn until the first waiting call looks by itself: each look interrupts a call."""
LONGEST_WAIT = 60.0
"""Seconds for which a call without any time limit waits: calls that wait for one another would never end."""


@frozen
class PoolSize:
    """How many workers there may be: at most ``instances`` at once, of which at most ``idle`` stay while unused.

    ``idle`` is all of them when ``None``. A worker is replaced after ``calls`` calls; ``None`` is for ever. ``remedy``
    tells people how ``instances`` is raised.
    """

    instances: int = field(default=4, validator=validators.ge(1))
    idle: int | None = field(default=None, validator=validators.optional(validators.ge(0)))
    calls: int | None = field(default=None, validator=validators.optional(validators.ge(1)))
    remedy: str = "to raise it, set max_instances"


class PooledWorker:
    """A worker of a pool, lent to one call.

    ``waited`` and ``making`` are how many seconds the call waited for it, and how long it took to make it.
    """

    __slots__ = ("calls", "lent_at", "making", "pool", "thread", "waited", "worker")

    def __init__(self, pool: InstancePool, worker: Worker) -> None:
        self.pool = pool
        self.worker = worker
        self.calls = 0
        self.waited = self.making = self.lent_at = 0.0
        self.thread = 0

    def give_back(self) -> None:
        """Give it back; it must not be used after that."""
        self.pool.take_back(self)


def _locked() -> threading.Lock:
    """Return a lock to sleep at: it costs a tenth of what a ``threading.Event`` does."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@define(eq=False)
class _Waiter:
    """A call that waits: once ``served`` it has ``member``, or may make one when that is ``None``.

    ``returns`` tells that its thread calls again and again: it was in a call just before.
    """

    thread: int
    since: float
    returns: bool
    member: PooledWorker | None = None
    served: bool = False
    asleep: threading.Lock = field(factory=_locked)

    def wake(self) -> None:
        """Have it look again; the pool's lock is held."""
        if self.asleep.locked():
            self.asleep.release()


class InstancePool:
    """Lends workers to calls, the one that came back last first, so that few stay warm.

    Calls that wait are served in their order. A worker that has become unusable, has answered its number of calls or is
    one too many is cleaned up and goes. Every worker is cleaned up once. ``report`` is told what fails there. Workers
    are made and cleaned up outside the pool's lock: a slow one holds up its own call only. ``recycled`` is called when
    a worker goes while the pool is open. ``failing`` tells that the last one could not be made.

    Calls that typically take less than ``in_turns_below`` seconds are made one after the other, on one worker: where
    Python's lock is the bottleneck, calls at the same time only interrupt each other. A call hands the worker to the
    first waiting call. But a thread that has shown that it calls ``AT_ONCE`` again keeps it for a ``TURN`` when calls
    are ``SHORT``, because to change threads after each of them would cost more than they do. A worker that is ``HELD``
    longer blocks no other call: a waiting call gets another worker.

    Where a worker is idle and no call waits, no lock is taken: ``list.pop`` and ``list.append`` are atomic. A thread
    that returns a worker to the idle ones then looks whether a call waits or the pool was closed; a thread that waits
    or closes the pool then looks at the idle ones. So neither misses the other.
    """

    def __init__(
        self,
        plugin: str,
        make: WorkerMaker,
        size: PoolSize,
        report: Callable[[PluginError], None],
        first: Worker | None = None,
        recycled: Callable[[], None] = lambda: None,
        in_turns_below: float = 0.0,
    ) -> None:
        self._plugin = plugin
        self._make = make
        self._size = size
        self._keeps_all = size.idle is None and size.calls is None
        self._report = report
        self._recycled = recycled
        self._idle: list[PooledWorker] = [] if first is None else [PooledWorker(self, first)]
        self._lent: dict[int, PooledWorker | None] = {}  # by thread; None while a worker is taken or made
        self._members = set(self._idle)
        self._count = len(self._idle)
        self._in_turns_below = in_turns_below
        self._typical = SHORT / 2
        self._moved = monotonic()  # when a worker last came back or was handed over
        self._turn_of = 0  # the thread that has the turn, and until when
        self._turn_ends = 0.0
        self._gave_way = (0, 0.0)  # the thread that handed a worker over last, and when
        self._fuel_of_gone: int | None = None
        self._waiters: deque[_Waiter] = deque()
        self._closed = False
        self.failing = False
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many workers there are, those being made and being cleaned up included."""
        return self._count

    @property
    def serves_this_thread(self) -> bool:
        """Whether the current thread has one of the workers."""
        return get_ident() in self._lent

    @property
    def fuel_consumed(self) -> int | None:
        """Fuel that all workers have consumed so far, those included that are gone; ``None`` if it is not counted."""
        with self._lock:
            return total_fuel((self._fuel_of_gone, *(member.worker.fuel_consumed for member in self._members)))

    def lend(self, deadline: float = inf) -> PooledWorker:
        """Lend a worker for one call, made now if need be.

        Waits until ``deadline`` (of ``time.monotonic``) while all are busy. Raises ``PoolTimeoutError`` then,
        ``BusyError`` when this thread has one of these workers already, ``RetiredError`` when the pool is closed, and
        what making a worker raises.
        """
        thread = get_ident()
        if thread in self._lent:
            # A call of a log sink or an observer. To wait here could be to wait for oneself.
            raise called_from_inside(self._plugin)
        is_in_turn = not self._waiters or self._turn_of == thread
        if (not self._lent and is_in_turn) or self._typical >= self._in_turns_below:
            self._lent[thread] = None  # before the worker is neither lent nor idle: another would be made
            try:
                member = self._idle.pop()
            except IndexError:
                del self._lent[thread]
            else:
                self._lent[thread] = member
                member.thread = thread
                member.lent_at = monotonic()
                if self._closed:
                    member.give_back()
                    raise self._retired()
                return member
        return self._wait(thread, deadline)

    def take_back(self, member: PooledWorker) -> None:
        """Take a worker back after its call."""
        self._moved = now = monotonic()
        if now - member.lent_at > self._typical:
            self._typical *= _STEP
        else:
            self._typical /= _STEP
        member.calls += 1
        member.waited = member.making = 0.0
        if (
            not self._keeps_all
            or self._closed
            or not member.worker.usable
            or (self._waiters and not self._turn_goes_on(member.thread, now))
        ):
            self._settle(member)
            return
        thread = member.thread  # the next call may have it as soon as it is idle
        self._idle.append(member)
        del self._lent[thread]  # not before: without a worker lent or idle, another would be made
        if self._closed or (self._waiters and not self._turn_goes_on(thread, now)):
            self._settle(None)

    def close(self) -> None:
        """Clean up every worker that is not lent, and each other one when it comes back; lend no more."""
        with self._lock:
            self._closed = True
            while self._waiters:
                self._waiters.popleft().wake()
        self._discard_idle()

    def _discard_idle(self) -> None:
        while self._idle:
            try:
                member = self._idle.pop()
            except IndexError:  # another thread took the last one, and gives it back to a closed pool
                return
            self._discard(member)

    def _retired(self) -> RetiredError:
        return RetiredError(f"plugin {self._plugin} is closed")

    def _wait(self, thread: int, deadline: float) -> PooledWorker:
        """Return a worker when one is idle or may be made."""
        now = monotonic()
        gave_way, when = self._gave_way
        waiter = _Waiter(thread, now, gave_way == thread and now - when < AT_ONCE)
        with self._lock:
            if self._closed:
                raise self._retired()
            self._waiters.append(waiter)
        self._be_served(waiter, min(deadline, waiter.since + LONGEST_WAIT))
        return self._made(thread, waiter) if waiter.member is None else waiter.member

    def _be_served(self, waiter: _Waiter, end: float) -> None:
        """Wait until there is something for a waiter; raises ``PoolTimeoutError`` and ``RetiredError``."""
        while True:
            with self._lock:
                self._serve()
                if waiter.served:
                    return
                if self._closed:
                    raise self._retired()
                now = monotonic()
                if now >= end:
                    self._leave(waiter)
                    raise PoolTimeoutError(self._plugin, self._size.instances, now - waiter.since, self._size.remedy)
                turns_before = self._waiters.index(waiter) * self._turn
                this_turn = self._turn_ends + _GRACE - now
                patience = turns_before + (this_turn if this_turn > 0 else HELD)
            try:
                waiter.asleep.acquire(timeout=min(end - now, patience))
            except BaseException:  # a signal's
                self._abandon(waiter)
                raise

    def _abandon(self, waiter: _Waiter) -> None:
        """End a wait, and give back what the waiter may have got meanwhile."""
        with self._lock:
            self._leave(waiter)
        if waiter.served:
            self._give_up(waiter.thread) if waiter.member is None else waiter.member.give_back()

    def _leave(self, waiter: _Waiter) -> None:
        """Take a waiter out of the queue; the lock is held."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def _serve(self) -> None:
        """Give the available workers to the waiting calls; the lock is held."""
        while self._waiters and not self._is_others_turn():
            try:
                member: PooledWorker | None = self._idle.pop()
            except IndexError:
                # A call may have taken the idle one in this moment; it has put itself among those lent before.
                if self._count >= self._size.instances or self._is_others_turn():
                    return
                member = None
                self._count += 1
            self._hand_over(member)

    def _is_others_turn(self) -> bool:
        """Return whether the first waiting call must wait although there may be a worker for it; the lock is held."""
        if self._typical >= self._in_turns_below:
            return False
        now = monotonic()
        lent = list(self._lent.values())  # in one step: calls come and go without the lock
        if lent:
            return now - max(self._moved, *(0.0 if it is None else it.lent_at for it in lent)) < HELD
        if now >= self._turn_ends:
            return False
        if now - self._moved < AT_ONCE:
            return True
        # The thread that had the turn has gone before its end, and so may the others that had theirs before.
        for waiter in self._waiters:
            waiter.returns = False
        return False

    def _hand_over(self, member: PooledWorker | None) -> None:
        """Give a worker, or with ``None`` the right to make one, to the first waiting call; the lock is held."""
        waiter = self._waiters.popleft()
        waiter.member = member
        self._lent[waiter.thread] = member
        self._moved = now = monotonic()
        if member is not None:
            member.thread = waiter.thread
            member.lent_at = now
            member.waited = now - waiter.since
        self._turn_of = waiter.thread
        self._turn_ends = now + self._turn if waiter.returns and self._typical < SHORT else now
        waiter.served = True
        waiter.wake()

    @property
    def _turn(self) -> float:
        return max(TURN, CALLS_IN_A_TURN * min(self._typical, SHORT))

    def _made(self, thread: int, waiter: _Waiter) -> PooledWorker:
        started = monotonic()
        try:
            member = PooledWorker(self, self._make())
        except BaseException:
            self.failing = True
            self._give_up(thread)
            raise
        member.thread = thread
        member.waited = started - waiter.since
        member.lent_at = monotonic()
        member.making = member.lent_at - started
        with self._lock:
            self._lent[thread] = member
            self._members.add(member)
            self.failing = False
        return member

    def _give_up(self, thread: int) -> None:
        """Take back the right to make a worker."""
        with self._lock:
            del self._lent[thread]
            self._count -= 1
            self._serve()

    def _settle(self, member: PooledWorker | None) -> None:
        """Decide what becomes of a worker that came back, and of those that are idle."""
        with self._lock:
            keep = False
            thread = 0 if member is None else member.thread  # before another one has it
            if member is not None:
                del self._lent[thread]
                keep = self._may_stay(member)
            if member is not None and keep:
                if self._waiters:
                    self._hand_over(member)
                else:
                    self._idle.append(member)
            if self._idle:
                self._serve()
            if member is not None:
                self._gave_way = (thread, monotonic())
        if self._closed:
            self._discard_idle()
        if member is not None and not keep:
            self._discard(member)

    def _turn_goes_on(self, thread: int, now: float) -> bool:
        """Return whether a thread may make another call although other threads wait."""
        return now < self._turn_ends and thread == self._turn_of

    def _may_stay(self, member: PooledWorker) -> bool:
        size = self._size
        return (
            member.worker.usable
            and not self._closed
            and (size.idle is None or len(self._idle) < size.idle)
            and (size.calls is None or member.calls < size.calls)
        )

    def _discard(self, member: PooledWorker) -> None:
        """Clean up a worker that is no longer reachable, then let another be made."""
        if not self._closed:
            self._recycled()
        try:
            member.worker.cleanup()
        except PluginError as error:
            self._report(error)
        finally:
            with self._lock:
                self._fuel_of_gone = total_fuel((self._fuel_of_gone, member.worker.fuel_consumed))
                self._members.discard(member)
                self._count -= 1
                self._serve()


def called_from_inside(plugin: str) -> BusyError:
    """Return the error for a call of a plugin by a thread that is in a call of it."""
    return BusyError(f"plugin {plugin} is called from inside its own call")
