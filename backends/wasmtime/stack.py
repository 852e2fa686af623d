"""Measures the rest of the calling thread's C stack.

wasmtime lets a guest use ``GUEST_STACK`` bytes below the calling frame without checking that the thread has them. If it
does not, the guest runs into the guard page and the process ends.
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
"""The number of bytes of stack that a guest may use."""
HOST_STACK = 224 << 10
"""The number of bytes that stay free below a guest, for the host functions that it calls.

For a value nested 400 deep, ``json``, ``pickle`` and ``repr`` use 70 KiB; importing SQLAlchemy uses 35 KiB. Python's
recursion limit bounds all of them.
"""
_UNKNOWN_USE = 128 << 10
"""The assumed stack use of the host, in bytes, if the stack pointer cannot be read."""
_ATTRIBUTES = 256
"""A number of bytes greater than the size of any ``pthread_attr_t``."""
_CONTEXT = 8192
"""A number of bytes greater than the size of any ``ucontext_t``."""
_STACK_POINTER = {"x86_64": 160, "aarch64": 432}
"""The offset of the stack pointer in glibc's ``ucontext_t``, by machine."""
_JUMP_BUFFER = 512
"""A number of bytes greater than the size of any ``jmp_buf``."""
_JUMP_POINTER = {"x86_64": 48}
"""The offset of the stack pointer in glibc's ``jmp_buf``, by machine; it is combined with the guard and rotated."""

_Reader: TypeAlias = Callable[[], int]
"""A function that returns the stack pointer."""


class ThreadStacks:
    """The stacks of the threads that call guests; each thread's bounds are determined once.

    ``getcontext`` returns the stack pointer, but makes a system call, which takes longer than everything else at the
    beginning of a call. ``setjmp`` makes no system call, and encodes the pointer with a guard value that is constant
    for the life of the process. The guard is computed once from both results, and used only if they agree at another
    depth of the stack, too.
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
        """Return the number of bytes left on the calling thread's stack, or ``None`` if the system does not tell."""
        try:
            pointer, lowest = self._threads.found
        except AttributeError:
            if self._libc is None:
                return None
            pointer, lowest = self._threads.found = self._find()
        left: int = pointer() - lowest
        return left

    def _find(self) -> tuple[_Reader, int]:
        """Return a reader of the calling thread's stack pointer, and the lowest address of its stack."""
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
        """Return the guard value of ``setjmp``, or ``None`` if it cannot be determined reliably."""
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
    """Return a function that calls ``function`` to save registers and returns the one saved at byte ``at``."""
    save = libc[function]
    save.restype = None
    saved = ctypes.create_string_buffer(size)
    address = ctypes.c_void_p.from_param(ctypes.addressof(saved))
    register = ctypes.c_uint64.from_buffer(saved, at)  # keeps the buffer alive

    def read() -> int:
        save(address)
        return register.value

    return read


def _bounds(libc: Any) -> tuple[int, int]:
    """Return the lowest address of the calling thread's stack, and the address above its highest."""
    attributes = ctypes.create_string_buffer(_ATTRIBUTES)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    # A thread's ``get_ident`` is the result of ``pthread_self``.
    if libc.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes):
        return 0, sys.maxsize
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    lowest = address.value or 0
    return lowest, lowest + size.value
