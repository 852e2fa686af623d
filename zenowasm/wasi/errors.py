"""What ends a guest from inside WASI."""

from __future__ import annotations

from zenowasm.interp.errors import WasmError


class ProcExit(WasmError):  # noqa: N818  # named after the function that raises it
    """The guest called ``proc_exit``: it wants to end, and nothing of it may run after that."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code
