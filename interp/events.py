"""The events of an execution: one observer for debugger, coverage and profiler."""

from __future__ import annotations

from typing import Any

from zenowasm.interp.errors import WasmError


class Paused(Exception):  # noqa: N818 - not an error: it reaches only the loop of an observed execution
    """Raised inside an observed execution to pause it between two instructions."""


class Probe:
    """An observer of all executions of one store; every method does nothing unless it is overridden.

    An ``execution`` is an ``interp.execution.Configuration``. A probe may read and change the execution's state. An
    exception that it raises ends the execution and propagates to the caller of the outermost call.
    """

    every: bool = True
    """Whether to pause before every instruction. Otherwise, an execution runs at full speed and pauses before its first
    instruction and where the code is armed (``interp.execution.arming``); the loop reads this after each pause."""

    def entered(self, execution: Any) -> None:
        """Run when an outermost call, or a call that the host makes back into a guest, begins."""

    def left(self, execution: Any) -> None:
        """Run when that call ends, in whatever way."""

    def code(self, function: Any, code: Any) -> Any:
        """Return the code to run for a ``FunctionInstance``: its own or an armed copy. Asked before its first call."""
        return code

    def before_instruction(self, execution: Any) -> None:
        """Run at each pause; the innermost frame's ``pc`` is at the next instruction."""

    def before_host_call(self, execution: Any, function: Any, arguments: tuple[Any, ...]) -> None:
        """Run before a guest's call of a ``HostFunction``."""

    def after_host_call(self, execution: Any) -> None:
        """Run when a host function has returned or raised."""

    def before_throw(self, execution: Any, exception: Any) -> None:
        """Run before an ``ExceptionInstance`` unwinds frames."""

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        """Run after an instruction trapped, before any frame is removed."""

    def at_checkpoint(self, consumed: int) -> int | None:
        """Run now and then at the entry of a loop or function, with the fuel that the store has consumed.

        Raises ``Paused`` to pause there. Returns the fuel at which it wants to run again at the latest, if any.
        """
