"""ppci, a compiler in Python, which compiles a module to native code."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import Final

from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.peer import installed_version

_REFUSALS: Final = (AssertionError, LookupError, NotImplementedError)
"""The exceptions by which ppci reports that it does not know an instruction or a type."""


class PpciNative:
    """The peer that compiles ahead of time, and supports WebAssembly 1.0 only."""

    label = "ppci-native"
    install = "pip install 'zenowasm[build]'"
    in_process = True
    in_python = False

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("ppci")

    def compile(self, binary: bytes) -> bytes:
        """Return the module unchanged: ppci modifies a decoded module in compilation, so instances cannot share one."""
        return binary

    def instantiate(self, module: bytes, stack: ExitStack) -> Running:
        """Compile and instantiate a module."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # ppci imports modules that Python has deprecated
            from ppci.common import CompilerError
            from ppci.wasm import Module, instantiate

        def following(number: int) -> int:
            return next_number(number)

        following.__annotations__ = {"number": int, "return": int}  # ppci reads them, and needs types, not strings
        try:
            instance = instantiate(Module(module), imports={"env": {"next": following}}, target="native")
        except (*_REFUSALS, CompilerError) as error:
            raise RefusedError(f"{type(error).__name__}: {error}") from error
        return InProcess(instance.exports.run, owner=instance)
