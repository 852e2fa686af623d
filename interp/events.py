"""The events of an execution: one protocol for debugger, tracer, coverage and recorder."""

from __future__ import annotations

from typing import Any, Protocol

from zenowasm.interp.errors import WasmError


class Probe(Protocol):
    """An observer inside the execution loop. ``execution`` is an ``interp.execution.Configuration``.

    A probe may read and change the execution's state. An exception that it raises ends the execution and propagates
    to the caller of the outermost call.
    """

    def before_instruction(self, execution: Any) -> None:
        """Run before each instruction; the innermost frame's ``pc`` is at that instruction."""
        ...

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        """Run after an instruction trapped, before any frame is removed."""
        ...
