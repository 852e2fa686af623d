"""How much of the calling thread's C stack is left.

wasmtime lets a guest use ``GUEST_STACK`` bytes below the frame that calls it and does not ask whether the thread has
them. Where it has not, the guest runs into the guard page and the process ends.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import threading
from typing import Any

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


class ThreadStacks:
    """The stacks of the threads that call guests; the system is asked for each thread's bounds once."""

    def __init__(self) -> None:
        self._threads = threading.local()
        self._libc = ctypes.pythonapi if hasattr(ctypes.pythonapi, "pthread_getattr_np") else None
        self._pointer_at = _STACK_POINTER.get(platform.machine()) if hasattr(self._libc, "getcontext") else None
        self._save_registers: Any = None
        if self._libc is not None and self._pointer_at is not None:
            self._save_registers = self._libc["getcontext"]
            self._save_registers.restype = None

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
        if self._libc is None:
            return None
        try:
            thread: _Thread = self._threads.thread
        except AttributeError:
            thread = self._threads.thread = _Thread(self._libc, self._pointer_at or 0)
        if self._pointer_at is None:
            return thread.highest - _UNKNOWN_USE - thread.lowest
        self._save_registers(thread.registers_at)
        return thread.pointer.value - thread.lowest


class _Thread:
    """The calling thread's stack: its lowest address, the one above its highest, and space for its registers.

    ``pointer`` is the place of the stack pointer among the registers.
    """

    __slots__ = ("highest", "lowest", "pointer", "registers_at")

    def __init__(self, libc: Any, pointer_at: int) -> None:
        attributes = ctypes.create_string_buffer(_ATTRIBUTES)
        address, size = ctypes.c_void_p(), ctypes.c_size_t()
        self.lowest, self.highest = 0, sys.maxsize
        # A thread's identifier is what ``pthread_self`` returns.
        if not libc.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes):
            libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
            libc.pthread_attr_destroy(attributes)
            self.lowest = address.value or 0
            self.highest = self.lowest + size.value
        registers = ctypes.create_string_buffer(_CONTEXT)
        self.registers_at = ctypes.c_void_p.from_param(ctypes.addressof(registers))
        self.pointer = ctypes.c_uint64.from_buffer(registers, pointer_at)  # it keeps the registers alive
