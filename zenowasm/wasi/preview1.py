"""The functions of WASI preview 1 for a guest without files: arguments, clocks, randomness, output, exit.

Pointers are unsigned i32; structures are little-endian and laid out as the witx files say. A pointer to outside of
memory is answered with ``EFAULT``, never with an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zenowasm.backends.protocol import Caller
from zenowasm.host.linker import HostFunction, host_function
from zenowasm.host.linker import caller_memory as memory_of
from zenowasm.host.memory import GuestMemory, MemoryFaultError
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.poll import poll
from zenowasm.wasi.signatures import MODULE, PARAMETERS, results

MAX_VECTORS: Final = 1024
"""Buffers in one scattered read or write, as in POSIX."""
MAX_WRITE: Final = 64 * 1024
"""Bytes taken by one ``fd_write``; it answers how many it took, and callers write the rest again."""
_CHUNK: Final = 64 * 1024

_CLOCK_REALTIME, _CLOCK_MONOTONIC, _CLOCK_LAST = 0, 1, 3
_CLOCK_RESOLUTION_NS: Final = 1
_FILETYPE_CHARACTER_DEVICE: Final = 2
_RIGHT_READ, _RIGHT_WRITE = 1 << 1, 1 << 6
_FDSTAT_BYTES: Final = 24
_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Preview1:
    """The functions of one guest; ``functions`` declares all of preview 1 for a linker."""

    def __init__(self, context: WasiContext) -> None:
        self._context = context
        self._open: set[int] = {_STDIN, _STDOUT, _STDERR}

    def functions(self) -> tuple[HostFunction, ...]:
        """Return every function of preview 1; those that are not built answer ``ENOSYS``."""
        return tuple(
            host_function(MODULE, name, parameters, self._body(name), results=results(name))
            for name, parameters in PARAMETERS.items()
        )

    def _body(self, name: str) -> Callable[..., int | None]:
        implementation = getattr(self, f"_{name}", None)
        if implementation is None:
            return _not_built
        return implementation if name in ("proc_exit", "sched_yield") else _checked(implementation)

    def _args_sizes_get(self, memory: GuestMemory, count: int, size: int) -> Errno:
        return _sizes(memory, self._context.arguments, count, size)

    def _args_get(self, memory: GuestMemory, pointers: int, buffer: int) -> Errno:
        return _strings(memory, self._context.arguments, pointers, buffer)

    def _environ_sizes_get(self, memory: GuestMemory, count: int, size: int) -> Errno:
        return _sizes(memory, self._context.environ, count, size)

    def _environ_get(self, memory: GuestMemory, pointers: int, buffer: int) -> Errno:
        return _strings(memory, self._context.environ, pointers, buffer)

    def _clock_res_get(self, memory: GuestMemory, clock: int, resolution: int) -> Errno:
        if clock not in (_CLOCK_REALTIME, _CLOCK_MONOTONIC):
            return Errno.NOTSUP if clock <= _CLOCK_LAST else Errno.INVAL
        memory.write_unsigned(resolution, _CLOCK_RESOLUTION_NS, 8)
        return Errno.SUCCESS

    def _clock_time_get(self, memory: GuestMemory, clock: int, _precision: int, time: int) -> Errno:
        if clock not in (_CLOCK_REALTIME, _CLOCK_MONOTONIC):
            return Errno.NOTSUP if clock <= _CLOCK_LAST else Errno.INVAL
        now = self._context.realtime() if clock == _CLOCK_REALTIME else self._context.monotonic()
        memory.write_unsigned(time, now, 8)
        return Errno.SUCCESS

    def _random_get(self, memory: GuestMemory, buffer: int, length: int) -> Errno:
        memory.check(buffer, length)
        for start in range(0, length, _CHUNK):
            memory.write(buffer + start, self._context.random(min(_CHUNK, length - start)))
        return Errno.SUCCESS

    def _fd_write(self, memory: GuestMemory, fd: int, vectors: int, count: int, written: int) -> Errno:
        stream = self._stream(fd)
        if stream is None:
            return Errno.BADF
        if count > MAX_VECTORS:
            return Errno.INVAL
        memory.check(written, 4)
        table = memory.read(vectors, 8 * count)
        data = bytearray()
        for start in range(0, len(table), 8):
            pointer = int.from_bytes(table[start : start + 4], "little")
            length = int.from_bytes(table[start + 4 : start + 8], "little")
            memory.check(pointer, length)
            data += memory.read(pointer, min(length, MAX_WRITE - len(data)))
            if len(data) == MAX_WRITE:
                break
        stream.write(bytes(data))
        memory.write_unsigned(written, len(data), 4)
        return Errno.SUCCESS

    def _fd_read(self, memory: GuestMemory, fd: int, vectors: int, count: int, read: int) -> Errno:
        """Standard input is at its end; nothing else can be read."""
        if fd != _STDIN or fd not in self._open:
            return Errno.BADF
        if count > MAX_VECTORS:
            return Errno.INVAL
        memory.check(vectors, 8 * count)
        memory.write_unsigned(read, 0, 4)
        return Errno.SUCCESS

    def _fd_close(self, _: GuestMemory, fd: int) -> Errno:
        if fd not in self._open:
            return Errno.BADF
        stream = self._stream(fd)
        if stream is not None:
            stream.flush()
        self._open.discard(fd)
        return Errno.SUCCESS

    def _fd_seek(self, _: GuestMemory, fd: int, _offset: int, _whence: int, _position: int) -> Errno:
        return Errno.SPIPE if fd in self._open else Errno.BADF

    def _fd_fdstat_get(self, memory: GuestMemory, fd: int, stat: int) -> Errno:
        if fd not in self._open:
            return Errno.BADF
        right = _RIGHT_READ if fd == _STDIN else _RIGHT_WRITE
        # filetype u8, padding, flags u16, padding, base rights u64, inheriting rights u64
        data = bytes([_FILETYPE_CHARACTER_DEVICE]) + bytes(7) + right.to_bytes(8, "little") + bytes(8)
        assert len(data) == _FDSTAT_BYTES
        memory.write(stat, data)
        return Errno.SUCCESS

    def _fd_fdstat_set_flags(self, _: GuestMemory, fd: int, _flags: int) -> Errno:
        """Streams that never block take every flag."""
        return Errno.SUCCESS if fd in self._open else Errno.BADF

    def _fd_prestat_get(self, _: GuestMemory, _fd: int, _prestat: int) -> Errno:
        """No folder is open to the guest: ``EBADF`` for every descriptor ends a libc's search for them."""
        return Errno.BADF

    def _fd_prestat_dir_name(self, _: GuestMemory, _fd: int, _path: int, _length: int) -> Errno:
        return Errno.BADF

    def _poll_oneoff(self, memory: GuestMemory, subscriptions: int, events: int, count: int, stored: int) -> Errno:
        return poll(self._context, self._open, memory, subscriptions, events, count, stored)

    def _sched_yield(self, _: Caller) -> int:
        return Errno.SUCCESS

    def _proc_exit(self, _: Caller, code: int) -> None:
        self._context.flush()
        raise ProcExit(code & 0xFFFF_FFFF)

    def _stream(self, fd: int) -> LineBuffer | None:
        if fd not in self._open:
            return None
        return {_STDOUT: self._context.stdout, _STDERR: self._context.stderr}.get(fd)


def _not_built(_: Caller, *_arguments: int) -> int:
    return Errno.NOSYS


def _checked(implementation: Callable[..., Errno]) -> Callable[..., int]:
    """Give an implementation the guest's memory, and turn a bad pointer into ``EFAULT``."""

    def body(caller: Caller, *arguments: int) -> int:
        memory = memory_of(caller)
        if memory is None:
            return Errno.FAULT
        try:
            return implementation(memory, *arguments)
        except MemoryFaultError:
            return Errno.FAULT

    return body


def _sizes(memory: GuestMemory, strings: tuple[bytes, ...], count: int, size: int) -> Errno:
    memory.write_unsigned(count, len(strings), 4)
    memory.write_unsigned(size, sum(len(string) + 1 for string in strings), 4)
    return Errno.SUCCESS


def _strings(memory: GuestMemory, strings: tuple[bytes, ...], pointers: int, buffer: int) -> Errno:
    for index, string in enumerate(strings):
        memory.write(buffer, string + b"\0")
        memory.write_unsigned(pointers + 4 * index, buffer, 4)
        buffer += len(string) + 1
    return Errno.SUCCESS
