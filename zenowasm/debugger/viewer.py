"""What is stopped: its calls, variables, memory and code, for a front to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from zenowasm.coredumps.format import Coredump
from zenowasm.coredumps.writing import captured
from zenowasm.debugger.breakpoints import Breakpoints
from zenowasm.debugger.cells import Cell, Cells
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import Result, number, parse
from zenowasm.debugger.fronts import Timeline
from zenowasm.debugger.inspection import FrameView, HostView, Variable, computed
from zenowasm.debugger.observer import StoreObserver
from zenowasm.debugger.program import Program
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.text.printer import InstructionLine
from zenowasm.interp.types import I32
from zenowasm.interp.validation import ValidModule

if TYPE_CHECKING:
    from zenowasm.debuginfo.lines import SourceLine

_ADDRESSES = (1 << 32) - 1


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


@define
class Stopped:
    """Where an execution is stopped; ``execution`` is set if it can continue elsewhere, by an early return."""

    observer: StoreObserver
    execution: Configuration | None
    frame: Frame | None
    pc: int
    results: int = 0
    arguments: tuple[Cell, ...] = ()


class Viewer:
    """Looks at the stopped execution, and knows the modules that have run; the base of a session, which stops it.

    ``source_maps`` maps source folders from compile time to their present paths.
    """

    def __init__(self, source_maps: Mapping[str, str]) -> None:
        self.breakpoints = Breakpoints()
        self.timeline: Timeline | None = None
        """The times of the run, if it is a replay."""
        self._source_maps = source_maps
        self._programs: dict[ValidModule, Program] = {}
        self._error: WasmError | None = None
        """The trap at which, or after which, it is stopped."""
        self._stopped: Stopped | None = None
        self._selected = 0

    @property
    def is_stopped(self) -> bool:
        """Whether an execution is stopped."""
        return self._stopped is not None

    @property
    def time(self) -> Any:
        """The time at which the session is stopped, ``None`` if the run is no replay or at its end."""
        stopped = self._stopped
        if self.timeline is None or stopped is None or stopped.frame is None:
            return None
        return self.timeline.time(stopped.frame, stopped.pc, during=stopped.execution is None)

    def require_timeline(self) -> Timeline:
        """Return the times of the run; raises ``DebuggerError`` if it is no replay."""
        if self.timeline is None:
            raise DebuggerError(
                "only a replay can go back: record a run by --record, then `zenowasm debug --replay FILE`"
            )
        return self.timeline

    # -- modules --

    def _program_of(self, frame: Frame) -> Program:
        return self._program(frame.module.valid)

    def _program(self, valid: ValidModule) -> Program:
        program = self._programs.get(valid)
        if program is None:
            program = self._programs[valid] = Program(valid, self._source_maps)
            self.breakpoints.resolve(program)
        return program

    def view_of(self, observer: StoreObserver, frame: Frame, pc: int) -> FrameView:
        """Return an active call at an instruction."""
        return self._view(Stopped(observer, None, frame, pc))

    def program_of(self, function: FunctionInstance) -> Program:
        """Return the module of a function."""
        return self._program(function.module.valid)

    def knows_function(self, name: str) -> bool:
        """Return whether a module that has run has a function of that name."""
        return any(program.find(name) for program in self._programs.values())

    def line_of(self, frame: Frame, pc: int) -> SourceLine | None:
        """Return the source line of an instruction of an active call."""
        return self._program_of(frame).line_at(frame.function.index, pc)

    def statements(self, function: FunctionInstance) -> Sequence[SourceLine | None]:
        """Return, for each instruction of a function, the source line that begins there."""
        return self._program(function.module.valid).statements(function.index)

    def nearest_function(self, location: str) -> str | None:
        """Return the function or file of the modules seen so far whose name is most similar to ``location``."""
        path, colon, line = location.rpartition(":")
        programs = list(self._programs.values())  # a guest that runs meanwhile may add some
        if colon and line.isdigit():
            found = (program.source.nearest_file(path) for program in programs)
        else:
            found = (program.nearest(location.rpartition("+")[0] or location) for program in programs)
        return next((name for name in found if name is not None), None)

    # -- calls --

    def backtrace(self) -> Sequence[FrameView | HostView]:
        """Return the active frames, innermost first, including the host's between them where it called back."""
        return self._views()

    def frame(self) -> FrameView:
        """Return the selected frame; raises ``DebuggerError`` if nothing is stopped."""
        for view in self._views():
            if isinstance(view, FrameView) and view.level == self._selected:
                return view
        raise self._nothing_stopped()

    def _nothing_stopped(self) -> DebuggerError:
        if self.timeline is not None:
            return DebuggerError("the replay is at its end, where no function runs: reverse-step and goto lead back")
        return DebuggerError("nothing is stopped")

    def select(self, level: int) -> FrameView:
        """Select a frame, 0 being the innermost; raises ``DebuggerError`` if there is no such frame."""
        levels = [view.level for view in self._views() if isinstance(view, FrameView)]
        if not levels:
            raise self._nothing_stopped()
        if level not in levels:
            raise DebuggerError(f"there is no frame {level}: expected 0 to {len(levels) - 1}")
        self._selected = level
        return self.frame()

    def _views(self) -> list[FrameView | HostView]:
        stopped = self._stopped
        return [] if stopped is None else list(self._views_of(stopped))

    def _views_of(self, stopped: Stopped) -> Iterator[FrameView | HostView]:
        owner, level = stopped.observer.owner, 0
        for position, execution in enumerate(reversed(stopped.observer.executions)):
            for active, frame in enumerate(execution.frames()):
                program = self._program_of(frame)
                if position == active == 0:
                    yield self._view(stopped)
                else:
                    at = max(frame.pc - 1, 0)
                    if not active:
                        yield HostView(program.import_called(frame.function.index, at))
                    yield FrameView(level, owner, program, frame, at)
                level += 1

    def _view(self, stopped: Stopped) -> FrameView:
        frame = stopped.frame
        assert frame is not None
        return FrameView(
            0, stopped.observer.owner, self._program_of(frame), frame, stopped.pc, stopped.results, stopped.arguments
        )

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
        if isinstance(found, Cell | Cells):
            return int(number(found)) & _ADDRESSES
        pointed = found.number()
        if isinstance(pointed, int) and found.is_pointer:
            return pointed
        if found.address is None:
            raise DebuggerError(f"{text} is not in memory")
        return found.address

    def coredump(self) -> Coredump:
        """Return the stopped execution as a coredump; raises ``DebuggerError`` if nothing is stopped."""
        stopped = self._stopped
        if stopped is None or stopped.frame is None:
            raise DebuggerError("nothing is stopped")
        frames = (frame for it in reversed(stopped.observer.executions) for frame in it.frames())
        owner, why = stopped.observer.owner, "stopped by a debugger" if self._error is None else str(self._error)
        return captured(owner, why, owner, frames, pc=stopped.pc)

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
