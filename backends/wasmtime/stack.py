"""How much of the calling thread's C stack is left.

wasmtime lets a guest use ``GUEST_STACK`` bytes below the frame that calls it and does not ask whether the thread has
them. Where it has not, the guest runs into the guard page and the process ends.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from zenowasm.interp.errors import HostExhaustion

GUEST_STACK = 512 << 10
"""Bytes of stack that a guest may use."""
HOST_STACK = 224 << 10
"""Bytes that stay free below a guest, for the host functions that it calls.

A value nested 400 deep takes ``json``, ``pickle`` and ``repr`` 70 KiB, an import of SQLAlchemy 35 KiB; Python's
recursion limit bounds all of them.
"""
_UNKNOWN_USE = 128 << 10
"""Bytes that the host is taken to use itself where the stack pointer cannot be read."""
_ATTRIBUTES = 256
"""Bytes, more than any ``pthread_attr_t`` takes."""
_CONTEXT = 8192
"""Bytes, more than any ``ucontext_t`` takes."""
_STACK_POINTER = {"x86_64": 160, "aarch64": 432}
"""Where the stack pointer is in glibc's ``ucontext_t``, by machine."""
_JUMP_BUFFER = 512
"""Bytes, more than any ``jmp_buf`` takes."""
_JUMP_POINTER = {"x86_64": 48}
"""Where the stack pointer is in glibc's ``jmp_buf``, by machine: rotated and combined with the process's guard."""

_Reader: TypeAlias = Callable[[], int]
"""Returns the stack pointer."""


class ThreadStacks:
    """The stacks of the threads that call guests; the system is asked for each thread's bounds once.

    ``getcontext`` tells where the stack ends, but makes a system call, which takes longer than all else at the start of
    a call. ``setjmp`` makes none and encodes the pointer with a value that stays the same for the life of the process.
    That value is computed once from both results, and used only if they agree at another depth of the stack too.
    """

    def __init__(self) -> None:
        self._threads = threading.local()
        self._libc = ctypes.pythonapi if hasattr(ctypes.pythonapi, "pthread_getattr_np") else None
        machine = platform.machine()
        self._context_at = _STACK_POINTER.get(machine) if hasattr(self._libc, "getcontext") else None
        self._jump_at = _JUMP_POINTER.get(machine) if hasattr(self._libc, "_setjmp") else None
        self._guard = self._find_guard()

    def require(self, needed: int) -> None:
        """Raise ``HostExhaustion`` unless the calling thread has ``needed`` bytes of stack left."""
        left = self.left()
        if left is not None and left < needed:
            raise HostExhaustion(
                f"the calling thread has {left >> 10} KiB of stack left, and a guest needs {needed >> 10} KiB: "
                "call it from a thread with a larger stack (threading.stack_size, or ulimit -s)"
            )

    def left(self) -> int | None:
        """Return how many bytes of stack the calling thread has left, or ``None`` where the system does not tell."""
        try:
            pointer, lowest = self._threads.found
        except AttributeError:
            if self._libc is None:
                return None
            pointer, lowest = self._threads.found = self._find()
        left: int = pointer() - lowest
        return left

    def _find(self) -> tuple[_Reader, int]:
        """Return what reads the calling thread's stack pointer, and the lowest address of its stack."""
        lowest, highest = _bounds(self._libc)
        if self._context_at is None:
            return lambda: highest - _UNKNOWN_USE, lowest
        if self._guard is None:
            return _reader(self._libc, "getcontext", _CONTEXT, self._context_at), lowest
        return _unguarded(self._jump_reader(), self._guard), lowest

    def _jump_reader(self) -> _Reader:
        assert self._jump_at is not None
        return _reader(self._libc, "_setjmp", _JUMP_BUFFER, self._jump_at)

    def _find_guard(self) -> int | None:
        """Return what ``setjmp`` combines the stack pointer with, or ``None`` where that is not sure."""
        if self._context_at is None or self._jump_at is None:
            return None
        readers = (self._jump_reader(), _reader(self._libc, "getcontext", _CONTEXT, self._context_at))
        found = {_difference(*readers), *map(_difference, *zip(readers, strict=True))}
        return found.pop() if len(found) == 1 else None


def _difference(jump: _Reader, context: _Reader) -> int:
    return _unrotated(jump()) ^ context()


def _unguarded(jump: _Reader, guard: int) -> _Reader:
    return lambda: _unrotated(jump()) ^ guard


def _unrotated(value: int) -> int:
    return value >> 17 | (value & 0x1FFFF) << 47


def _reader(libc: Any, function: str, size: int, at: int) -> _Reader:
    """Return what calls a function that saves registers, and reads the one that it saves ``at`` that byte."""
    save = libc[function]
    save.restype = None
    saved = ctypes.create_string_buffer(size)
    address = ctypes.c_void_p.from_param(ctypes.addressof(saved))
    register = ctypes.c_uint64.from_buffer(saved, at)  # it keeps the buffer alive

    def read() -> int:
        save(address)
        return register.value

    return read


def _bounds(libc: Any) -> tuple[int, int]:
    """Return the calling thread's stack: its lowest address, and the one above its highest."""
    attributes = ctypes.create_string_buffer(_ATTRIBUTES)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    # A thread's identifier is what ``pthread_self`` returns.
    if libc.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes):
        return 0, sys.maxsize
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    lowest = address.value or 0
    return lowest, lowest + size.value
