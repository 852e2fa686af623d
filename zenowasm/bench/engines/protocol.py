"""The interface between the harness and an engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

from zenowasm.bench.peer import Peer


class Running(Protocol):
    """An instance's export ``run``."""

    def call(self, argument: int) -> int:
        """Return the result, which may be signed."""
        ...

    def time(self, argument: int, count: int) -> float:
        """Return the seconds that ``count`` calls take."""
        ...


class Engine(Peer, Protocol):
    """An engine under measurement."""

    in_python: bool
    """Whether the engine interprets in Python, so that it gets the small size of each workload."""
    in_process: bool
    """Whether the engine's instances are in this process."""

    def compile(self, binary: bytes) -> Any:
        """Return the data that instances share; raises ``RefusedError`` if the engine cannot run the module."""
        ...

    def instantiate(self, module: Any, stack: ExitStack) -> Running:
        """Make an instance, which lives as long as the stack; raises ``RefusedError``.

        The import ``env.next`` is ``next_number``.
        """
        ...


class InProcess:
    """A function of this process that calls ``run``; ``pick`` extracts the number from its result.

    ``owner`` is kept alive as long: some peers free an instance while its functions still exist.
    """

    def __init__(self, function: Callable[[int], Any], pick: Callable[[Any], int] = int, owner: object = None) -> None:
        self._owner = owner
        self._function = function
        self._pick = pick

    def call(self, argument: int) -> int:
        """Return the result, which may be signed."""
        return self._pick(self._function(argument))

    def time(self, argument: int, count: int) -> float:
        """Return the seconds that ``count`` calls take."""
        function = self._function
        started = perf_counter()
        for _ in range(count):
            function(argument)
        return perf_counter() - started


@runtime_checkable
class RunsQuickJs(Protocol):
    """An engine with WASI, which can therefore run QuickJS."""

    def load_quickjs(self, binary: bytes, stack: ExitStack) -> Running:
        """Instantiate QuickJS; ``run(n)`` evaluates ``script(n)`` in a new context and returns the printed number."""
        ...


def next_number(number: int) -> int:
    """Return the number after an i32; this is the host function that guests call."""
    return (number + 1) & 0x7FFFFFFF
