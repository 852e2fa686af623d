"""The threads of a host, for background calls and for calls from an event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from zenowasm.plugin.errors import BusyError, ClosedError

if TYPE_CHECKING:  # imported with the first work
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class HostThreads:
    """A bounded number of threads with a bounded queue. The first work starts the first thread."""

    def __init__(self, threads: int, pending: int) -> None:
        """Allow ``threads`` threads, and ``pending`` queued or running work items."""
        self._threads = threads
        self._limit = pending
        self._room = threading.BoundedSemaphore(pending)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._futures: set[Future[object]] = set()
        self._closed = False
        self._here = threading.local()

    @property
    def is_one(self) -> bool:
        """Whether the current thread is one of these threads."""
        return getattr(self._here, "busy", False)

    def submit(self, work: Callable[[], T], *, wait: bool) -> Future[T]:
        """Run ``work`` on one of the threads.

        If the queue is full, this waits, or without ``wait`` raises ``BusyError``. Raises ``ClosedError``.
        """
        from concurrent.futures import ThreadPoolExecutor
        from contextvars import copy_context

        if not self._room.acquire(blocking=wait):
            raise BusyError(f"{self._limit} asynchronous calls are pending, which is the limit (async_pending)")
        try:
            with self._lock:
                if self._closed:
                    raise ClosedError("the plugin host is closing")
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self._threads, "zenowasm-async")
                # The work inherits the caller's context variables, such as its trace.
                future = self._pool.submit(copy_context().run, self._run, work)
                self._futures.add(future)  # type: ignore[arg-type]
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(self._done)
        return future

    def close(self, seconds: float) -> int:
        """Refuse new work, wait up to ``seconds`` for accepted work, and return how many items never began."""
        with self._lock:
            self._closed = True
            pool, futures = self._pool, list(self._futures)
        if pool is None:
            return 0
        from concurrent.futures import wait

        late = wait(futures, seconds).not_done
        cancelled = sum(future.cancel() for future in late)
        pool.shutdown(wait=not late)
        return cancelled

    def _run(self, work: Callable[[], T]) -> T:
        self._here.busy = True
        try:
            return work()
        finally:
            self._here.busy = False

    def _done(self, future: Future[T]) -> None:
        with self._lock:
            self._futures.discard(future)
        self._room.release()
