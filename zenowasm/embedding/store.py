"""Stores: the instances on one engine, and the limits of their calls."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from zenowasm.backends import protocol, registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import Budget, Closable, Engine, EngineOptions, ExecutionLimits
from zenowasm.closing import Closing

if TYPE_CHECKING:
    from zenowasm.embedding.memory import Memory


class StoreInUseError(RuntimeError):
    """Raised when a thread uses a store during a call of another thread."""

    def __init__(self) -> None:
        super().__init__("the store is in a call of another thread: give each thread a store, or await call_async")


class StoreClosedError(RuntimeError):
    """Raised when a store is used after it was closed."""

    def __init__(self) -> None:
        super().__init__("the store is closed: make what lives in it anew in another store")


class Store(Closing):
    """The run-time state of instances on one engine, used by one thread at a time.

    ``engine`` is ``reference``, ``wasmtime``, or ``auto`` for the fastest installed one. Each call from Python may
    consume ``fuel`` (in units of the instruction table) and take ``timeout`` seconds; a call that exceeds either traps.
    ``limits`` bound all instances together.

    Raises ``BackendError`` if the engine is unknown or not installed.

    >>> Store(engine="reference", fuel=1_000)
    <Store on reference: 1000 fuel a call>
    """

    def __init__(
        self,
        engine: str = registry.AUTO,
        fuel: int | None = None,
        timeout: float | None = None,
        limits: ExecutionLimits | None = None,
    ) -> None:
        self.engine = _engine(registry.fastest() if engine == registry.AUTO else engine, fuel is not None)
        self.raw: protocol.Store = self.engine.new_store(limits)
        self.budget = Budget(fuel, timeout)
        self.raw.set_budget(self.budget)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.awaited: Future[Any] | None = None
        self.keeps: list[Closable] = []
        self.has_views = False
        self._viewed: WeakSet[Memory] = WeakSet()
        self._lock = threading.RLock()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._closed = False

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed by all calls; ``None`` in a store without a fuel limit, which does not count fuel."""
        return self.raw.fuel_consumed if self.budget.fuel is not None else None

    def close(self) -> None:
        """Release everything in the store, which cannot be used afterwards. A second call has no effect."""
        if self._closed:
            return
        with self.entered():
            self._closed = True
            for memory in self._viewed:
                memory.release_views()
            for kept in self.keeps:
                kept.close()
            if isinstance(self.raw, Closable):
                self.raw.close()

    @contextmanager
    def entered(self) -> Iterator[protocol.Store]:
        """Acquire the engine's store for this thread; raises ``StoreInUseError`` and ``StoreClosedError``."""
        self.enter()
        try:
            yield self.raw
        finally:
            self.leave()

    def enter(self) -> None:
        """Acquire the store for this thread."""
        if not self._lock.acquire(False):
            raise StoreInUseError
        if self._closed:
            self._lock.release()
            raise StoreClosedError

    def leave(self) -> None:
        """Release the store after a guest may have run, and the views of memories that have grown."""
        try:
            if self.has_views:
                self.end_views()
        finally:
            self._lock.release()

    def end_views(self) -> None:
        """Release the views of memories that have grown."""
        for memory in self._viewed:
            memory.end_views()

    def add_view(self, memory: Memory) -> None:
        """Record that a memory has views."""
        self.has_views = True
        self._viewed.add(memory)

    async def run_async(self, call: Callable[[], Any]) -> Any:
        """Make a call in a separate thread, one call after another, without blocking the event loop.

        Coroutines of host functions run on the loop. A cancellation also cancels the coroutine that the guest waits
        for. If the guest is computing, the cancellation waits until it finishes or times out.
        """
        loop = asyncio.get_running_loop()
        async with self._queues.setdefault(loop, asyncio.Lock()):
            self.loop = loop
            try:
                running = asyncio.ensure_future(asyncio.to_thread(call))
                try:
                    return await asyncio.shield(running)
                except asyncio.CancelledError:
                    if self.awaited is not None:
                        self.awaited.cancel()
                    await asyncio.wait([running])
                    raise
            finally:
                self.loop = None

    def __repr__(self) -> str:
        if self._closed:
            return f"<Store on {self.engine.name}: closed>"
        budget = self.budget
        bounds = [] if budget.fuel is None else [f"{budget.fuel} fuel"]
        bounds += [] if budget.seconds is None else [f"{budget.seconds} s"]
        return (
            f"<Store on {self.engine.name}{': ' if bounds else ''}{' and '.join(bounds)}{' a call' if bounds else ''}>"
        )


@cache
def _engine(name: str, counts_fuel: bool) -> Engine:
    """Return the engine shared by all stores with these options, so that a module is compiled once."""
    # Clear the cache before Python unloads its modules: without them, wasmtime's objects cannot be freed.
    atexit.register(_engine.cache_clear)
    return registry.engine(name, EngineOptions(ModuleCache.of(os.environ), fuel=counts_fuel))
