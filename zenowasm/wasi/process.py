"""``args_*``, ``environ_*``, ``random_get``, ``proc_*`` and ``sched_yield``: a process's inputs, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import ProcExit, WasiError
from zenowasm.wasi.state import Implementation, State

_CHUNK: Final = 64 * 1024
_LAST_SIGNAL: Final = 30
_HARMLESS: Final = frozenset({0, 16, 17, 22, 27})
"""No signal (0), and the signals that a process ignores by default: CHLD, CONT, URG, WINCH."""
_KILLED: Final = 128
"""The offset that shells add to a signal number to form an exit code."""


def args_sizes_get(state: State, memory: GuestMemory, count: int, size: int) -> None:
    """Write the number of arguments and their total size in bytes."""
    _sizes(memory, state.context.arguments, count, size)


def args_get(state: State, memory: GuestMemory, pointers: int, buffer: int) -> None:
    """Write the arguments."""
    _strings(memory, state.context.arguments, pointers, buffer)


def environ_sizes_get(state: State, memory: GuestMemory, count: int, size: int) -> None:
    """Write the number of environment variables and their total size in bytes."""
    _sizes(memory, state.context.environ, count, size)


def environ_get(state: State, memory: GuestMemory, pointers: int, buffer: int) -> None:
    """Write the environment variables."""
    _strings(memory, state.context.environ, pointers, buffer)


def random_get(state: State, memory: GuestMemory, buffer: int, length: int) -> None:
    """Fill a buffer with random bytes."""
    memory.check(buffer, length)
    for start in range(0, length, _CHUNK):
        memory.write(buffer + start, state.context.random(min(_CHUNK, length - start)))


def proc_exit(state: State, _: GuestMemory | None, code: int) -> None:
    """End the guest."""
    state.context.flush()
    raise ProcExit(code & 0xFFFF_FFFF)


def proc_raise(state: State, _: GuestMemory, signal: int) -> None:
    """Send the guest a signal; most signals end it."""
    if signal > _LAST_SIGNAL:
        raise WasiError(Errno.INVAL)
    if signal not in _HARMLESS:
        proc_exit(state, None, _KILLED + signal)


def sched_yield(_state: State, _: GuestMemory | None) -> None:
    """Return at once: a guest has no other threads."""


def _sizes(memory: GuestMemory, strings: tuple[bytes, ...], count: int, size: int) -> None:
    memory.write_unsigned(count, len(strings), 4)
    memory.write_unsigned(size, sum(len(string) + 1 for string in strings), 4)


def _strings(memory: GuestMemory, strings: tuple[bytes, ...], pointers: int, buffer: int) -> None:
    for index, string in enumerate(strings):
        memory.write(buffer, string + b"\0")
        memory.write_unsigned(pointers + 4 * index, buffer, 4)
        buffer += len(string) + 1


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            args_sizes_get,
            args_get,
            environ_sizes_get,
            environ_get,
            random_get,
            proc_raise,
        )
    }
)
WITHOUT_MEMORY: Mapping[str, Implementation] = MappingProxyType(
    {function.__name__: function for function in (proc_exit, sched_yield)}
)
"""The functions that a guest without a memory may call too."""
