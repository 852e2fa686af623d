"""Ctrl-C while guest code runs.

Python runs signal handlers between bytecodes. After a Ctrl-C during guest code that would be the first bytecode of the
next host callback, outside of any ``try``: ctypes cannot pass the ``KeyboardInterrupt`` on, drops it, and returns an
undefined pointer to wasmtime.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any


class Interrupts:
    """Holds back Ctrl-C while a store's guest code runs, until a host function's body or the end of the call.

    The handler that was there before is then run as it would have been, and may raise. Only the main thread runs
    signal handlers, so calls on other threads need none of this.
    """

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._held: tuple[int, FrameType | None] | None = None
        self._open = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold back Ctrl-C around guest code; raises what the handler raises for one that was held back."""
        if self._handler is not None:  # a host function calls back into the guest
            self._open = False
            try:
                yield
            finally:
                self._open = True
                self._deliver()
            return
        handler = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
        if not callable(handler):  # another thread, or Ctrl-C is ignored or ends the process
            yield
            return
        self._handler = handler
        signal.signal(signal.SIGINT, self._receive)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, handler)
            try:
                self._deliver()
            finally:
                self._handler = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let Ctrl-C through around the body of a host function; raises as ``held`` does."""
        if self._handler is None:
            yield
            return
        self._open = True
        try:
            self._deliver()
            yield
        finally:
            self._open = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._held = number, frame
        if self._open:
            self._deliver()

    def _deliver(self) -> None:
        held, self._held = self._held, None
        if held is not None and self._handler is not None:
            self._handler(*held)
