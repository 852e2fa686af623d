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
from zenowasm.debugger.inspection import computed, shown, value_text
from zenowasm.debugger.stepping import Event
from zenowasm.debugger.watchpoints import Range, Watchpoint
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.runtime.instances import FunctionInstance, ModuleInstance
from zenowasm.timetravel.searches import Search, SearchOver
from zenowasm.timetravel.times import Time

if TYPE_CHECKING:
    from zenowasm.debugger.session import Session
    from zenowasm.timetravel.observer import TravelObserver

MOST: Final = 1_000
"""The maximum number of rows of an answer; it keeps the last ones."""
_BYTE: Final = 8
_RETURN: Final = KINDS[TABLE.by_mnemonic["return"]]
_COUNTED: Final = {"memory.fill": 3, "memory.copy": 3, "memory.init": 3}
"""The bulk operations that write to memory, and their operands: the address is the first, the length the last."""


@frozen
class Row:
    """Something that happened: when, where, and what."""

    time: Time
    function: str
    line: str | None
    offset: int
    text: str

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
class Survey(Search):
    """Runs up to ``end`` and collects rows, of which ``count`` were found."""

    session: Session
    end: Time | None = field(default=None, init=False)
    rows: deque[Row] = field(factory=lambda: deque(maxlen=MOST), init=False)
    count: int = field(default=0, init=False)
    _armed: dict[FunctionInstance, Code] = field(factory=dict, init=False)

    def at_checkpoint(self, consumed: int) -> int | None:
        """End behind the end."""
        if self.end is None:
            return None
        if consumed + self.offset > self.end.fuel:
            raise SearchOver
        return self.end.fuel - self.offset + 1

    def armed(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Return a function's armed code, which is made once."""
        found = self._armed.get(function)
        if found is None:
            found = self._armed[function] = self.arm(observer, function, code)
        return found

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm a function's code."""
        return code

    def finish(self, observer: TravelObserver) -> None:
        """Run at the end."""

    def add(self, observer: TravelObserver, frame: Frame, pc: int, text: str, time: Time | None = None) -> None:
        """Add a row for something that an instruction of an active call does."""
        time = time or self.time(frame, pc)
        if self.end is not None and time >= self.end:
            return
        view = self.session.view_of(observer, frame, pc)
        line = view.source_line
        self.count += 1
        self.rows.append(Row(time, view.function, None if line is None else str(line), view.line.offset, text))


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
                self._wrote(observer, frame, frame.pc - 1, time)

        hooks = {pc: self._hook(function.module, code, pc) for pc in writers}
        return arm(code, (), dict.fromkeys(writers, wrote), hooks) if writers else code

    def _hook(self, module: ModuleInstance, code: Code, pc: int) -> Hook:
        """Return a hook that knows whether an instruction writes the place, also if it does not change."""
        watched = self.place.watched
        opcode = code.at(pc).opcode

        def writes(frame: Frame) -> None:
            self._writing = self.time(frame, frame.pc - 1)

        if not isinstance(watched, Range):
            return _nothing if isinstance(watched, ElementCell) else writes
        immediates = code.at(pc).immediates[0]
        operands = _COUNTED.get(opcode.mnemonic)
        if operands is None and opcode.access is None:
            return _nothing  # memory.grow
        used = immediates[0] if isinstance(immediates, tuple) else immediates
        if opcode.mnemonic == "memory.init":
            used = immediates[1]
        if module.memories[used] is not watched.memory:
            return _nothing
        start, end = watched.start, watched.end

        def stores(frame: Frame) -> None:
            stack = frame.stack
            if operands is None:
                address, length = stack[-2] + immediates[1], width
            else:
                address, length = stack[-operands], stack[-1]
            if address < end and start < address + length:
                writes(frame)

        width = 16 if opcode.access is None else max(opcode.access.width // _BYTE, 1)
        return stores

    def _wrote(self, observer: TravelObserver, frame: Frame, pc: int, time: Time | None = None) -> None:
        before = self.place.shown
        self.place.look()
        self.add(observer, frame, pc, f"{self.place.expression} = {self.place.shown}, before {before}", time)

    def host_returned(self, observer: TravelObserver, frame: Frame) -> None:
        """Look at what a host function has written."""
        if self.place.differs:
            self._wrote(observer, frame, frame.pc - 1)

    def failed(self, observer: TravelObserver, frame: Frame, event: Event, error: WasmError | None) -> None:
        """Look at what an instruction has written that traps: nothing, unless the fuel ran out after the write."""
        time, self._writing = self._writing, None
        if self.place.differs:
            self._wrote(observer, frame, frame.pc - 1, time)


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
                self.add(observer, frame, 0, f"{begun[1]} returned {text}", begun[0])

        return arm(code, (), {}, dict.fromkeys(returns, returned), entry_hook=entered)

    def finish(self, observer: TravelObserver) -> None:
        """Add the calls that did not return."""
        for frame, (time, text) in self._open.items():
            self.add(observer, frame, 0, f"{text} did not return", time)
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
            try:
                value = shown(computed(self.expression, self.session.view_of(observer, frame, pc)), program)
            except DebuggerError as error:
                value = f"<{error}>"
            self.add(observer, frame, pc, f"{self.text} = {value}")

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
                self.add(observer, frame, frame.pc - 1, f"{self.text} became true")
            self._was = is_true

        return arm(code, (), {}, dict.fromkeys(places, reached))
