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
TURN = 0.01
"""Seconds for which one thread may make short calls while others wait, at least."""
CALLS_IN_A_TURN = 150
"""How many of them, at least: each turn makes one call of another thread wait, and that must stay an exception."""
_STEP = 1.05
"""The factor by which each call moves what a call typically takes: up when it took longer, else down.

That follows the median, so that a call which waited for the processor changes little.
"""
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


@define(eq=False)
class _Waiter:
    """A call that waits: once ``served`` it has ``member``, or may make one when that is ``None``.

    ``due`` tells that the next worker to come back is its own.
    """

    thread: int
    since: float = field(factory=monotonic)
    member: PooledWorker | None = None
    served: bool = False
    due: bool = False
    event: threading.Event = field(factory=threading.Event)


class InstancePool:
    """Lends workers to calls, the one that came back last first, so that few stay warm.

    Calls that wait are served in their order. A worker that has become unusable, has answered its number of calls or is
    one too many is cleaned up and goes. Every worker is cleaned up once. ``report`` is told what fails there. Workers
    are made and cleaned up outside the pool's lock: a slow one holds up its own call only. ``recycled`` is called when
    a worker goes while the pool is open. ``failing`` tells that the last one could not be made.

    Calls that typically take less than ``in_turns_below`` seconds are made one after the other, on one worker: where
    Python's lock is the bottleneck, calls at the same time only interrupt each other. A thread makes such calls for a
    ``TURN`` before it hands the worker on, when they are ``SHORT``, else for one call. A worker that has not come back
    for a ``TURN`` holds nobody up: whoever waits gets another.

    Where a worker is idle and nobody waits, a call takes no lock: ``list.pop`` and ``list.append`` are atomic. Whoever
    puts a worker among the idle ones looks afterwards whether somebody waits or the pool was closed, and whoever waits
    or closes it looks at the idle ones afterwards, so that neither misses the other.
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
        self._returned = monotonic()
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
        if not self._lent or self._typical >= self._in_turns_below:
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
        self._returned = now = monotonic()
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
            or (self._waiters and not self._turn_goes_on())
        ):
            self._settle(member)
            return
        thread = member.thread  # the next call may have it as soon as it is idle
        self._idle.append(member)
        del self._lent[thread]  # not before: without a worker lent or idle, another would be made
        if self._closed or (self._waiters and not self._turn_goes_on()):
            self._settle(None)

    def close(self) -> None:
        """Clean up every worker that is not lent, and each other one when it comes back; lend no more."""
        with self._lock:
            self._closed = True
            while self._waiters:
                self._waiters.popleft().event.set()
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
        waiter = _Waiter(thread)
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
                waiter.event.clear()
                first = self._waiters[0] is waiter
                turn = max(TURN, CALLS_IN_A_TURN * min(self._typical, SHORT))
            try:
                woken = waiter.event.wait(min(end - now, turn) if first else end - now)
            except BaseException:  # a signal's
                self._abandon(waiter)
                raise
            if first and not woken:
                waiter.due = True

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
            self._wake_first()

    def _wake_first(self) -> None:
        """Have the waiter that has become the first one look after its turn; the lock is held."""
        if self._waiters:
            self._waiters[0].event.set()

    def _serve(self) -> None:
        """Give what there is to those who wait; the lock is held."""
        while self._waiters and not self._waits_for_its_turn(self._waiters[0]):
            try:
                member: PooledWorker | None = self._idle.pop()
            except IndexError:
                if self._count >= self._size.instances:
                    return
                member = None
                self._count += 1
            self._hand_over(member)

    def _waits_for_its_turn(self, waiter: _Waiter) -> bool:
        """Say whether a waiter is to wait although there may be a worker for it."""
        if not self._lent or self._typical >= self._in_turns_below:
            return False
        return not waiter.due or monotonic() - self._returned < TURN

    def _hand_over(self, member: PooledWorker | None) -> None:
        """Give a worker, or with ``None`` the right to make one, to the first who waits; the lock is held."""
        waiter = self._waiters.popleft()
        waiter.member = member
        self._lent[waiter.thread] = member
        if member is not None:
            member.thread = waiter.thread
            member.lent_at = monotonic()
            member.waited = member.lent_at - waiter.since
        waiter.served = True
        waiter.event.set()
        self._wake_first()

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
            if member is not None:
                del self._lent[member.thread]
            keep = member is not None and self._may_stay(member)
            if member is not None and keep:
                if self._waiters and (self._waiters[0].due or not self._in_long_turns):
                    self._hand_over(member)
                else:
                    self._idle.append(member)
            if self._idle and not self._in_long_turns:
                self._serve()
        if self._closed:
            self._discard_idle()
        if member is not None and not keep:
            self._discard(member)

    def _turn_goes_on(self) -> bool:
        """Say whether whoever makes short calls may make another one although there are others who wait."""
        try:
            return self._in_long_turns and not self._waiters[0].due
        except IndexError:  # nobody waits any more
            return True

    @property
    def _in_long_turns(self) -> bool:
        return self._typical < min(self._in_turns_below, SHORT)

    def _may_stay(self, member: PooledWorker) -> bool:
        size = self._size
        return (
            member.worker.usable
            and not self._closed
            and (size.idle is None or len(self._idle) < size.idle)
            and (size.calls is None or member.calls < size.calls)
        )

    def _discard(self, member: PooledWorker) -> None:
        """Clean up a worker that nobody can reach any more, then make room for another."""
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
    return BusyError(f"plugin {plugin} is called from inside a call of its own")
