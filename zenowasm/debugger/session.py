"""A debugging session: it watches stores, decides when to stop, and how to resume.

The session is independent of terminals and editors: it reports each stop to a frontend (``zenowasm.frontends``), which
returns how to resume.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

from zenowasm.backends.protocol import SteppingStore
from zenowasm.backends.protocol import Store as EngineStore
from zenowasm.coredumps.errors import DumpedError
from zenowasm.debugger.breakpoints import ENTRY, Breakpoint, Message, sites
from zenowasm.debugger.cells import ArgumentCell, Cell
from zenowasm.debugger.changes import assign, results_of, return_early
from zenowasm.debugger.errors import DebuggerError, DebuggerQuit
from zenowasm.debugger.expressions import number
from zenowasm.debugger.fronts import Front, Observe
from zenowasm.debugger.inspection import FrameView, computed, shown_or_why_not
from zenowasm.debugger.observer import StoreObserver, trip
from zenowasm.debugger.program import Program
from zenowasm.debugger.stepping import Action, Event, Plan, Reason, Resume, Stop
from zenowasm.debugger.viewer import Stopped, Viewer
from zenowasm.debugger.watchpoints import Change, Range, Watchpoint, memory_watchpoint, watchpoint
from zenowasm.interp.errors import Exhaustion, Trap, UncaughtException, WasmError
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.arming import EVERYWHERE, Check, also_pausing, arm
from zenowasm.interp.execution.code import Code
from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction
from zenowasm.interp.runtime.values import ExceptionInstance

if TYPE_CHECKING:
    from zenowasm.debuginfo.lines import SourceLine
    from zenowasm.interp.runtime.values import Value

_FAILURES = (Trap, Exhaustion, UncaughtException, DumpedError)
"""The errors that count as a trap; a guest's other errors, such as WASI's exit, end it normally."""


class Session(Viewer):
    """A debugging session over any number of stores; a thread that has to stop waits while another one is stopped.

    With ``stop_at_start``, the session stops at the very first instruction. With ``post_mortem``, it shows executions
    that can neither be changed nor continued. ``source_maps`` maps source folders from compile time to their present
    paths.
    """

    def __init__(
        self,
        front: Front,
        *,
        stop_at_start: bool = False,
        post_mortem: bool = False,
        source_maps: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(source_maps)
        self.watchpoints: dict[int, Watchpoint] = {}
        self.interrupted = False
        self.events = {Event.TRAP}
        """The events at which the session stops."""
        self.on_host_call: Callable[[str, Sequence[Cell]], None] | None = None
        """Called in the guest's thread before each call of a host function, with its name and its arguments."""
        self._numbers = count(1)
        self._front = front
        self._post_mortem = post_mortem
        self._plan = Plan(Action.STEP if stop_at_start else Action.CONTINUE)
        self._turn = threading.RLock()
        """Held by the thread that is stopped or decides whether to stop."""
        self._state = threading.RLock()
        """Held for moments, also by threads that change breakpoints while a guest runs."""
        self._observers: WeakSet[StoreObserver] = WeakSet()
        self._unseen: set[Program] = set()
        """The modules of which the first function is about to begin, if the session stops there."""
        self._over = False

    def attach(self, owner: str, store: EngineStore, observe: Observe = StoreObserver) -> None:
        """Start to watch a store by what ``observe`` returns; ``owner`` is the displayed name of its frames."""
        with self._state:
            stepping = cast(SteppingStore, store)
            observer = observe(self, owner, stepping, every=self._plan.goes_into_calls)
            stepping.probe = observer
            self._observers.add(observer)

    def interrupt(self) -> None:
        """Stop the guest as soon as possible; any thread and any signal handler may call this."""
        self.interrupted = True
        self._trip_all()

    # -- deciding when to stop --

    def armed(self, function: FunctionInstance, code: Code) -> Code:
        """Return a function's code that pauses at its breakpoints and checks watched values after they may change."""
        with self._state:
            is_new = function.module.valid not in self._programs
            program = self._program(function.module.valid)
            if is_new and Event.LOAD in self.events:
                self._unseen.add(program)
            places, checks = self.armed_places(function, code)
            at_entry = ENTRY in places or program in self._unseen
            if not at_entry and not places and not checks:
                return code
            return arm(code, places.keys() - {ENTRY}, checks, at_entry=at_entry)

    def armed_places(
        self, function: FunctionInstance, code: Code
    ) -> tuple[Mapping[int, Sequence[Breakpoint]], Mapping[int, Check]]:
        """Return a function's breakpoints by instruction or ``ENTRY``, and checks of watched values after others."""
        with self._state:
            places = self.breakpoints.within(self._program(function.module.valid), function.index)
            checks: dict[int, Check] = {}
            for it in self.watchpoints.values():
                for pc in it.watched.writers(function.module, code):
                    checks[pc] = _both(checks.get(pc), it.check)
            return places, checks

    def paused(self, observer: StoreObserver, execution: Configuration, frame: Frame, *, entered: bool) -> None:
        """Stop here if a breakpoint, a change or the plan requires it; raises ``DebuggerQuit`` if the user quits."""
        with self._turn:
            if self._over:
                return
            self._error = None
            stop = self._stop_at(observer, frame, entered=entered)
            if stop is not None:
                self._stop(Stopped(observer, execution, frame, frame.pc), stop)
            elif self._plan.action is not Action.CONTINUE:
                self._prepare(frame)

    def _stop_at(self, observer: StoreObserver, frame: Frame, *, entered: bool) -> Stop | None:
        changes = self._changes() if self.watchpoints else ()
        program = self._program_of(frame)
        is_new = program in self._unseen
        self._unseen.discard(program)
        places = self.breakpoints.within(program, frame.function.index)
        hit = (*(places.get(ENTRY, ()) if entered else ()), *places.get(frame.pc, ()))
        if hit:
            stopped = Stopped(observer, None, frame, frame.pc)
            hit = tuple(it for it in hit if self._counts(it, stopped))
        finished = self._plan.frame if self._plan.action in (Action.FINISH, Action.UNTIL) else None
        if finished is frame:
            finished = None  # it has reached the place, and not returned
        due = self._plan.due(frame)
        if changes:
            return Stop(Reason.WATCHPOINT, changes=changes)
        if hit:
            return Stop(Reason.BREAKPOINT, breakpoints=hit)
        if due and finished is not None:
            to_guest = finished.caller is frame
            return Stop(Reason.RETURN, results=len(finished.function.type.results) if to_guest else None)
        if due:
            return Stop(Reason.STEP)
        if is_new:
            return Stop(Reason.LOAD)
        return Stop(Reason.PAUSE) if self.interrupted else None

    def _counts(self, breakpoint_: Breakpoint, stopped: Stopped) -> bool:
        """Return whether a reached breakpoint stops; it also stops if its condition cannot be evaluated."""
        if not self._applies(breakpoint_, stopped):
            return False
        if breakpoint_.ignored:
            breakpoint_.ignored -= 1
            return False
        if breakpoint_.message is not None:
            breakpoint_.hits += 1
            self._front.logged(self, _logged(breakpoint_.message, self._view(stopped)))
            return False
        self._hit(breakpoint_)
        return True

    def _hit(self, breakpoint_: Breakpoint) -> None:
        breakpoint_.hits += 1
        if breakpoint_.temporary:
            self.breakpoints.delete(breakpoint_.number)

    def _applies(self, breakpoint_: Breakpoint, stopped: Stopped) -> bool:
        """Return whether a reached breakpoint is enabled, and its condition is true or cannot be evaluated."""
        breakpoint_.problem = None
        if not breakpoint_.enabled or not _runs_slot(breakpoint_, stopped.frame):
            return False
        condition = breakpoint_.condition
        if condition is not None:
            try:
                return bool(number(computed(condition.expression, self._view(stopped))))
            except DebuggerError as error:
                breakpoint_.problem = str(error)
        return True

    def _changes(self) -> tuple[Change, ...]:
        """Return the changes of watched values since they were last looked at; end watchpoints of finished calls."""
        found = []
        for it in list(self.watchpoints.values()):
            old = it.shown
            if it.call is not None and not self._is_active(it.call):
                del self.watchpoints[it.number]
                found.append(Change(it, old, None))
            elif it.differs:
                it.look()
                it.hits += 1
                found.append(Change(it, old, it.shown))
        return tuple(found)

    def _is_active(self, frame: Frame) -> bool:
        return any(frame is it for execution in self._executions() for it in execution.frames())

    def _executions(self) -> list[Configuration]:
        """Return the active executions of all stores."""
        with self._state:
            return [execution for observer in self._observers for execution in observer.executions]

    def _trip_all(self) -> None:
        """Pause every active call as soon as it is the innermost one of its execution."""
        for execution in self._executions():
            trip(execution.frame)

    def host_called(
        self, observer: StoreObserver, execution: Configuration, function: HostFunction, arguments: tuple[Value, ...]
    ) -> None:
        """Stop at a host function's call if a breakpoint requires it; raises ``DebuggerQuit`` if the user quits."""
        frame = execution.frame
        if not self.breakpoints.any_of_host_functions and self.on_host_call is None:
            return
        if frame is None or execution not in observer.executions:
            return
        with self._turn:
            name, reached, stopped = self._called(observer, frame, function, arguments)
            if self.on_host_call is not None:
                self.on_host_call(name or "a function that is no import", stopped.arguments)
            hit = () if self._over else tuple(it for it in reached if self._counts(it, stopped))
            if hit:
                self._stop(stopped, Stop(Reason.BREAKPOINT, breakpoints=hit, host_function=name))

    def _called(
        self, observer: StoreObserver, frame: Frame, function: HostFunction, arguments: tuple[Value, ...]
    ) -> tuple[str | None, Sequence[Breakpoint], Stopped]:
        """Return the name of a called host function, the breakpoints at its calls, and the stop there."""
        name = self._program(frame.module.valid).import_of(frame.module, function)
        types = function.type.parameters
        cells = tuple(ArgumentCell(value, type_) for value, type_ in zip(arguments, types, strict=True))
        stopped = Stopped(observer, None, frame, max(frame.pc - 1, 0), arguments=cells)
        return name, [] if name is None else self.breakpoints.of_host_function(name), stopped

    def host_returned(self, execution: Configuration) -> None:
        """Pause before the next instruction if the host has changed a watched value."""
        if any(it.differs for it in self.watchpoints.values()):
            trip(execution.frame)

    def thrown(self, observer: StoreObserver, execution: Configuration, exception: ExceptionInstance) -> None:
        """Stop where an exception is thrown, if asked to; raises ``DebuggerQuit`` if the user quits."""
        frame = execution.frame
        if Event.THROW not in self.events or frame is None or execution not in observer.executions:
            return
        with self._turn:
            if not self._over:
                stop = Stop(Reason.THROW, exception=exception)
                self._stop(Stopped(observer, None, frame, max(frame.pc - 1, 0)), stop)

    def trapped(self, observer: StoreObserver, execution: Configuration, error: WasmError) -> None:
        """Stop once at a trap, where it happened, if asked to; raises ``DebuggerQuit`` if the user quits."""
        with self._turn:
            frame = execution.frame
            if self._over or frame is None or error is self._error or not isinstance(error, _FAILURES):
                return
            self._error = error  # the same error unwinds every enclosing execution too
            if Event.TRAP in self.events:
                self._stop(Stopped(observer, None, frame, max(frame.pc - 1, 0)), Stop(Reason.TRAP, error=error))

    def _stop(self, stopped: Stopped, stop: Stop) -> None:
        self.interrupted = False
        self._selected = 0
        self._stopped = stopped
        stopped.results = stop.results or 0
        try:
            resume = self._front.stopped(self, stop)
            if resume.action is Action.QUIT:
                self._over = True
                raise DebuggerQuit("the debugger ended the run")
            self._depart(resume, stopped.frame, stopped.pc, during=stopped.execution is None)
            self._resume(resume, stopped.frame, stopped.pc)
        finally:
            self._stopped = None

    # -- in replays --

    def would_stop(self, observer: StoreObserver, breakpoint_: Breakpoint, frame: Frame, pc: int) -> bool:
        """Return whether a breakpoint at an instruction would stop there, were it never ignored."""
        return breakpoint_.message is None and self._applies(breakpoint_, Stopped(observer, None, frame, pc))

    def would_stop_at_call(
        self, observer: StoreObserver, frame: Frame, function: HostFunction, arguments: tuple[Value, ...]
    ) -> bool:
        """Return whether a breakpoint would stop at a call of a host function."""
        if not self.breakpoints.any_of_host_functions:
            return False
        _, reached, stopped = self._called(observer, frame, function, arguments)
        return any(it.message is None and self._applies(it, stopped) for it in reached)

    def rebind(self, observer: StoreObserver, it: Watchpoint, innermost: Frame) -> None:
        """Let a watchpoint on a variable of a call watch it in the same call after a journey in time."""
        call, frame = it.call, innermost
        while call is not None and frame.depth > call.depth and frame.caller is not None:
            frame = frame.caller
        if call is None or frame.depth != call.depth or frame.function is not call.function:
            return
        if isinstance(it.watched, Range):
            # The same call has the same memory, whose address is not yet known where the call begins.
            it.call = frame
            return
        pc = frame.pc if frame is innermost else frame.pc - 1
        view = FrameView(0, observer.owner, self._program_of(frame), frame, pc)
        with suppress(DebuggerError):  # optimized code may have no value of it here
            made = watchpoint(it.number, it.expression, view)
            it.watched, it.text, it.call = made.watched, made.text, made.call

    def arrive(
        self, observer: StoreObserver, execution: Configuration, frame: Frame, stop: Stop | None, *, at_entry: bool
    ) -> None:
        """Go on from another time: with a stop for that reason, or with one where breakpoints require it."""
        with self._turn:
            for it in self.watchpoints.values():
                self.rebind(observer, it, frame)
                it.look()
            self._rearm()
            self._plan = Plan(Action.CONTINUE)
            self._set_every(every=False)
            self._error = None
            if stop is None:
                stop = self._stop_at(observer, frame, entered=at_entry)
            else:
                for reached in stop.breakpoints:
                    self._hit(reached)
            if stop is not None:
                self._stop(Stopped(observer, execution, frame, frame.pc), stop)

    def reach_end(self, text: str | None) -> None:
        """Stop where the replay ends, for the reason ``text`` unless the recording ends there, too."""
        with self._turn:
            if self._over:
                return
            self._selected = 0
            resume = self._front.stopped(self, Stop(Reason.END, text=text))
            self._depart(resume, None, 0, during=False)

    def _depart(self, resume: Resume, frame: Frame | None, pc: int, *, during: bool) -> None:
        """Leave for another time, if the user wants to and the run is a replay."""
        if self.timeline is not None and resume.action.travels:
            self._plan = Plan(Action.CONTINUE)
            self.timeline.depart(resume, frame, pc, during=during)

    def tell(self, text: str) -> None:
        """Show a text to the user."""
        self._front.logged(self, text)

    # -- how to resume --

    def _resume(self, resume: Resume, frame: Frame | None, pc: int) -> None:
        for it in self.watchpoints.values():
            it.look()  # the user's own changes are none to stop at
        if frame is None:  # an early return to the host
            self._plan = Plan(Action.STEP if resume.action is not Action.CONTINUE else Action.CONTINUE)
        else:
            line = self._program_of(frame).line_at(frame.function.index, pc)
            places = self._places(resume.place, frame, line) if resume.action is Action.UNTIL else ()
            self._plan = Plan.of(resume, frame, line, self._line_that_begins, places)
        self._set_every(every=self._plan.goes_into_calls)
        if self._plan.action is Action.CONTINUE:
            return
        if self._plan.goes_into_calls:
            # The loop of this execution asks before each instruction; only those outside it have to be paused.
            for execution in self._executions():
                if execution.frame is not None:
                    execution.frame.fused = EVERYWHERE
        else:
            self._trip_all()
        if frame is not None:
            self._prepare(frame)

    def _prepare(self, frame: Frame) -> None:
        """Pause an active call where the plan may stop in it; called again whenever the call was paused."""
        plan = self._plan
        match plan.action:
            case Action.STEP_LINE:
                has_lines = frame is plan.frame or any(self.statements(frame.function))
                self._set_every(every=has_lines)
                if not has_lines:
                    trip(frame.caller)
            case Action.NEXT if plan.covers(frame):
                frame.fused = EVERYWHERE
            case Action.NEXT_LINE | Action.UNTIL if plan.covers(frame):
                if frame.code not in plan.pausing:
                    begins = (pc for pc, line in enumerate(self.statements(frame.function)) if line is not None)
                    places = plan.places if plan.action is Action.UNTIL else tuple(begins)
                    plan.pausing[frame.code] = also_pausing(frame.code, places)
                frame.fused = plan.pausing[frame.code]

    def _set_every(self, *, every: bool) -> None:
        with self._state:
            for observer in self._observers:
                observer.every = every

    def _places(self, location: str | None, frame: Frame, line: SourceLine | None) -> Collection[int]:
        """Return the instructions of a call's function at a location, or where its later lines begin."""
        function = frame.function.index
        if location is not None:
            found = sites(self._program_of(frame), location)
            return {max(site.pc, 0) for site in found if site.function == function}
        begins = enumerate(self.statements(frame.function))
        return {pc for pc, it in begins if it and line and it.file == line.file and it.line > line.line}

    def _line_that_begins(self, frame: Frame) -> SourceLine | None:
        return self.statements(frame.function)[frame.pc]

    def _rearm(self) -> None:
        with self._state:
            for program in self._programs.values():
                self.breakpoints.resolve(program)
            for observer in self._observers:
                observer.rearm()

    # -- breakpoints and watchpoints --

    def add_breakpoint(
        self,
        location: str,
        condition: str | None = None,
        *,
        log: str | None = None,
        temporary: bool = False,
        program: Program | None = None,
    ) -> Breakpoint:
        """Add a breakpoint (see ``Breakpoint``); it stays pending until a module has its location.

        With ``log``, it reports this text instead of stopping; expressions in braces are replaced by their values.
        ``program`` is the only module in which to look for the location. Raises ``DebuggerError``. Any thread may call
        this, also while a guest runs.
        """
        with self._state:
            added = self.breakpoints.add(next(self._numbers), location, condition, log, program)
            added.temporary = temporary
            self._rearm()
            return added

    def add_watchpoint(self, expression: str) -> Watchpoint:
        """Stop after the value of an expression in the selected frame changes; raises ``DebuggerError``."""
        return self._watch(watchpoint(next(self._numbers), expression, self.frame()))

    def watch_memory(self, address: int, length: int) -> Watchpoint:
        """Stop after any of ``length`` bytes of the selected frame's first memory changes; raises ``DebuggerError``."""
        return self._watch(memory_watchpoint(next(self._numbers), address, length, self.frame()))

    def _watch(self, made: Watchpoint) -> Watchpoint:
        with self._state:
            self.watchpoints[made.number] = made
            self._rearm()
            return made

    def delete_breakpoint(self, number: int) -> None:
        """Delete a breakpoint or watchpoint; raises ``DebuggerError`` if none has that number."""
        with self._state:
            if self.watchpoints.pop(number, None) is None:
                self.breakpoint(number)
                self.breakpoints.delete(number)
            self._rearm()

    def breakpoint(self, number: int) -> Breakpoint:
        """Return the breakpoint with that number; raises ``DebuggerError`` if there is none."""
        found = self.breakpoints.find(number)
        if found is None:
            known = ", ".join(map(str, sorted([*(it.number for it in self.breakpoints), *self.watchpoints]))) or "none"
            raise DebuggerError(f"there is no breakpoint {number}: expected one of {known}")
        return found

    def ignore(self, number: int, count: int) -> Breakpoint:
        """Skip the next ``count`` hits of a breakpoint; raises ``DebuggerError`` if no breakpoint has that number."""
        with self._state:
            found = self.breakpoint(number)
            found.ignored = count
            return found

    def enable(self, number: int, *, enabled: bool) -> Breakpoint:
        """Let a breakpoint stop again, or no more; raises ``DebuggerError`` if no breakpoint has that number."""
        with self._state:
            found = self.breakpoint(number)
            found.enabled = enabled
            return found

    def stop_on(self, event: Event, *, enabled: bool) -> None:
        """Stop at all events of a kind, or at none; at first, the session stops at traps only."""
        with self._state:
            self.events = self.events | {event} if enabled else self.events - {event}

    # -- changes --

    def assign(self, target: str, value: str) -> None:
        """Change a source variable, or ``$local``, ``$stack[0]``, ``$globals[0]``, ``$tables[0][3]`` or ``$u8[1024]``.

        ``value`` is an expression, or ``null`` for a reference. Raises ``DebuggerError`` and changes nothing if the
        value does not fit.
        """
        with self._changing(f"{target} = {value}"):
            assign(self.frame(), target, value)

    @contextmanager
    def _changing(self, text: str) -> Iterator[None]:
        """Change the guest; raises ``DebuggerError`` where that is not possible. In a replay, that begins a branch."""
        self._require_life("changed")
        stopped = self._stopped
        if self.timeline is not None and stopped is not None:
            self.timeline.check_change(stopped.observer, stopped.execution)
        yield
        if self.timeline is not None and stopped is not None and stopped.execution is not None:
            self.timeline.changed(stopped.execution, text)

    def check_resume(self, resume: Resume) -> None:
        """Raise ``DebuggerError`` if the stopped execution cannot be resumed in that way."""
        if resume.action.travels:
            self.require_timeline()
        if resume.action is not Action.QUIT:
            self._require_life("continued")

    def _require_life(self, done: str) -> None:
        if self._post_mortem:
            raise DebuggerError(f"a coredump cannot be {done}: it shows how a run ended")

    def write_memory(self, address: int, data: bytes) -> None:
        """Write to the first memory; raises ``DebuggerError`` and writes nothing if the bytes are not all inside it."""
        self._require_life("changed")
        memories = self.frame().frame.module.memories
        if not memories:
            raise DebuggerError("the module has no memory")
        try:
            with self._changing(f"{len(data)} bytes at 0x{address:x}"):
                memories[0].write(address, data)
        except IndexError as error:
            raise DebuggerError(str(error)) from None

    def return_early(self, values: Sequence[str]) -> bool:
        """Return from the selected call at once, with the values of expressions as results.

        The execution is then stopped in the caller; the result is false if that is the host. Raises ``DebuggerError``
        where a call cannot return: during a trap, a throw or a host call.
        """
        stopped, view = self._stopped, self.frame()
        if stopped is None or stopped.execution is None:
            raise DebuggerError("a call can return only between instructions: not at a trap, a throw or a host call")
        results = results_of(view, values)
        caller = view.frame.caller
        with self._changing(f"an early return from {view.function}"):
            return_early(stopped.execution, view, results)
        stopped.frame, stopped.pc = caller, 0 if caller is None else caller.pc
        stopped.results = len(results)
        self._selected = 0
        return caller is not None


def _both(first: Check | None, second: Check) -> Check:
    if first is None:
        return second

    def check(frame: Frame) -> None:
        first(frame)
        second(frame)

    return check


def _runs_slot(breakpoint_: Breakpoint, frame: Frame | None) -> bool:
    """Return whether a call runs the slot of a breakpoint, if the breakpoint has one."""
    if breakpoint_.slot is None:
        return True
    if frame is None or len(frame.locals) < 2 or not frame.module.memories:
        return False
    address, length = frame.locals[:2]
    name = breakpoint_.slot.encode()
    if not isinstance(address, int) or length != len(name):
        return False
    memory = frame.module.memories[0]
    return address + length <= memory.size and memory.read(address, length) == name


def _logged(message: Message, view: FrameView) -> str:
    """Return a logpoint's message with the values of its expressions, or why they have none."""
    return "".join(before + shown_or_why_not(it, view) for before, it in message.parts) + message.end
