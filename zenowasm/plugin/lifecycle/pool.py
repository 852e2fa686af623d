"""The worker pool of one plugin version: creates workers on demand, lends each to one call at a time, replaces them."""

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
"""The call duration, in seconds, below which a thread switch costs more than a tenth of the call."""
TURN = 0.02
"""The minimum turn, in seconds, of a thread that calls repeatedly while others wait."""
CALLS_IN_A_TURN = 300
"""The minimum number of calls in a turn: each thread switch slows two calls down, so switches must be rare."""
HELD = 0.01
"""The seconds after which a worker that has not been returned no longer delays other calls."""
AT_ONCE = 100e-6
"""The seconds after a call within which the next call of the same thread shows that it calls repeatedly."""
_STEP = 1.05
"""The factor by which each call adjusts the typical call duration: up if the call took longer, else down.

The typical duration thus follows the median, and one call that waited for the CPU changes it little.
"""
_GRACE = 0.002
"""The seconds after a turn's end at which the first waiting call checks by itself; each check interrupts a call."""
LONGEST_WAIT = 60.0
"""The longest wait, in seconds, even without a time limit: calls that wait for one another would never end."""


@frozen
class PoolSize:
    """The size of a pool: at most ``instances`` workers, and at most ``idle`` idle ones.

    ``None`` for ``idle`` keeps all workers. A worker is replaced after ``calls`` calls, never if this is ``None``.
    ``remedy`` tells the user how to raise ``instances``.
    """

    instances: int = field(default=4, validator=validators.ge(1))
    idle: int | None = field(default=None, validator=validators.optional(validators.ge(0)))
    calls: int | None = field(default=None, validator=validators.optional(validators.ge(1)))
    remedy: str = "to raise it, set max_instances"


class PooledWorker:
    """A pool's worker, lent to one call.

    ``waited`` is the time in seconds that the call waited for the worker, ``making`` the time to create it.
    """

    __slots__ = ("calls", "lent_at", "making", "pool", "thread", "waited", "worker")

    def __init__(self, pool: InstancePool, worker: Worker) -> None:
        self.pool = pool
        self.worker = worker
        self.calls = 0
        self.waited = self.making = self.lent_at = 0.0
        self.thread = 0

    def give_back(self) -> None:
        """Return the worker to its pool. The caller must not use it afterwards."""
        self.pool.take_back(self)


def _locked() -> threading.Lock:
    """Return an acquired lock to wait on; it costs a tenth of a ``threading.Event``."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@define(eq=False)
class _Waiter:
    """A waiting call. Once ``served``, it has the worker ``member``, or may create one if that is ``None``.

    ``returns`` is true if its thread calls repeatedly: it ended another call just before.
    """

    thread: int
    since: float
    returns: bool
    member: PooledWorker | None = None
    served: bool = False
    asleep: threading.Lock = field(factory=_locked)

    def wake(self) -> None:
        """Make the call check the pool again. Requires the pool's lock."""
        if self.asleep.locked():
            self.asleep.release()


