"""The guests' clock: wasmtime calls its embedder when the engine's epoch counter reaches a store's deadline."""

from __future__ import annotations

import os
import weakref
from math import ceil
from threading import Lock, Thread
from time import monotonic, sleep

import wasmtime

PERIOD = 0.005
"""Seconds between two epochs, and so the maximum delay in stopping a guest."""
_LINGER = 0.5
"""Seconds that the thread keeps running after the last deadline, since calls often follow one another."""


class Ticker:
    """A clock that advances one engine's epoch, on a thread that runs only while a call waits for an epoch.

    All stores of an engine share its epoch, so each waits for its own value. A store does not report that it has
    stopped waiting, so it cannot fail to do so: the thread ends soon after the last time that was requested.
    """

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._thread: Thread | None = None
        self._origin = 0.0
        self._epochs = 0
        self._last = 0.0
        ticker = weakref.ref(self)

        def after_fork() -> None:
            forked = ticker()
            if forked is not None:
                forked._after_fork()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=after_fork)

    def epochs_until(self, time: float) -> int:
        """Return the number of epochs until ``time`` (of ``time.monotonic``); the epoch advances until then."""
        with self._lock:
            self._last = max(self._last, time)
            if self._thread is None:
                self._origin, self._epochs = monotonic(), 0
                self._start()
            passed = time <= monotonic()
            return 0 if passed else max(0, ceil((time - self._origin) / PERIOD) - self._epochs)

    def _start(self) -> None:
        thread = Thread(target=self._run, name="zenowasm-epochs", daemon=True)
        thread.start()
        self._thread = thread

    def _after_fork(self) -> None:
        """Restart the clock in a child process, which inherits no threads, for a call that forked."""
        self._lock = Lock()
        if self._thread is not None:
            self._start()

    def _run(self) -> None:
        while True:
            sleep(PERIOD)
            with self._lock:
                now = monotonic()
                if now > self._last + _LINGER:
                    self._thread = None
                    return
                # The epoch follows the clock even if this thread was delayed for longer than a period.
                due = int((now - self._origin) / PERIOD)
                for _ in range(self._epochs, due):
                    self._engine.increment_epoch()
                self._epochs = due
