"""The guest at a stop: what a client asks about it, answered in the guest's thread."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from zenowasm.debugger import Action, DebuggerError, FrameView, HostView, Reason, Resume, Session, Stop
from zenowasm.debugger.rust_names import readable
from zenowasm.display import visible
from zenowasm.frontends.dap import arguments as ask
from zenowasm.frontends.dap.code import Code
from zenowasm.frontends.dap.errors import RequestError
from zenowasm.frontends.dap.handles import Handles
from zenowasm.frontends.dap.variables import (
    MOST_AT_ONCE,
    CellScope,
    Container,
    Entry,
    OwnScope,
    SourceScope,
    entry_named,
    entry_of,
)
from zenowasm.frontends.terminal import COMMANDS, find_command, last_name
from zenowasm.interp.errors import Trap
from zenowasm.interp.runtime.instances import ModuleInstance

THREAD: Final = 1
"""The only thread that a client sees: while one thread is stopped, another that has to stop waits."""
_MOST_FRAMES: Final = 10_000
_MOST_BYTES: Final = 1 << 20
_LONGEST_OUTPUT: Final = 1 << 20
_FORMS: Final[Mapping[int, str]] = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
"""The expressions for numbers in memory, by size in bytes."""
Body: TypeAlias = Mapping[str, Any]


@frozen
class Answer:
    """The body of a response, how to go on, what to do after the response, and whether the guest's state changed."""

    body: Body
    resume: Resume | None = None
    after: Callable[[], None] | None = None
    has_changed: bool = False