class InstancePool:
    """A pool that lends workers to calls, the most recently returned first, so that few stay warm.

    Waiting calls are served in order. The pool discards a worker that has become unusable, has reached its number of
    calls, or exceeds the number of idle workers. Every worker is cleaned up once, and ``report`` receives the errors.
    Workers are created and cleaned up outside the pool's lock, so a slow worker delays only its own call. ``recycled``
    is called when a worker is discarded while the pool is open. ``failing`` is true if creating the last worker failed.

    Calls that typically take less than ``in_turns_below`` seconds run one after the other, on one worker: if Python's
    global lock is the bottleneck, concurrent calls only interrupt each other. A call hands the worker to the first
    waiting call. However, if calls are shorter than ``SHORT``, a thread that has called again within ``AT_ONCE`` keeps
    the worker for a ``TURN``, because a thread switch after each call would cost more than the calls. A worker that is
    lent for longer than ``HELD`` blocks no other call: a waiting call receives another worker.

    If a worker is idle and no call waits, the pool takes no lock: ``list.pop`` and ``list.append`` are atomic. A thread
    that returns a worker to the idle list then checks for a waiting call and a closed pool. A thread that waits or
    closes the pool then checks the idle list. So neither misses the other.
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
        self._lent: dict[int, PooledWorker | None] = {}  # by thread; None while a worker is taken or created
        self._members = set(self._idle)
        self._count = len(self._idle)
        self._in_turns_below = in_turns_below
        self._typical = SHORT / 2
        self._moved = monotonic()  # the time when a worker was last returned or handed over
        self._turn_of = 0  # the thread that has the turn, until _turn_ends
        self._turn_ends = 0.0
        self._gave_way = (0, 0.0)  # the thread that last handed a worker over, and the time
        self._fuel_of_gone: int | None = None
        self._waiters: deque[_Waiter] = deque()
        self._closed = False
        self.failing = False
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """The number of workers, including those being created and cleaned up."""
        return self._count

    @property
    def serves_this_thread(self) -> bool:
        """Whether one of the workers is lent to the current thread."""
        return get_ident() in self._lent

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed so far by all workers, including discarded ones; ``None`` if fuel is not counted."""
        with self._lock:
            return total_fuel((self._fuel_of_gone, *(member.worker.fuel_consumed for member in self._members)))

    def lend(self, deadline: float = inf) -> PooledWorker:
        """Lend a worker for one call, creating one if necessary.

        While all workers are busy, this waits until ``deadline`` (of ``time.monotonic``) and then raises
        ``PoolTimeoutError``. Raises ``BusyError`` if a worker of this pool is already lent to this thread,
        ``RetiredError`` if the pool is closed, and the errors of creating a worker.
        """
        thread = get_ident()
        if thread in self._lent:
            # A call from a log sink or an observer. Waiting here could be waiting for itself.
            raise called_from_inside(self._plugin)
        is_in_turn = not self._waiters or self._turn_of == thread
        if (not self._lent and is_in_turn) or self._typical >= self._in_turns_below:
            self._lent[thread] = None  # first, since a worker neither lent nor idle would be replaced
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
        """Return a worker to the pool after its call."""
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
        thread = member.thread  # the next call may take the worker as soon as it is idle
        self._idle.append(member)
        del self._lent[thread]  # last, since a worker neither lent nor idle would be replaced
        if self._closed or (self._waiters and not self._turn_goes_on(thread, now)):
            self._settle(None)

    def close(self) -> None:
        """Stop lending, clean up every idle worker, and clean up each lent one when it is returned."""
        with self._lock:
            self._closed = True
            while self._waiters:
                self._waiters.popleft().wake()
        self._discard_idle()

    def _discard_idle(self) -> None:
        while self._idle:
            try:
                member = self._idle.pop()
            except IndexError:  # another thread took the last worker, and returns it to a closed pool
                return
            self._discard(member)

    def _retired(self) -> RetiredError:
        return RetiredError(f"plugin {self._plugin} is closed")

    def _wait(self, thread: int, deadline: float) -> PooledWorker:
        """Wait until a worker is idle or may be created, and return it."""
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
        """Wait until the waiter is served; raises ``PoolTimeoutError`` and ``RetiredError``."""
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
            except BaseException:  # from a signal handler
                self._abandon(waiter)
                raise

    def _abandon(self, waiter: _Waiter) -> None:
        """End a wait, and return a worker that the waiter may have received meanwhile."""
        with self._lock:
            self._leave(waiter)
        if waiter.served:
            self._give_up(waiter.thread) if waiter.member is None else waiter.member.give_back()

    def _leave(self, waiter: _Waiter) -> None:
        """Remove a waiter from the queue. Requires the lock."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def _serve(self) -> None:
        """Hand available workers to waiting calls. Requires the lock."""
        while self._waiters and not self._is_others_turn():
            try:
                member: PooledWorker | None = self._idle.pop()
            except IndexError:
                # A call may just have taken the idle worker; it had registered in _lent before.
                if self._count >= self._size.instances or self._is_others_turn():
                    return
                member = None
                self._count += 1
            self._hand_over(member)

    def _is_others_turn(self) -> bool:
        """Return whether the first waiting call must wait for another thread's call or turn. Requires the lock."""
        if self._typical >= self._in_turns_below:
            return False
        now = monotonic()
        lent = list(self._lent.values())  # in one step, because calls change _lent without the lock
        if lent:
            return now - max(self._moved, *(0.0 if it is None else it.lent_at for it in lent)) < HELD
        if now >= self._turn_ends:
            return False
        if now - self._moved < AT_ONCE:
            return True
        # The thread with the turn has stopped calling before the turn's end; earlier threads may have stopped too.
        for waiter in self._waiters:
            waiter.returns = False
        return False

    def _hand_over(self, member: PooledWorker | None) -> None:
        """Hand a worker, or with ``None`` the right to create one, to the first waiting call. Requires the lock."""
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
        """Release the right to create a worker."""
        with self._lock:
            del self._lent[thread]
            self._count -= 1
            self._serve()

    def _settle(self, member: PooledWorker | None) -> None:
        """Keep, hand over or discard a returned worker, and hand over idle ones."""
        with self._lock:
            keep = False
            thread = 0 if member is None else member.thread  # before another thread takes it
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
        """Return whether a thread may make another call while other threads wait."""
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
        """Clean up a worker that is no longer in use, then let another be created."""
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
    """Return the error for a call of a plugin from a thread that is already in a call of it."""
    return BusyError(f"plugin {plugin} is called from inside its own call")
