"""Deadlines: wasmtime interrupts guest code when its engine's epoch, a counter, reaches a value set for the store."""

from __future__ import annotations

from math import ceil
from threading import Lock, Thread
from time import monotonic, sleep

import wasmtime

PERIOD = 0.005
"""Seconds between two epochs: how late an interrupt may be."""


class Ticker:
    """Moves one engine's epoch with the clock, on a thread that exists only while calls with a deadline are active.

    All stores of an engine share its epoch, therefore each waits for an epoch of its own; a store without a deadline
    waits for one that never comes. The thread ends by itself within one period of the last call, so that calls in
    quick succession share one.
    """

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._thread: Thread | None = None
        self._active = 0
        self._origin = 0.0
        self._epochs = 0

    def start(self, deadline: float) -> int:
        """Count one more active call; return after how many epochs ``deadline`` (of ``time.monotonic``) has passed."""
        with self._lock:
            if self._thread is None:
                self._origin, self._epochs = monotonic(), 0
                thread = Thread(target=self._run, name="zenowasm-deadlines", daemon=True)
                thread.start()
                self._thread = thread
            self._active += 1
            return self._until(deadline)

    def until(self, deadline: float) -> int:
        """Return after how many epochs ``deadline`` has passed, while a call is active."""
        with self._lock:
            return self._until(deadline)

    def _until(self, deadline: float) -> int:
        return max(0, ceil((deadline - self._origin) / PERIOD) - self._epochs)

    def stop(self) -> None:
        """Count one active call less."""
        with self._lock:
            self._active -= 1

    def _run(self) -> None:
        while True:
            sleep(PERIOD)
            with self._lock:
                if not self._active:
                    self._thread = None
                    return
                # The epoch follows the clock even when this thread was kept waiting for longer than a period.
                due = int((monotonic() - self._origin) / PERIOD)
                for _ in range(self._epochs, due):
                    self._engine.increment_epoch()
                self._epochs = due
