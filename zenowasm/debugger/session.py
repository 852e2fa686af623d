"""A debugging session: it watches stores, decides when to stop, and describes the stopped execution.

The session is independent of terminals and editors: it reports each stop to a frontend (``zenowasm.frontends``), which
returns how to resume.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from attrs import frozen

from zenowasm.backends.protocol import SteppingStore
from zenowasm.backends.protocol import Store as EngineStore
from zenowasm.debugger.breakpoints import ENTRY, Breakpoint, Breakpoints
from zenowasm.debugger.errors import DebuggerError, DebuggerQuit
from zenowasm.debugger.expressions import Expression, Result, number, parse
from zenowasm.debugger.inspection import FrameView, HostView, Variable
from zenowasm.debugger.program import Program
from zenowasm.debugger.stepping import Action, Plan, Reason, Resume, Stop
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.interp.errors import Exhaustion, Trap, UncaughtException, WasmError
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.code import Code
from zenowasm.interp.text.printer import InstructionLine
from zenowasm.interp.types import I32
from zenowasm.interp.validation import ValidModule

if TYPE_CHECKING:
    from zenowasm.debuginfo.lines import SourceLine

_ADDRESSES = (1 << 32) - 1
_FAILURES = (Trap, Exhaustion, UncaughtException)
"""The errors that count as a trap; a guest's other errors, such as WASI's exit, end it normally."""


class Front(Protocol):
    """The frontend: it shows stops to a user and returns the user's next action."""

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Inspect the stopped execution through ``session`` and return how to resume it."""
        ...


@frozen
class CodeLine:
    """A line of a listing: the instruction, whether it is the current one, and whether it has a breakpoint."""

    line: InstructionLine
    current: bool
    breakpoint: bool


@frozen
class SourceText:
    """A line of a source file: its number, its text, and whether it is the current one."""

    number: int
    text: str
    current: bool


class StoreProbe:
    """An observer of one store for a session; each of ``executions`` runs inside a host call of the one before.

    It lives as long as its store, so the session does not keep alive what the host has released.
    """

    def __init__(self, session: Session, owner: str) -> None:
        self.session = session
        self.owner = owner
        self.executions: list[tuple[int, Configuration]] = []

    def before_instruction(self, execution: Configuration) -> None:
        """Let the session inspect the next instruction."""
        self._enter(execution)
        self.session.before_instruction(self, execution)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Let the session inspect a trap."""
        self._enter(execution)
        self.session.before_unwinding(self, execution, error)

    def _enter(self, execution: Configuration) -> None:
        executions = self.executions
        if executions and executions[-1][1] is execution:
            return
        # ``nesting`` counts the active calls from outside: an execution recorded at this level or deeper has ended.
        nesting = execution.store.nesting
        while executions and executions[-1][0] >= nesting:
            executions.pop()
        executions.append((nesting, execution))


