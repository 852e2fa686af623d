"""Stores: what instances live in, on which engine, and how much their calls may use."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary, WeakSet

from zenowasm.backends import protocol, registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import Budget, Closable, Engine, EngineOptions, ExecutionLimits

if TYPE_CHECKING:
    from zenowasm.embedding.memory import Memory


class StoreInUseError(RuntimeError):
    """A store was used by one thread while another one is in a call of it."""

    def __init__(self) -> None:
        super().__init__("the store is in a call of another thread: give each thread a store, or await call_async")


class StoreClosedError(RuntimeError):
    """A store was used that is closed."""

    def __init__(self) -> None:
        super().__init__("the store is closed: make what lives in it anew in another store")


class Store:
    """Everything that lives at run time, on one engine. Used by one thread at a time.

    ``engine`` is ``reference``, ``wasmtime``, or ``auto`` for the fastest one that is installed. Each call from Python
    may consume ``fuel`` (in units of the instruction table) and take ``timeout`` seconds; it traps when it would use
    more. ``limits`` bound what all instances take together.

    Raises ``BackendError`` when the engine is not known or not installed.

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
        """The fuel that all calls have consumed, ``None`` in a store without a limit of fuel, which counts none."""
        return self.raw.fuel_consumed if self.budget.fuel is not None else None

    def close(self) -> None:
        """Give back what lives in the store; nothing of it can be used after that. A second time does nothing."""
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def entered(self) -> Iterator[protocol.Store]:
        """Have the engine's store for this thread; raises ``StoreInUseError`` and ``StoreClosedError``."""
        self.enter()
        try:
            yield self.raw
        finally:
            self.leave()

    def enter(self) -> None:
        """Take the store for this thread."""
        if not self._lock.acquire(False):
            raise StoreInUseError
        if self._closed:
            self._lock.release()
            raise StoreClosedError

    def leave(self) -> None:
        """Give the store back after a guest may have run: views of memories that have grown end."""
        try:
            if self.has_views:
                self.end_views()
        finally:
            self._lock.release()

    def end_views(self) -> None:
        """End the views of memories that have grown."""
        for memory in self._viewed:
            memory.end_views()

    def add_view(self, memory: Memory) -> None:
        """Remember that there are views of a memory."""
        self.has_views = True
        self._viewed.add(memory)

    async def run_async(self, call: Callable[[], Any]) -> Any:
        """Make a call in a thread of its own, one after the other, while the event loop goes on.

        Coroutines that host functions return run on the loop. When whoever awaits this is cancelled, so is the
        coroutine that the guest waits for; a guest that computes is awaited to its end or its timeout.
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
    """Return the engine of all stores with these options: a module is compiled once for it."""
    # Before Python takes its modules apart, without which wasmtime's objects cannot be freed.
    atexit.register(_engine.cache_clear)
    return registry.engine(name, EngineOptions(ModuleCache.of(os.environ), fuel=counts_fuel))
