"""wasm3, an interpreter in C."""

from __future__ import annotations

from contextlib import ExitStack

from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.peer import installed_version

_STACK_BYTES = 1 << 20


class Wasm3:
    """The peer that is an interpreter, but not in Python."""

    label = "wasm3"
    install = "pip install pywasm3 (needs a C compiler)"
    in_process = True
    in_python = False

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("pywasm3")

    def compile(self, binary: bytes) -> bytes:
        """Return the module unchanged: instances share nothing."""
        return binary

    def instantiate(self, module: bytes, stack: ExitStack) -> Running:
        """Instantiate a module."""
        import wasm3

        environment = wasm3.Environment()
        runtime = environment.new_runtime(_STACK_BYTES)
        try:
            parsed = environment.parse_module(module)
            runtime.load(parsed)
            if b"\x03env\x04next" in module:  # linking a function that the module does not import is an error
                parsed.link_function("env", "next", "i(i)", next_number)
            return InProcess(runtime.find_function("run"), owner=(environment, runtime, parsed))
        except RuntimeError as error:
            raise RefusedError(str(error)) from error