class Stopped:
    """The current stop of a session. References to frames and variables end with it."""

    def __init__(self, code: Code, frames: Handles[FrameView | HostView], containers: Handles[Container]) -> None:
        self._code = code
        self._frames = frames
        self._containers = containers
        self._frame_ids: dict[int, int] = {}
        self.session: Session
        self.stop: Stop

    def begin(self, session: Session, stop: Stop) -> None:
        """Begin a stop."""
        self.session, self.stop = session, stop
        if stop.reason is Reason.END:
            return  # no frame
        module = session.select(0).frame.module
        if module.memories:
            self._code.data(module, 0)  # clients may ask for an address without a reference

    def end(self) -> None:
        """Forget the references."""
        self._frames.clear()
        self._containers.clear()
        self._frame_ids.clear()

    # -- frames --

    def stack_trace(self, arguments: ask.StackTrace) -> Answer:
        """List frames, the innermost first, with the host's between them."""
        views = self.session.backtrace()
        start = max(arguments.start_frame, 0)
        levels = min(arguments.levels if arguments.levels > 0 else _MOST_FRAMES, _MOST_FRAMES)
        shown = [self._frame(at, views[at]) for at in range(start, min(start + levels, len(views)))]
        return Answer({"stackFrames": shown, "totalFrames": len(views)})

    def _frame(self, position: int, view: FrameView | HostView) -> Body:
        if position not in self._frame_ids:
            self._frame_ids[position] = self._frames.add(view)
        number = self._frame_ids[position]
        if isinstance(view, HostView):
            name = f"[host] {view.function or 'a host function'}"
            return {"id": number, "name": visible(name), "line": 0, "column": 0, "presentationHint": "label"}
        return {
            "id": number,
            "name": visible(readable(view.function)),
            "instructionPointerReference": self._code.instruction(view.program, view.line.offset),
            "moduleId": view.owner,
            **self._code.source(view),
        }

    def _view(self, frame: int | None) -> FrameView:
        """Select a frame, the innermost one without a number; raises ``RequestError``."""
        if frame is None:
            return self.session.select(0)
        view = self._frames.of(frame)
        if isinstance(view, HostView):
            raise RequestError("this frame is the host's: it has no variables")
        return self.session.select(view.level)

    # -- variables --

    def scopes(self, arguments: ask.Scopes) -> Answer:
        """List the scopes of a frame."""
        view = self._view(arguments.frame_id)
        own = [
            ("WebAssembly locals", OwnScope(view, "", view.locals)),
            ("Operand stack", OwnScope(view, "stack", view.operands)),
            ("Globals", OwnScope(view, "globals", view.globals)),
        ]
        operands = view.operand_cells()
        passed = [
            ("Returned", CellScope(view, "results", operands[len(operands) - view.results :])),
            ("Host call", CellScope(view, "arguments", view.arguments)),
        ]
        has_source = view.source_line is not None
        scopes = [self._scope("Variables", SourceScope(view), hint="locals")] if has_source else []
        for name, scope in own:
            hint = "locals" if not scope.group and not has_source else "registers"
            scopes.append(self._scope(name, scope, hint=hint))
        scopes += [self._scope(name, scope, hint="arguments") for name, scope in passed if scope.count()]
        return Answer({"scopes": scopes})

    def _scope(self, name: str, scope: Container, *, hint: str) -> Body:
        return {
            "name": name,
            "presentationHint": hint,
            "variablesReference": self._containers.add(scope),
            "expensive": False,
        }

    def variables(self, arguments: ask.Variables) -> Answer:
        """List the variables of a scope, or the parts of a value."""
        container = self._containers.of(arguments.variables_reference)
        if arguments.filter is not None and (arguments.filter == "indexed") != container.is_indexed:
            return Answer({"variables": []})
        wanted = arguments.count if arguments.count > 0 else MOST_AT_ONCE
        entries = container.entries(max(arguments.start, 0), min(wanted, MOST_AT_ONCE))
        return Answer({"variables": [self._variable(it, container.view) for it in entries]})

    def _variable(self, entry: Entry, view: FrameView) -> Body:
        shown: dict[str, Any] = {"name": entry.name, "value": visible(entry.text), **self._parts(entry, view)}
        return shown if entry.expression is None else {**shown, "evaluateName": entry.expression}

    def _parts(self, entry: Entry, view: FrameView) -> Body:
        """Return what a variable and the result of an expression have in common."""
        parts: dict[str, Any] = {"variablesReference": 0}
        if entry.type:
            parts["type"] = entry.type
        if entry.parts is not None:
            parts["variablesReference"] = self._containers.add(entry.parts)
            parts["indexedVariables" if entry.parts.is_indexed else "namedVariables"] = entry.parts.count()
        if entry.address is not None and view.frame.module.memories:
            parts["memoryReference"] = self._code.data(view.frame.module, entry.address)
        return parts

    # -- expressions --

    def evaluate(self, arguments: ask.Evaluate) -> Answer:
        """Evaluate an expression; in the debug console also execute a command of the terminal's debugger."""
        try:
            view = self._view(arguments.frame_id)
            entry = self._evaluated(arguments.expression, view)
        except DebuggerError:
            if arguments.context != "repl":
                raise
            return self._command(arguments.expression)
        return Answer({"result": visible(entry.text), **self._parts(entry, view)})

    def _evaluated(self, expression: str, view: FrameView) -> Entry:
        return entry_of(expression, self.session.evaluate(expression), expression, view)

    def _command(self, line: str) -> Answer:
        """Execute a command; raises ``DebuggerError`` if it is none, or fails."""
        words = line.split()
        command = find_command(words[0]) if words else None
        if command is None or len(words) - 1 > command.most:
            raise DebuggerError(
                "expected an expression or a command" if command is None else f"expected {command.usage}"
            )
        outcome = command.run(self.session, words[1:])
        if isinstance(outcome, Resume):
            return Answer({"result": "", "variablesReference": 0}, outcome)
        text = "\n".join(map(visible, outcome))[:_LONGEST_OUTPUT]
        return Answer({"result": text, "variablesReference": 0}, has_changed=True)

    def set_variable(self, arguments: ask.SetVariable) -> Answer:
        """Change a variable of a scope, or a part of a value."""
        container = self._containers.of(arguments.variables_reference)
        entry = entry_named(container, arguments.name)
        if entry is None or entry.expression is None:
            raise RequestError(f"there is no variable {arguments.name} that can be changed")
        return self._assigned(entry.expression, arguments.value, self.session.select(container.view.level))

    def set_expression(self, arguments: ask.SetExpression) -> Answer:
        """Change what an expression refers to."""
        return self._assigned(arguments.expression, arguments.value, self._view(arguments.frame_id))

    def _assigned(self, expression: str, value: str, view: FrameView) -> Answer:
        self.session.assign(expression, value)
        entry = self._evaluated(expression, self.session.select(view.level))
        return Answer({"value": visible(entry.text), **self._parts(entry, view)}, has_changed=True)

    def data_breakpoint_info(self, arguments: ask.DataBreakpointInfo) -> Answer:
        """Name the data of a variable, an expression or an address; they can be watched for changes."""
        if arguments.variables_reference:
            container = self._containers.of(arguments.variables_reference)
            entry, level = entry_named(container, arguments.name), container.view.level
            expression = None if entry is None else entry.expression
        else:
            level = self._view(arguments.frame_id).level
            expression = self._watched(arguments)
        if expression is None:
            return Answer({"dataId": None, "description": f"{arguments.name} has no place that can be watched"})
        return Answer({"dataId": f"{level} {expression}", "description": expression, "accessTypes": ["write"]})

    def _watched(self, arguments: ask.DataBreakpointInfo) -> str | None:
        if not arguments.as_address:
            return arguments.name
        form = _FORMS.get(arguments.bytes or 1)
        module, address = self._code.memory_at(arguments.name, 0)
        is_here = self.session.frame().frame.module is module
        return f"${form}[{address}]" if form is not None and is_here else None

    def completions(self, arguments: ask.Completions) -> Answer:
        """Complete the last word of an expression, or a command at the beginning of the line."""
        view = self._view(arguments.frame_id)
        text = arguments.text[: max(arguments.column - 1, 0)]
        start = last_name(text)
        names = view.names + ([it.name for it in COMMANDS] if start == text.lstrip() else [])
        found = [
            {"label": it, "start": len(text) - len(start), "length": len(start)} for it in names if it.startswith(start)
        ]
        return Answer({"targets": found[:MOST_AT_ONCE]})

    # -- going on --

    def continue_(self, arguments: ask.ThreadArguments) -> Answer:
        """Go on to the next breakpoint."""
        return Answer({"allThreadsContinued": True}, Resume(Action.CONTINUE))

    def step_over(self, arguments: ask.Step) -> Answer:
        """Execute a line or an instruction, calls as a whole."""
        return Answer({}, self._step(arguments, Action.NEXT_LINE, Action.NEXT))

    def step_in(self, arguments: ask.Step) -> Answer:
        """Execute a line or an instruction, into calls."""
        return Answer({}, self._step(arguments, Action.STEP_LINE, Action.STEP))

    def step_out(self, arguments: ask.Step) -> Answer:
        """Run until the function has returned."""
        self.session.select(0)
        return Answer({}, Resume(Action.FINISH))

    def step_back(self, arguments: ask.Step) -> Answer:
        """Go back a line or an instruction, calls as a whole; from the end to the last instruction."""
        self._require_replay()
        if self.stop.reason is Reason.END:
            return Answer({}, Resume(Action.STEP_BACK))
        return Answer({}, self._step(arguments, Action.NEXT_LINE_BACK, Action.NEXT_BACK))

    def reverse_continue(self, arguments: ask.ThreadArguments) -> Answer:
        """Go back to the last breakpoint, watched write or trap."""
        self._require_replay()
        return Answer({}, Resume(Action.CONTINUE_BACK))

    def _require_replay(self) -> None:
        if self.session.timeline is None:
            raise RequestError("only a replay can go back: record a run by --record FILE, and launch it with replay")

    def _step(self, arguments: ask.Step, by_lines: Action, by_instructions: Action) -> Resume:
        by_lines_here = arguments.granularity != "instruction" and self.session.select(0).source_line is not None
        return Resume(by_lines if by_lines_here else by_instructions)

    # -- code and memory --

    def source(self, arguments: ask.SourceText) -> Answer:
        """Return the text of a disassembly."""
        source = arguments.source
        reference = arguments.source_reference or (source.source_reference if source is not None else 0)
        return Answer({"content": self._code.disassembly(reference).text, "mimeType": "text/x-wat"})

    def disassemble(self, arguments: ask.Disassemble) -> Answer:
        """List instructions."""
        instructions = self._code.disassemble(
            arguments.memory_reference, arguments.offset, arguments.instruction_offset, arguments.instruction_count
        )
        return Answer({"instructions": instructions})

    def read_memory(self, arguments: ask.ReadMemory) -> Answer:
        """Return bytes of a memory, as far as they are inside it."""
        if not 0 <= arguments.count <= _MOST_BYTES:
            raise RequestError(f"expected from 0 to {_MOST_BYTES} bytes, found {arguments.count}")
        address, data = self._read(arguments.memory_reference, arguments.offset, arguments.count)
        body: dict[str, Any] = {"address": address}
        if data:
            body["data"] = base64.b64encode(data).decode()
        if len(data) < arguments.count:
            body["unreadableBytes"] = arguments.count - len(data)
        return Answer(body)

    def write_memory(self, arguments: ask.WriteMemory) -> Answer:
        """Change bytes of a memory."""
        try:
            data = base64.b64decode(arguments.data, validate=True)
        except ValueError:
            raise RequestError("the data are not in base64") from None
        module, address = self._code.memory_at(arguments.memory_reference, arguments.offset)
        self._select_in(module)
        if arguments.allow_partial:
            data = data[: max(module.memories[0].size - address, 0)]
        self.session.write_memory(address, data)
        return Answer({"bytesWritten": len(data)}, has_changed=True)

    def loaded_sources(self, arguments: ask.Nothing) -> Answer:
        """List the source files of the modules in which the guest has stopped."""
        return Answer({"sources": self._code.sources()})

    def _read(self, reference: str, offset: int, count: int) -> tuple[str, bytes]:
        module, address = self._code.memory_at(reference, offset)
        self._select_in(module)
        inside = max(min(count, module.memories[0].size - address), 0)
        data = self.session.memory(str(address), inside)[1] if inside else b""
        return self._code.data(module, address), data

    def _select_in(self, module: ModuleInstance) -> None:
        """Select an active call of a module; raises ``RequestError`` if there is none."""
        for view in self.session.backtrace():
            if isinstance(view, FrameView) and view.frame.module is module:
                self.session.select(view.level)
                return
        raise RequestError("the module of this memory has no active call at this stop")

    # -- exceptions --

    def exception_info(self, arguments: ask.ThreadArguments) -> Answer:
        """Describe the trap or the thrown exception at which the guest has stopped."""
        error = self.stop.error
        if error is None and self.stop.exception is None:
            raise RequestError("the guest has stopped neither at a trap nor at an exception")
        name = error.code.value if isinstance(error, Trap) else "exception" if error is None else str(error)
        text = "an exception is thrown" if error is None else str(error)
        calls = [it for it in self.session.backtrace() if isinstance(it, FrameView)][:_MOST_FRAMES]
        trace = "\n".join(
            visible(f"{readable(it.function)}{f' at {it.source_line}' if it.source_line else ''}") for it in calls
        )
        details = {"message": text, "typeName": type(error or self.stop.exception).__name__, "stackTrace": trace}
        return Answer({"exceptionId": name, "description": text, "breakMode": "always", "details": details})
