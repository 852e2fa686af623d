"""Two observers of one store."""

from __future__ import annotations

from typing import Any

from zenowasm.interp.errors import WasmError
from zenowasm.interp.events import Probe


class Together(Probe):
    """An observer that passes each event to two others; only ``first`` arms code, and neither pauses."""

    every = False

    def __init__(self, first: Probe, second: Probe) -> None:
        self._first = first
        self._second = second

    def entered(self, execution: Any) -> None:
        """Pass it on."""
        self._first.entered(execution)
        self._second.entered(execution)

    def left(self, execution: Any) -> None:
        """Pass it on."""
        self._first.left(execution)
        self._second.left(execution)

    def code(self, function: Any, code: Any) -> Any:
        """Return the code that the first observer wants."""
        return self._first.code(function, code)

    def before_instruction(self, execution: Any) -> None:
        """Pass it on."""
        self._first.before_instruction(execution)
        self._second.before_instruction(execution)

    def before_host_call(self, execution: Any, function: Any, arguments: tuple[Any, ...]) -> None:
        """Pass it on."""
        self._first.before_host_call(execution, function, arguments)
        self._second.before_host_call(execution, function, arguments)

    def after_host_call(self, execution: Any) -> None:
        """Pass it on."""
        self._first.after_host_call(execution)
        self._second.after_host_call(execution)

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        """Pass it on."""
        self._first.before_unwinding(execution, error)
        self._second.before_unwinding(execution, error)
