"""The events of an execution: the one protocol of debugger, tracer, coverage and recorder."""

from __future__ import annotations

from typing import Any, Protocol

from zenowasm.interp.errors import WasmError


class Probe(Protocol):
    """Watches an execution from inside its loop. ``execution`` is an ``interp.execution.Configuration``.

    A probe may read and change the execution's state. An exception that it raises ends the execution and travels to
    whoever made the outermost call.
    """

    def before_instruction(self, execution: Any) -> None:
        """Be called before each instruction, with the innermost frame's ``pc`` at it."""
        ...

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        """Be called after an instruction trapped, while all frames still stand."""
        ...
