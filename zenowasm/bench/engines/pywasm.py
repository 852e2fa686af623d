"""pywasm, an interpreter in pure Python."""

from __future__ import annotations

from contextlib import ExitStack
from io import BytesIO
from operator import itemgetter
from typing import Any

from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.peer import installed_version


class Pywasm:
    """The peer that follows the specification's algorithm."""

    label = "pywasm"
    install = "pip install pywasm"
    in_process = True
    in_python = True

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("pywasm")

    def compile(self, binary: bytes) -> Any:
        """Decode a module."""
        import pywasm

        try:
            return pywasm.ModuleDesc.from_reader(BytesIO(binary))
        except (AssertionError, LookupError) as error:  # raised for an unknown instruction
            raise RefusedError(f"{type(error).__name__}: {error}") from error

    def instantiate(self, module: Any, stack: ExitStack) -> Running:
        """Instantiate a module in a new runtime."""
        import pywasm

        runtime = pywasm.Runtime()
        number = pywasm.ValType.i32()
        function = pywasm.FuncType([number], [number])
        called = runtime.allocate_func_host(function, lambda machine, arguments: [next_number(arguments[0])])
        runtime.imports = {"env": {"next": called}}
        instance = runtime.instance(module)
        return InProcess(lambda argument: runtime.invocate(instance, "run", [argument]), itemgetter(0))
