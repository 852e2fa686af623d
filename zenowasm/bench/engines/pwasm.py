"""pwasm, in pure Python: it interprets, or compiles to Python source."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.peer import installed_version


class Pwasm:
    """pwasm in one of its modes."""

    install = "pip install pwasm==0.2a0"
    in_process = True
    in_python = True

    def __init__(self, mode: str) -> None:
        self.label = f"pwasm-{mode}"
        self._mode = mode

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("pwasm")

    def compile(self, binary: bytes) -> Any:
        """Decode a module."""
        import pwasm
        from pwasm.errors import WasmError

        try:
            return pwasm.decode_module(binary)
        except WasmError as error:
            raise RefusedError(str(error)) from error

    def instantiate(self, module: Any, stack: ExitStack) -> Running:
        """Instantiate a module."""
        import pwasm
        from pwasm.errors import WasmError

        try:
            instance = pwasm.instantiate(module, {"env": {"next": next_number}}, mode=self._mode)
        except WasmError as error:
            raise RefusedError(str(error)) from error
        return InProcess(instance.exports["run"])
