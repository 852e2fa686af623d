"""What the harness asks of an engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

from zenowasm.bench.peer import Peer


class Running(Protocol):
    """A module's export ``run`` in an instance."""

    def call(self, argument: int) -> int:
        """Return the result, which may be signed."""
        ...

    def time(self, argument: int, count: int) -> float:
        """Return the seconds that ``count`` calls take."""
        ...


class Engine(Peer, Protocol):
    """An engine under measurement."""

    in_python: bool
    """Whether it interprets in Python, so that it gets the small size of each workload."""
    in_process: bool
    """Whether its instances are in this process."""

    def compile(self, binary: bytes) -> Any:
        """Return what instances share; raises ``RefusedError`` when the engine cannot run the module."""
        ...

    def instantiate(self, module: Any, stack: ExitStack) -> Running:
        """Make an instance, which lives as long as the stack; raises ``RefusedError``.

        The import ``env.next`` is ``next_number``.
        """
        ...


class InProcess:
    """A function of this process that calls ``run``; ``pick`` finds the number in what it returns.

    ``owner`` is kept as long: some peers free an instance whose functions are still there.
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
    """An engine that has WASI, and so can run QuickJS."""

    def load_quickjs(self, binary: bytes, stack: ExitStack) -> Running:
        """Instantiate QuickJS; ``run(n)`` evaluates ``script(n)`` in a new context and returns what it prints."""
        ...


def next_number(number: int) -> int:
    """Return the number after an i32: the host's side of a call out of a guest."""
    return (number + 1) & 0x7FFFFFFF