class Session:
    """A debugging session over any number of stores; calls from several threads wait for one another.

    With ``stop_at_start``, the session stops at the very first instruction. ``source_maps`` maps source folders from
    compile time to their present paths.
    """

    def __init__(
        self, front: Front, *, stop_at_start: bool = False, source_maps: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.breakpoints = Breakpoints()
        self._source_maps = source_maps
        self._front = front
        self._plan = Plan(Action.STEP if stop_at_start else Action.CONTINUE)
        self._lock = threading.RLock()
        self._programs: dict[ValidModule, Program] = {}
        self._places: dict[Code, Mapping[int, list[Breakpoint]]] = {}
        self._last: Frame | None = None
        self._error: WasmError | None = None
        self._over = False
        self._frames: tuple[FrameView | HostView, ...] = ()
        self._selected = 0

    def attach(self, owner: str, store: EngineStore) -> None:
        """Start to watch a store; ``owner`` is the displayed name of its frames."""
        cast(SteppingStore, store).probe = cast(Probe, StoreProbe(self, owner))

    # -- deciding when to stop --

    def before_instruction(self, probe: StoreProbe, execution: Configuration) -> None:
        """Stop here if a breakpoint or the plan requires it; raises ``DebuggerQuit`` if the user ends the run."""
        with self._lock:
            frame = execution.frame
            if self._over or frame is None:
                return
            entered = frame is not self._last and frame.pc == 0
            self._last, self._error = frame, None
            places = self._places.get(frame.code)
            if places is None:
                places = self._places_in(frame)
            hit = (*(places.get(ENTRY, ()) if entered else ()), *places.get(frame.pc, ()))
            if hit:
                hit = tuple(it for it in hit if self._counts(it, probe, frame))
            due = self._plan.due(frame)
            if hit or due:
                self._stop(probe, self._stop_at(frame, hit), frame.pc)

    def _counts(self, breakpoint_: Breakpoint, probe: StoreProbe, frame: Frame) -> bool:
        """Return whether a reached breakpoint stops; it also stops if its condition cannot be evaluated."""
        breakpoint_.problem = None
        condition = breakpoint_.condition
        if condition is not None:
            view = FrameView(0, probe.owner, self._program(frame), frame, frame.pc)
            try:
                if not number(computed(condition.expression, view)):
                    return False
            except DebuggerError as error:
                breakpoint_.problem = str(error)
        if breakpoint_.ignored:
            breakpoint_.ignored -= 1
            return False
        return True

    def before_unwinding(self, probe: StoreProbe, execution: Configuration, error: WasmError) -> None:
        """Stop once at a trap, where it happened; raises ``DebuggerQuit`` if the user ends the run."""
        with self._lock:
            frame = execution.frame
            if self._over or frame is None or error is self._error or not isinstance(error, _FAILURES):
                return
            self._error = error  # the same error unwinds every enclosing execution too
            self._stop(probe, Stop(Reason.TRAP, error=error), max(frame.pc - 1, 0))

    def _stop_at(self, frame: Frame, hit: tuple[Breakpoint, ...]) -> Stop:
        if hit:
            for breakpoint_ in hit:
                breakpoint_.hits += 1
            return Stop(Reason.BREAKPOINT, breakpoints=hit)
        finished = self._plan.frame if self._plan.action is Action.FINISH else None
        if finished is None:
            return Stop(Reason.STEP)
        to_guest = finished.caller is frame
        return Stop(Reason.RETURN, results=len(finished.function.type.results) if to_guest else None)

    def _stop(self, probe: StoreProbe, stop: Stop, pc: int) -> None:
        self._frames = tuple(self._views(probe, pc))
        self._selected = 0
        innermost = self.frame().frame
        try:
            resume = self._front.stopped(self, stop)
        finally:
            self._frames = ()
        if resume.action is Action.QUIT:
            self._over = True
            raise DebuggerQuit("the debugger ended the run")
        line = self._line_at(innermost, pc)
        self._plan = Plan.of(resume, innermost, line, self._line_that_begins)

    def _line_at(self, frame: Frame, pc: int) -> SourceLine | None:
        return self._program(frame).line_at(frame.function.index, pc)

    def _line_that_begins(self, frame: Frame) -> SourceLine | None:
        return self._program(frame).statements(frame.function.index)[frame.pc]

    def _views(self, probe: StoreProbe, pc: int) -> Iterator[FrameView | HostView]:
        level = 0
        for position, (_, execution) in enumerate(reversed(probe.executions)):
            for active, frame in enumerate(execution.frames()):
                at = pc if position == active == 0 else max(frame.pc - 1, 0)
                program = self._program(frame)
                if position and not active:
                    yield HostView(program.import_called(frame.function.index, at))
                yield FrameView(level, probe.owner, program, frame, at)
                level += 1

    def _program(self, frame: Frame) -> Program:
        valid = frame.module.valid
        program = self._programs.get(valid)
        if program is None:
            program = self._programs[valid] = Program(valid, self._source_maps)
            self.breakpoints.resolve(program)
        return program

    def _places_in(self, frame: Frame) -> Mapping[int, list[Breakpoint]]:
        places = self.breakpoints.within(self._program(frame), frame.function.index)
        self._places[frame.code] = places
        return places

    # -- breakpoints --

    def add_breakpoint(self, location: str, condition: str | None = None) -> Breakpoint:
        """Add a breakpoint (see ``Breakpoint``); it stays pending until a module has its location."""
        with self._lock:
            added = self.breakpoints.add(location, condition)
            for program in self._programs.values():
                self.breakpoints.resolve(program)
            self._places.clear()
            return added

    def delete_breakpoint(self, number: int) -> None:
        """Delete a breakpoint; raises ``DebuggerError`` if no breakpoint has that number."""
        with self._lock:
            self.breakpoints.delete(number)
            self._places.clear()

    def ignore(self, number: int, count: int) -> Breakpoint:
        """Skip the next ``count`` hits of a breakpoint; raises ``DebuggerError`` if no breakpoint has that number."""
        with self._lock:
            found = self.breakpoints.of(number)
            found.ignored = count
            return found

    def nearest_function(self, location: str) -> str | None:
        """Return the function or file of the modules seen so far whose name is most similar to ``location``."""
        path, colon, line = location.rpartition(":")
        if colon and line.isdigit():
            found = (program.source.nearest_file(path) for program in self._programs.values())
        else:
            found = (program.nearest(location.rpartition("+")[0] or location) for program in self._programs.values())
        return next((name for name in found if name is not None), None)

    # -- inspection --

    def backtrace(self) -> Sequence[FrameView | HostView]:
        """Return the active frames, innermost first, including the host's between them where it called back."""
        return self._frames

    def frame(self) -> FrameView:
        """Return the selected frame; raises ``DebuggerError`` if nothing is stopped."""
        for view in self._frames:
            if isinstance(view, FrameView) and view.level == self._selected:
                return view
        raise DebuggerError("nothing is stopped")

    def select(self, level: int) -> FrameView:
        """Select a frame, 0 being the innermost; raises ``DebuggerError`` if there is no such frame."""
        levels = [view.level for view in self._frames if isinstance(view, FrameView)]
        if level not in levels:
            raise DebuggerError(f"there is no frame {level}: expected 0 to {len(levels) - 1}")
        self._selected = level
        return self.frame()

    def local(self, name: str) -> Variable:
        """Return a local of the selected frame by name or index, with or without ``$``."""
        return self.frame().local(name)

    def evaluate(self, text: str) -> Result:
        """Return the value of an expression in the selected frame; raises ``DebuggerError``."""
        return computed(parse(text), self.frame())

    def memory(self, address: str, length: int) -> tuple[int, bytes]:
        """Return an address and up to ``length`` bytes from there, fewer at the end of the memory.

        ``address`` is a number, decimal or hexadecimal, or the name of an i32 local. Raises ``DebuggerError``.
        """
        memories = self.frame().frame.module.memories
        if not memories:
            raise DebuggerError("the module has no memory")
        at = self._address(address)
        size = memories[0].size
        if not 0 <= at < size or length < 1:
            raise DebuggerError(f"expected an address from 0 to 0x{size - 1:x} and a length, found {address} {length}")
        return at, memories[0].read(at, min(length, size - at))

    def _address(self, text: str) -> int:
        if not text.startswith("$"):
            try:
                return int(text, 0)
            except ValueError:
                pass  # not a number, so it is a name
        if text.startswith("$") and (variable := self.local(text)).type is not I32:
            raise DebuggerError(f"{variable.label} is not an address: it is {variable.type}, expected i32")
        found = self.evaluate(text)
        if isinstance(found, int):
            return found & _ADDRESSES
        if isinstance(found, float):
            raise DebuggerError(f"{text} is not an address: it is {found}")
        pointed = found.number()
        if isinstance(pointed, int) and found.is_pointer:
            return pointed
        if found.address is None:
            raise DebuggerError(f"{text} is not in memory")
        return found.address

    def source_listing(self, around: int, line: int | None = None) -> list[SourceText]:
        """Return the source around the selected frame's line, or around another line of its file.

        Raises ``DebuggerError`` if there is no source.
        """
        view = self.frame()
        place = view.source_line
        if place is None:
            raise DebuggerError(f"{view.function} has no source lines: build it with debugging information (-g)")
        text = view.program.source.text(place.file)
        if text is None:
            raise DebuggerError(
                f"{view.program.source.path(place.file)} cannot be read: name its folder by --source-map"
            )
        middle = place.line if line is None else line
        numbers = range(max(middle - around, 1), min(middle + around, len(text)) + 1)
        return [SourceText(number, text[number - 1], number == place.line) for number in numbers]

    def listing(self, around: int) -> list[CodeLine]:
        """Return the selected frame's code: up to ``around`` instructions before and after the current one."""
        view = self.frame()
        function = view.frame.function.index
        places = self.breakpoints.within(view.program, function)
        lines = view.program.function(function).lines[max(view.pc - around, 0) : view.pc + around + 1]
        stops = {max(pc, 0) for pc in places}
        return [CodeLine(line, line.pc == view.pc, line.pc in stops) for line in lines]


def computed(expression: Expression, view: FrameView) -> Result:
    """Return the value of an expression in a frame; raises ``DebuggerError``."""
    try:
        return expression(view)
    except (DebugInfoError, UnavailableError) as error:
        raise DebuggerError(str(error)) from None
