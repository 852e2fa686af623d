"""The exceptions that end a guest from inside WASI, or one of its WASI calls."""

from __future__ import annotations

from zenowasm.interp.errors import WasmError
from zenowasm.wasi.errno import Errno


class ProcExit(WasmError):  # noqa: N818  # named after the function that raises it
    """The guest called ``proc_exit``; none of its code may run afterwards."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code


class WasiError(Exception):
    """A preview 1 function failed. The guest receives the error number; the host never sees this exception."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno
