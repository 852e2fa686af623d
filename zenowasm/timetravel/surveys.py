"""Runs of a whole replay that collect the answers to a question."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from zenowasm.debugger.breakpoints import ENTRY, sites
from zenowasm.debugger.cells import ElementCell
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import Expression, number
from zenowasm.debugger.inspection import computed, shown_or_why_not, value_text
from zenowasm.debugger.program import Program
from zenowasm.debugger.stepping import Event
from zenowasm.debugger.watchpoints import Range, Watchpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.syntax.module import Instruction
from zenowasm.timetravel.places import target_of
from zenowasm.timetravel.searches import ArmedSearch
from zenowasm.timetravel.times import Time

if TYPE_CHECKING:
    from zenowasm.debugger.session import Session
    from zenowasm.timetravel.observer import TravelObserver

MOST: Final = 1_000
"""The maximum number of rows of an answer; it keeps the last ones."""
_RETURN: Final = KINDS[TABLE.by_mnemonic["return"]]


@frozen
class Row:
    """Something that happened: when, where, and what."""

    time: Time
    function: str
    line: str | None
    offset: int
    text: str

    @classmethod
    def of(cls, time: Time, program: Program, function: int, pc: int, text: str) -> Row:
        """Return what an instruction of a function did at a time."""
        line, offset = program.line_at(function, pc), program.function(function).lines[pc].offset
        return cls(time, program.function_name(function), None if line is None else str(line), offset, text)

    def __str__(self) -> str:
        at = f" at {self.line}" if self.line is not None else ""
        return f"{self.time}: {self.text} in {self.function}{at} (byte 0x{self.offset:x})"

    def json(self) -> Mapping[str, object]:
        """Return it as the keys of a JSON object."""
        return {
            "time": self.time.fuel,
            "what": self.text,
            "function": self.function,
            "line": self.line,
            "offset": self.offset,
        }


@define(eq=False)
class Survey(ArmedSearch):
    """Collects rows, of which ``count`` were found."""

    session: Session
    end: Time | None = field(default=None, init=False)
    rows: deque[Row] = field(factory=lambda: deque(maxlen=MOST), init=False)
    count: int = field(default=0, init=False)

    def finish(self) -> None:
        """Run at the end."""

    def add(self, frame: Frame, pc: int, text: str, time: Time | None = None) -> None:
        """Add a row for something that an instruction of an active call does."""
        time = time or self.time(frame, pc)
        if self.end is not None and time >= self.end:
            return
        self.count += 1
        self.rows.append(Row.of(time, self.session.program_of(frame.function), frame.function.index, pc, text))


@define(eq=False)
class WriteSurvey(Survey):
    """Collects the writes of a place, which a watchpoint names; also those of the value that it has already."""

    place: Watchpoint
    _writing: Time | None = field(default=None, init=False)

    def begin(self, observer: TravelObserver, frame: Frame) -> None:
        """Know the value at the beginning."""
        self.place.look()

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the instructions that may write the place."""
        watched = self.place.watched
        writers = list(watched.writers(function.module, code))

        def wrote(frame: Frame) -> None:
            time, self._writing = self._writing, None
            if time is not None or self.place.differs:
                self._wrote(frame, frame.pc - 1, time)

        hooks = {pc: self._hook(code.at(pc)) for pc in writers}
        return arm(code, (), dict.fromkeys(writers, wrote), hooks) if writers else code

    def _hook(self, instruction: Instruction) -> Hook:
        """Return a hook that knows whether an instruction writes the place, also if it does not change."""
        watched = self.place.watched

        def writes(frame: Frame) -> None:
            self._writing = self.time(frame, frame.pc - 1)

        if not isinstance(watched, Range):
            return _nothing if isinstance(watched, ElementCell) else writes
        target = target_of(instruction)
        if target is None:
            return _nothing
        memory, start, end = watched.memory, watched.start, watched.end

        def stores(frame: Frame) -> None:
            written = target(frame)
            if written.start < end and start < written.end and written.memory is memory:
                writes(frame)

        return stores

    def _wrote(self, frame: Frame, pc: int, time: Time | None = None) -> None:
        before = self.place.shown
        self.place.look()
        self.add(frame, pc, f"{self.place.expression} = {self.place.shown}, before {before}", time)

    def host_returned(self, observer: TravelObserver, frame: Frame) -> None:
        """Look at what a host function has written."""
        if self.place.differs:
            self._wrote(frame, frame.pc - 1)

    def failed(self, observer: TravelObserver, frame: Frame, event: Event, error: WasmError | None) -> None:
        """Look at what an instruction has written that traps: nothing, unless the fuel ran out after the write."""
        time, self._writing = self._writing, None
        if self.place.differs:
            self._wrote(frame, frame.pc - 1, time)


def _nothing(frame: Frame) -> None:
    """Know nothing: only a change shows that the place was written."""


@define(eq=False)
class CallSurvey(Survey):
    """Collects the calls of functions, with arguments and results."""

    location: str
    _open: dict[Frame, tuple[Time, str]] = field(factory=dict, init=False)

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the entry and the returns of a function that is asked for."""
        program = self.session.program_of(function)
        if function.index not in program.find(self.location):
            return code
        returns = [pc for pc, kind in enumerate(code.kinds) if kind == _RETURN] + [len(code.kinds) - 1]

        def entered(frame: Frame) -> None:
            types = zip(function.type.parameters, frame.locals, strict=False)
            text = ", ".join(value_text(type, value, program) for type, value in types)
            self._open[frame] = (self.time(frame, 0), f"{program.function_name(function.index)}({text})")

        def returned(frame: Frame) -> None:
            begun = self._open.pop(frame, None)
            if begun is not None:
                count = len(function.type.results)
                values = frame.stack[len(frame.stack) - count :]
                types = zip(function.type.results, values, strict=True)
                text = ", ".join(value_text(type, value, program) for type, value in types) or "nothing"
                self.add(frame, 0, f"{begun[1]} returned {text}", begun[0])

        return arm(code, (), {}, dict.fromkeys(returns, returned), entry_hook=entered)

    def finish(self) -> None:
        """Add the calls that did not return."""
        for frame, (time, text) in self._open.items():
            self.add(frame, 0, f"{text} did not return", time)
        self._open.clear()


@define(eq=False)
class PrintSurvey(Survey):
    """Collects the values of an expression at a location."""

    text: str
    expression: Expression
    location: str

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the location."""
        program = self.session.program_of(function)
        found = {it.pc for it in sites(program, self.location) if it.function == function.index}

        def reached(frame: Frame) -> None:
            pc = frame.pc - 1
            value = shown_or_why_not(self.expression, self.session.view_of(observer, frame, pc))
            self.add(frame, pc, f"{self.text} = {value}")

        entry = reached if ENTRY in found else None
        return arm(code, (), {}, dict.fromkeys(found - {ENTRY}, reached), entry_hook=entry) if found else code


@define(eq=False)
class TruthSurvey(Survey):
    """Collects the statements of a function before which an expression has become true."""

    text: str
    expression: Expression
    function: FunctionInstance
    _was: bool = field(default=False, init=False)

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm the instructions of the function that begin a source line, or all of them."""
        if function is not self.function:
            return code
        statements = self.session.statements(function)
        places = [pc for pc, line in enumerate(statements) if line is not None] or range(len(code.kinds))

        def reached(frame: Frame) -> None:
            try:
                view = self.session.view_of(observer, frame, frame.pc - 1)
                is_true = bool(number(computed(self.expression, view)))
            except DebuggerError:
                is_true = False
            if is_true and not self._was:
                self.add(frame, frame.pc - 1, f"{self.text} became true")
            self._was = is_true

        return arm(code, (), {}, dict.fromkeys(places, reached))
