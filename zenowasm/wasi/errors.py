"""What ends a guest from inside WASI, and what ends one of its calls."""

from __future__ import annotations

from zenowasm.interp.errors import WasmError
from zenowasm.wasi.errno import Errno


class ProcExit(WasmError):  # noqa: N818  # named after the function that raises it
    """The guest called ``proc_exit``: it wants to end, and nothing of it may run after that."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code


class WasiError(Exception):
    """A function of preview 1 answers this error number; a guest sees it, a host never."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno
