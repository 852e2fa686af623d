"""The observer of one store of a replay that goes back and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenowasm.debugger.observer import StoreObserver, settle
from zenowasm.debugger.stepping import Event
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Configuration
from zenowasm.interp.execution.arming import EVERYWHERE
from zenowasm.interp.execution.code import Code
from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction
from zenowasm.interp.runtime.values import ExceptionInstance

if TYPE_CHECKING:
    from zenowasm.backends.protocol import SteppingStore
    from zenowasm.debugger.session import Session
    from zenowasm.timetravel.machine import TimeMachine


class TravelObserver(StoreObserver):
    """Observes for the machine's search while there is one, and otherwise for the session."""

    def __init__(
        self, machine: TimeMachine, session: Session, owner: str, store: SteppingStore, *, every: bool
    ) -> None:
        self._machine = machine
        self._every = every
        super().__init__(session, owner, store, every=every)
        machine.attach(self)

    @property
    def every(self) -> bool:
        """Whether to pause before every instruction: as the search wants, in all stores, or as the session does."""
        search = self._machine.search
        return self._every if search is None else search.every

    @every.setter
    def every(self, every: bool) -> None:
        self._every = every

    def entered(self, execution: Configuration) -> None:
        """Let the machine set its clock at the beginning of an outermost call."""
        if not self.executions:
            self._machine.call_begins(self, execution)
        super().entered(execution)

    def left(self, execution: Configuration) -> None:
        """Let the machine set its clock at the end of an outermost call."""
        super().left(execution)
        if not self.executions:
            self._machine.call_ends(execution)

    def code(self, function: FunctionInstance, code: Code) -> Code:
        """Return the code that the store is to run for a function."""
        search = self._machine.search
        return super().code(function, code) if search is None else search.armed(self, function, code)

    def before_instruction(self, execution: Configuration) -> None:
        """Let the search or the session inspect the next instruction; take the snapshots that are due."""
        search, frame = self._machine.search, execution.frame
        if frame is None:
            return
        if search is None:
            self._machine.keep_if_due(self, execution)
            super().before_instruction(execution)
        else:
            if frame.fused is EVERYWHERE:
                settle(frame)  # a call that begins keeps the hook at its entry
            search.paused(self, execution, frame)

    def before_host_call(self, execution: Configuration, function: HostFunction, arguments: tuple[Any, ...]) -> None:
        """Let the search or the session inspect a call of a host function."""
        search, frame = self._machine.search, execution.frame
        if search is None:
            super().before_host_call(execution, function, arguments)
        elif frame is not None:
            search.host_called(self, frame, function, arguments)

    def after_host_call(self, execution: Configuration) -> None:
        """Let the search or the session inspect what a host function has changed."""
        search, frame = self._machine.search, execution.frame
        if search is None:
            super().after_host_call(execution)
        elif frame is not None:
            search.host_returned(self, frame)

    def before_throw(self, execution: Configuration, exception: ExceptionInstance) -> None:
        """Let the search or the session inspect an exception."""
        search, frame = self._machine.search, execution.frame
        if search is None:
            super().before_throw(execution, exception)
        elif frame is not None:
            search.failed(self, frame, Event.THROW, None)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Let the search or the session inspect a trap."""
        search, frame = self._machine.search, execution.frame
        if search is None:
            super().before_unwinding(execution, error)
        elif frame is not None:
            search.failed(self, frame, Event.TRAP, error)

    def at_checkpoint(self, consumed: int) -> int | None:
        """Pause where a snapshot is due, or where the search wants to; give up a search that is interrupted."""
        search = self._machine.search
        if search is None:
            super().at_checkpoint(consumed)
            return self._machine.next_snapshot(self, consumed)
        self._machine.check_interrupt()
        return search.at_checkpoint(consumed)
