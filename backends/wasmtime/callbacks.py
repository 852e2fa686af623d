"""Callbacks from wasmtime's compiled code into Python.

An exception may be raised where no ``try`` of a callback can catch it: a signal handler may run before the callback's
first instruction or while it handles another exception, and Python's stack may be too short to enter it at all. ctypes
then returns an undefined pointer to C. cffi returns 0 instead and passes the exception to ``onerror``, which is a C
function here: storing the exception runs no Python code, so nothing can interrupt it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import _cffi_backend

_FFI = _cffi_backend.FFI()
# `import cffi` would also import a parser of C declarations (40 ms); the parser in its C part suffices for these types.

_set_item = ctypes.PYFUNCTYPE(None, *[ctypes.py_object] * 4)(("PyDict_SetItem", ctypes.pythonapi))
"""The fourth argument, the traceback, is unused: the exception contains it."""


Uncaught: TypeAlias = dict[type[BaseException], BaseException]
"""Exceptions by type, in the order in which they were raised."""
buffer = _FFI.buffer
"""``buffer(pointer, size)``: the bytes at a ``char *`` argument of a callback, valid while the callback runs."""


class Callbacks:
    """A factory of C functions that call Python functions, and the exceptions that these could not catch.

    A function that raises returns 0 to C. The C functions live as long as this object. ``uncaught`` holds the
    exceptions that are still to be raised.
    """

    def __init__(self) -> None:
        self.uncaught: Uncaught = {}
        self._made: list[Any] = []

    def make(self, signature: str, function: Callable[..., int]) -> int:
        """Return the address of a C function with a signature such as ``uintptr_t(uintptr_t, size_t)``."""
        made = _FFI.callback(signature, function, error=0, onerror=partial(_set_item, self.uncaught))
        self._made.append(made)
        return int(_FFI.cast("uintptr_t", made))

    @property
    def failed(self) -> bool:
        """Whether there is an exception to raise."""
        return bool(self.uncaught)

    def take(self) -> BaseException | None:
        """Return the first exception that no callback caught, and clear all of them."""
        for error in self.uncaught.values():
            self.uncaught.clear()
            return error
        return None
