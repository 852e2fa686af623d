"""The observer of one store for a session: it pauses the store's executions where the session may have to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from zenowasm.interp.errors import WasmError
from zenowasm.interp.events import Paused, Probe
from zenowasm.interp.execution.arming import EVERYWHERE, ArmedCode

if TYPE_CHECKING:
    from zenowasm.backends.protocol import SteppingStore
    from zenowasm.debugger.session import Session
    from zenowasm.interp.execution import Configuration, Frame
    from zenowasm.interp.execution.code import Code
    from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction
    from zenowasm.interp.runtime.values import ExceptionInstance, Value


class StoreObserver(Probe):
    """An observer of one store; each of ``executions`` runs inside a host call of the one before.

    It lives as long as its store, so the session does not keep alive what the host has released.
    """

    def __init__(self, session: Session, owner: str, store: SteppingStore, *, every: bool) -> None:
        self.session = session
        self.owner = owner
        self._store = ref(store)
        self.every = every
        self.executions: list[Configuration] = []

    def entered(self, execution: Configuration) -> None:
        """Record an execution."""
        self.executions.append(execution)

    def left(self, execution: Configuration) -> None:
        """Forget an execution."""
        if execution in self.executions:
            self.executions.remove(execution)

    def code(self, function: FunctionInstance, code: Code) -> Code:
        """Return the code that the store is to run for a function."""
        return self.session.armed(function, code)

    def before_instruction(self, execution: Configuration) -> None:
        """Let the session inspect the next instruction."""
        frame = execution.frame
        if frame is not None:
            self.session.paused(self, execution, frame, entered=settle(frame))

    def before_host_call(self, execution: Configuration, function: HostFunction, arguments: tuple[Value, ...]) -> None:
        """Let the session inspect a call of a host function."""
        self.session.host_called(self, execution, function, arguments)

    def after_host_call(self, execution: Configuration) -> None:
        """Let the session inspect what a host function has changed."""
        self.session.host_returned(execution)

    def before_throw(self, execution: Configuration, exception: ExceptionInstance) -> None:
        """Let the session inspect an exception."""
        self.session.thrown(self, execution, exception)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Let the session inspect a trap."""
        self.session.trapped(self, execution, error)

    def at_checkpoint(self, consumed: int) -> int | None:
        """Pause if the user has interrupted the run."""
        if self.executions and self.session.interrupted:
            raise Paused
        return None

    def forget_code(self) -> None:
        """Let each function ask for its code again at its next call."""
        store = self._store()
        if store is not None:
            store.probe = self

    def rearm(self) -> None:
        """Let the store run the code that the session wants now, also in active calls."""
        self.forget_code()
        for execution in self.executions:
            for frame in execution.frames():
                frame.code = self.session.armed(frame.function, frame.module.valid.codes[frame.function.index])
            trip(execution.frame)


def trip(frame: Frame | None) -> None:
    """Pause an active call, and each call outside it, as soon as it is the innermost one."""
    while frame is not None:
        frame.fused = EVERYWHERE
        frame = frame.caller


def _running(code: Code) -> Any:
    return code.within if isinstance(code, ArmedCode) else code.fused


def settle(frame: Frame) -> bool:
    """Let a paused call run its armed code again; return whether the call begins here and its entry is armed."""
    code, fused = frame.code, frame.fused
    frame.fused = _running(code)
    return frame.pc == 0 and fused is code.fused and fused is not frame.fused
