"""The workers of one version of a plugin: made on demand, lent to one call at a time, replaced when used up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic

from attrs import define, field, frozen, validators

from zenowasm.plugin.errors import BusyError, PluginError, PoolTimeoutError, RetiredError
from zenowasm.plugin.worker import Worker, WorkerMaker

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


@define(eq=False)
class _Member:
    """A worker with what the pool knows of it."""

    worker: Worker
    calls: int = 0


@define(eq=False)
class _Waiter:
    """A call that waits: once ``served`` it has ``member``, or may make one when that is ``None``."""

    thread: int
    member: _Member | None = None
    served: bool = False
    event: threading.Event = field(factory=threading.Event)


@frozen
class Lease:
    """A worker for one call; ``making`` is how many seconds it took to make it, 0 for one that was there."""

    worker: Worker
    making: float = 0.0


class InstancePool:
    """Lends workers to calls, the one that came back last first, so that few stay warm.

    Calls that wait are served in their order: else a thread that calls again and again would leave nothing to others.
    A worker that has become unusable, has answered its number of calls or is one too many is cleaned up and goes.
    Every worker is cleaned up once. ``report`` is told what fails there. Workers are made and cleaned up outside of the
    pool's lock: a slow one holds up its own call only. ``recycled`` is called when a worker goes while the pool is
    open. ``failing`` tells that the last one could not be made.
    """

    def __init__(
        self,
        plugin: str,
        make: WorkerMaker,
        size: PoolSize,
        report: Callable[[PluginError], None],
        first: Worker | None = None,
        recycled: Callable[[], None] = lambda: None,
    ) -> None:
        self._plugin = plugin
        self._make = make
        self._size = size
        self._report = report
        self._recycled = recycled
        self._idle: list[_Member] = [] if first is None else [_Member(first)]
        self._lent: dict[int, _Member | None] = {}  # by thread; None while a worker is being made
        self._count = len(self._idle)
        self._fuel_of_gone = 0
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
        return threading.get_ident() in self._lent

    @property
    def fuel_consumed(self) -> int:
        """Fuel that all workers have consumed so far, those included that are gone."""
        with self._lock:
            members = [*self._idle, *(member for member in self._lent.values() if member is not None)]
            return self._fuel_of_gone + sum(member.worker.fuel_consumed for member in members)

    @contextmanager
    def lend(self, deadline: float = inf) -> Iterator[Lease]:
        """Lend a worker for one call, made now if need be, and take it back afterwards.

        Waits until ``deadline`` (of ``time.monotonic``) while all are busy. Raises ``PoolTimeoutError`` then,
        ``BusyError`` when this thread has one of these workers already, ``RetiredError`` when the pool is closed, and
        what making a worker raises.
        """
        thread = threading.get_ident()
        member = self._take(thread, deadline)
        making = 0.0
        if member is None:
            started = monotonic()
            member = self._made(thread)
            making = monotonic() - started
        try:
            yield Lease(member.worker, making)
        finally:
            member.calls += 1
            self._give_back(thread, member)

    def close(self) -> None:
        """Clean up every worker that is not lent, and each other one when it comes back; lend no more."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            while self._waiters:
                self._waiters.popleft().event.set()
        for member in idle:
            self._discard(member)

    def _take(self, thread: int, deadline: float) -> _Member | None:
        """Return a worker that is idle, or ``None`` when the caller has to make one and may."""
        with self._lock:
            if thread in self._lent:
                # A call of a log sink or an observer. To wait here could be to wait for oneself.
                raise BusyError(f"plugin {self._plugin} is called from inside a call of its own")
            self._check_open()
            waiter = _Waiter(thread)
            self._waiters.append(waiter)
            self._serve()
        if waiter.served:
            return waiter.member
        started = monotonic()
        try:
            waiter.event.wait(min(max(deadline - started, 0.0), LONGEST_WAIT))
        except BaseException:  # a signal's
            if self._was_served(waiter):
                self._give_up(thread) if waiter.member is None else self._give_back(thread, waiter.member)
            raise
        if self._was_served(waiter):
            return waiter.member
        self._check_open()
        raise PoolTimeoutError(self._plugin, self._size.instances, monotonic() - started, self._size.remedy)

    def _was_served(self, waiter: _Waiter) -> bool:
        """Return whether it was; if not, it will not be."""
        with self._lock:
            if not waiter.served and not self._closed:
                self._waiters.remove(waiter)
        return waiter.served

    def _check_open(self) -> None:
        if self._closed:
            raise RetiredError(f"plugin {self._plugin} is closed")

    def _serve(self) -> None:
        """Give what there is to those who wait; the lock is held."""
        while self._waiters and (self._idle or self._count < self._size.instances):
            waiter = self._waiters.popleft()
            if self._idle:
                waiter.member = self._idle.pop()
            else:
                self._count += 1
            self._lent[waiter.thread] = waiter.member
            waiter.served = True
            waiter.event.set()

    def _made(self, thread: int) -> _Member:
        try:
            member = _Member(self._make())
        except BaseException:
            self.failing = True
            self._give_up(thread)
            raise
        with self._lock:
            self._lent[thread] = member
            self.failing = False
        return member

    def _give_up(self, thread: int) -> None:
        """Take back the right to make a worker."""
        with self._lock:
            del self._lent[thread]
            self._count -= 1
            self._serve()

    def _give_back(self, thread: int, member: _Member) -> None:
        size = self._size
        with self._lock:
            del self._lent[thread]
            keep = (
                member.worker.usable
                and not self._closed
                and (size.idle is None or len(self._idle) < size.idle)
                and (size.calls is None or member.calls < size.calls)
            )
            if keep:
                self._idle.append(member)
                self._serve()
        if not keep:
            self._discard(member)

    def _discard(self, member: _Member) -> None:
        """Clean up a worker that nobody can reach any more, then make room for another."""
        if not self._closed:
            self._recycled()
        try:
            member.worker.cleanup()
        except PluginError as error:
            self._report(error)
        finally:
            with self._lock:
                self._fuel_of_gone += member.worker.fuel_consumed
                self._count -= 1
                self._serve()
