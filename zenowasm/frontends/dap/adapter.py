"""The adapter: it answers a client's requests, and tells the client what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from zenowasm.debugger import DebuggerError, DebuggerQuit, Event, FrameView, HostView, Reason, Resume, Session, Stop
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.display import visible
from zenowasm.frontends.dap import arguments as ask
from zenowasm.frontends.dap.arguments import structured
from zenowasm.frontends.dap.breakpoints import ClientBreakpoints, FileLine
from zenowasm.frontends.dap.code import Code, Place
from zenowasm.frontends.dap.errors import ForeignProtocolError, MessageError, RequestError
from zenowasm.frontends.dap.handles import Handles
from zenowasm.frontends.dap.stopped import THREAD, Answer, Body, Stopped
from zenowasm.frontends.dap.wire import Wire
from zenowasm.frontends.output import OutputStream
from zenowasm.frontends.running import GuestThread

Run: TypeAlias = Callable[[Session | None], int]
"""Run a program to its end, under a session or without one, and return the exit code.

Errors of the user are printed to ``sys.stderr``.
"""
Prepare: TypeAlias = Callable[[ask.Launch], Run]
"""Return the run of a program; raises ``RequestError`` if it cannot be run."""

_CAPABILITIES: Final[Mapping[str, Any]] = {
    "supportsConfigurationDoneRequest": True,
    "supportsFunctionBreakpoints": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsEvaluateForHovers": True,
    "supportsInstructionBreakpoints": True,
    "supportsSteppingGranularity": True,
    "supportsExceptionInfoRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsDisassembleRequest": True,
    "supportsReadMemoryRequest": True,
    "supportsRestartRequest": True,
    "supportsTerminateRequest": True,
    "supportsLogPoints": True,
    "supportsDataBreakpoints": True,
    "supportsDataBreakpointBytes": True,
    "supportsSetVariable": True,
    "supportsSetExpression": True,
    "supportsWriteMemoryRequest": True,
    "supportsLoadedSourcesRequest": True,
    "supportsCompletionsRequest": True,
    "exceptionBreakpointFilters": [
        {"filter": "trap", "label": "Traps", "default": True},
        {"filter": "throw", "label": "Thrown exceptions", "default": False},
    ],
}
_FILTERS: Final[Mapping[str, Event]] = {"trap": Event.TRAP, "throw": Event.THROW}
_REASONS: Final[Mapping[Reason, str]] = {
    Reason.STEP: "step",
    Reason.BREAKPOINT: "breakpoint",
    Reason.RETURN: "step",
    Reason.TRAP: "exception",
    Reason.THROW: "exception",
    Reason.WATCHPOINT: "data breakpoint",
    Reason.PAUSE: "pause",
    Reason.LOAD: "entry",
    Reason.TIME: "goto",
    Reason.BEGINNING: "entry",
    Reason.END: "pause",
}
_NOT_STOPPED: Final = "notStopped"


class Adapter:
    """A debug adapter for one client, which runs one program after the other, by ``restart``."""

    def __init__(self, wire: Wire, prepare: Prepare) -> None:
        self._wire = wire
        self._prepare = prepare
        self._breakpoints = ClientBreakpoints()
        self._code = Code()
        self._stopped = Stopped(self._code, Handles[FrameView | HostView]("frame"), Handles("variable"))
        self._launched: tuple[ask.Launch, Run] | None = None
        self._is_configured = False
        self._guest: GuestThread | None = None
        self._session: Session | None = None
        self._filters: frozenset[str] = frozenset({"trap"})
        self._client = ask.Initialize()
        self._has_stopped = False
        self._goes_back = False
        self._is_open = True

    def serve(self) -> None:
        """Answer requests until the client disconnects, then end the program."""
        while self._is_open:
            try:
                message = self._wire.receive()
                if message is None:
                    break
                self._received(message)
            except MessageError as error:
                self._tell("output", {"category": "console", "output": f"zenowasm ignores a message: {error}\n"})
            except ForeignProtocolError:
                break
        self._quit()
        if self._guest is not None:
            self._guest.join()

    # -- requests --

    def _received(self, message: Mapping[str, Any]) -> None:
        command, sequence = message.get("command"), message.get("seq")
        if message.get("type") != "request" or not isinstance(command, str) or not _is_sequence(sequence):
            raise MessageError("expected a request with `seq` and `command`")
        given = message.get("arguments")
        if command in _WHILE_STOPPED:

            def question(is_stopped: bool) -> Resume | None:
                return self._answered(sequence, command, lambda: self._about_stop(command, given, is_stopped))

            if self._guest is None or not self._guest.ask(question):
                question(False)
        elif command in _AT_ANY_TIME:
            arguments_type, method = _AT_ANY_TIME[command]

            def answer(is_stopped: bool = False) -> Resume | None:
                return self._answered(sequence, command, lambda: method(self, structured(arguments_type, given)))

            # While the guest is stopped, breakpoints and expressions belong to its thread.
            if command not in _BREAKPOINTS or self._guest is None or not self._guest.ask(answer):
                answer()
        else:
            self._fail(sequence, command, f"zenowasm does not support the request {command[:60]!r}")

    def _about_stop(self, command: str, given: Any, is_stopped: bool) -> Answer:
        arguments_type, method = _WHILE_STOPPED[command]
        arguments = structured(arguments_type, given)
        if not is_stopped:
            raise RequestError(_NOT_STOPPED)
        return method(self._stopped, arguments)

    def _answered(self, sequence: Any, command: str, answer: Callable[[], Answer]) -> Resume | None:
        """Send the response to a request; return how to go on."""
        try:
            answered = answer()
        except (RequestError, DebuggerError, DebugInfoError, UnavailableError) as error:
            self._fail(sequence, command, str(error))
            return None
        response = {"request_seq": sequence, "success": True, "command": command, "body": answered.body}
        self._wire.send("response", response)
        if answered.has_changed and self._client.supports_invalidated_event:
            self._tell("invalidated", {"areas": ["variables"]})
        if answered.after is not None:
            answered.after()
        return answered.resume

    def _fail(self, sequence: Any, command: str, message: str) -> None:
        text = "the guest is running: pause it first" if message == _NOT_STOPPED else message
        # In a format, braces are variables.
        error = {"id": 1, "format": "{reason}", "variables": {"reason": text}, "showUser": command == "launch"}
        response = {"request_seq": sequence, "success": False, "command": command, "message": message}
        self._wire.send("response", {**response, "body": {"error": error}})

    def _tell(self, event: str, body: Body = MappingProxyType({})) -> None:
        # Some clients, such as dap-python, expect a body in every event.
        self._wire.send("event", {"event": event, "body": dict(body)})

    # -- the life of a session --

    def _initialize(self, arguments: ask.Initialize) -> Answer:
        if not (arguments.lines_start_at1 and arguments.columns_start_at1):
            raise RequestError("zenowasm counts lines and columns from 1")
        self._client = arguments
        return Answer(_CAPABILITIES, after=lambda: self._tell("initialized"))

    def _launch(self, arguments: ask.Launch) -> Answer:
        if self._launched is not None:
            raise RequestError("a program was already launched")
        self._launched = arguments, self._prepare(arguments)
        return Answer({}, after=self._start_when_ready)

    def _configuration_done(self, arguments: ask.Nothing) -> Answer:
        self._is_configured = True
        return Answer({}, after=self._start_when_ready)

    def _start_when_ready(self) -> None:
        if self._launched is not None and self._is_configured and self._guest is None:
            self._start(*self._launched)

    def _start(self, launch: ask.Launch, run: Run) -> None:
        self._has_stopped = False
        self._tell_whether_it_goes_back(launch.replay is not None)
        guest = GuestThread(self, lambda: self._run_guest(guest, session, launch, run))
        session = Session(guest, stop_at_start=launch.stop_on_entry, source_maps=launch.source_map)
        self._session = session
        self._stop_on_events()
        self._breakpoints.attach(session, launch.source_map)
        self._guest = guest
        guest.start()

    def _tell_whether_it_goes_back(self, goes_back: bool) -> None:
        if goes_back != self._goes_back:
            self._goes_back = goes_back
            self._tell("capabilities", {"capabilities": {"supportsStepBack": goes_back}})

    def _run_guest(self, guest: GuestThread, session: Session, launch: ask.Launch, run: Run) -> None:
        stdout, stderr = self._stream("stdout"), self._stream("stderr")
        code: int | None = 1
        try:
            with redirect_stdout(stdout), redirect_stderr(stderr):
                code = run(None if launch.no_debug else session)
        except DebuggerQuit:
            code = None
        finally:
            stdout.flush()
            stderr.flush()
            if self._guest is guest:
                self._ended(code, is_debugged=not launch.no_debug)

    def _stream(self, category: str) -> OutputStream:
        return OutputStream(lambda text: self._tell("output", {"category": category, "output": text}))

    def _ended(self, code: int | None, *, is_debugged: bool) -> None:
        for text in self._breakpoints.unresolved() if code is not None and is_debugged else ():
            self._tell("output", {"category": "console", "output": f"{text}\n"})
        if code is not None:
            self._tell("exited", {"exitCode": code})
        self._tell("terminated")

    def _restart(self, arguments: ask.Restart) -> Answer:
        former = self._guest
        if former is None or self._launched is None:
            raise RequestError("nothing was launched")
        launch = arguments.arguments or self._launched[0]
        run = self._prepare(launch)
        self._quit()
        self._guest = None
        if not former.join():
            self._guest = former
            raise RequestError("the guest is in a host call that does not return")
        self._launched = launch, run
        return Answer({}, after=lambda: self._start(launch, run))

    def _quit(self) -> None:
        if self._guest is not None and self._session is not None:
            self._guest.quit()
            self._session.interrupt()

    def _terminate(self, arguments: ask.Nothing) -> Answer:
        self._quit()
        return Answer({})

    def _pause(self, arguments: ask.ThreadArguments) -> Answer:
        guest, session = self._guest, self._session
        if guest is None or session is None:
            raise RequestError("nothing was launched")
        return Answer({}, after=lambda: guest.pause(session))

    def _disconnect(self, arguments: ask.Nothing) -> Answer:
        self._is_open = False
        return Answer({})

    def _threads(self, arguments: ask.Nothing) -> Answer:
        return Answer({"threads": [{"id": THREAD, "name": "guest"}]})

    # -- breakpoints --

    def _set_breakpoints(self, arguments: ask.SetBreakpoints) -> Answer:
        source = arguments.source
        if source.source_reference:
            disassembly = self._code.disassembly(source.source_reference)
            places: list[FileLine | str] = [
                Place(disassembly.program, disassembly.function, it.line - 1).location for it in arguments.breakpoints
            ]
        elif source.path:
            places = [FileLine(source.path, it.line) for it in arguments.breakpoints]
        else:
            raise RequestError("expected a source with `path` or `sourceReference`")
        kind = ("source", source.source_reference or source.path)
        return self._replaced(kind, list(zip(places, arguments.breakpoints, strict=True)))

    def _set_function_breakpoints(self, arguments: ask.SetFunctionBreakpoints) -> Answer:
        return self._replaced("function", [(it.name, it) for it in arguments.breakpoints])

    def _set_instruction_breakpoints(self, arguments: ask.SetInstructionBreakpoints) -> Answer:
        places = [self._code.place_at(it.instruction_reference, it.offset).location for it in arguments.breakpoints]
        return self._replaced("instruction", list(zip(places, arguments.breakpoints, strict=True)))

    def _replaced(self, kind: object, wishes: list[tuple[FileLine | str, Any]]) -> Answer:
        return Answer({"breakpoints": self._breakpoints.replace(kind, wishes)})

    def _set_data_breakpoints(self, arguments: ask.SetDataBreakpoints) -> Answer:
        return self._replaced("data", [(it.data_id, it) for it in arguments.breakpoints])

    def _set_exception_breakpoints(self, arguments: ask.SetExceptionBreakpoints) -> Answer:
        unknown = [it for it in arguments.filters if it not in _FILTERS]
        if unknown:
            raise RequestError(f"there is no filter {unknown[0][:40]!r}: expected trap or throw")
        self._filters = frozenset(arguments.filters)
        self._stop_on_events()
        return Answer({})

    def _stop_on_events(self) -> None:
        if self._session is not None:
            for name, event in _FILTERS.items():
                self._session.stop_on(event, enabled=name in self._filters)

    # -- what happens in the guest's thread --

    def stopped(self, session: Session, stop: Stop) -> None:
        """Tell the client about a stop, and about breakpoints that have meanwhile found their place."""
        self._stopped.begin(session, stop)
        for changed in self._breakpoints.changed():
            self._tell("breakpoint", {"reason": "changed", "breakpoint": changed})
        problem = None if stop.reason is Reason.END else session.select(0).program.source.problem
        if problem is not None and not self._has_stopped:
            self._tell("output", {"category": "console", "output": f"note: {problem}\n"})
        # Before the first stop, no step can have been asked for.
        is_entry = not self._has_stopped and stop.reason is Reason.STEP
        self._has_stopped = True
        body: dict[str, Any] = {
            "reason": "entry" if is_entry else _REASONS[stop.reason],
            "threadId": THREAD,
            "allThreadsStopped": True,
        }
        text = _described(stop)
        if text:
            body |= {"description": text, "text": text}
        hit = [*(it.number for it in stop.breakpoints), *(it.watchpoint.number for it in stop.changes)]
        if hit:
            body["hitBreakpointIds"] = self._breakpoints.ids(hit)
        self._tell("stopped", body)

    def resumed(self) -> None:
        """Forget the references of the last stop."""
        self._stopped.end()

    def logged(self, session: Session, text: str) -> None:
        """Tell the client what a logpoint says."""
        self._tell("output", {"category": "console", "output": f"{text}\n"})


def _described(stop: Stop) -> str:
    """Return what a client shows of a stop besides its place; empty if there is nothing to say."""
    if stop.reason is Reason.BEGINNING:
        return "the replay begins here"
    if stop.reason is Reason.END:
        return "the replay ends here" if stop.text is None else f"the replay ends here: {visible(stop.text)}"
    if stop.error is not None:
        return str(stop.error)
    if stop.exception is not None:
        return "an exception is thrown"
    if stop.host_function is not None:
        return f"call of {stop.host_function}"
    changes = (f"{it.watchpoint.expression}: {it.old} → {it.new or 'out of scope'}" for it in stop.changes)
    return visible("; ".join(changes))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_AT_ANY_TIME: Final[Mapping[str, tuple[type[Any], Callable[[Adapter, Any], Answer]]]] = {
    "initialize": (ask.Initialize, Adapter._initialize),
    "launch": (ask.Launch, Adapter._launch),
    "configurationDone": (ask.Nothing, Adapter._configuration_done),
    "restart": (ask.Restart, Adapter._restart),
    "terminate": (ask.Nothing, Adapter._terminate),
    "disconnect": (ask.Nothing, Adapter._disconnect),
    "pause": (ask.ThreadArguments, Adapter._pause),
    "threads": (ask.Nothing, Adapter._threads),
    "setBreakpoints": (ask.SetBreakpoints, Adapter._set_breakpoints),
    "setFunctionBreakpoints": (ask.SetFunctionBreakpoints, Adapter._set_function_breakpoints),
    "setInstructionBreakpoints": (ask.SetInstructionBreakpoints, Adapter._set_instruction_breakpoints),
    "setExceptionBreakpoints": (ask.SetExceptionBreakpoints, Adapter._set_exception_breakpoints),
    "setDataBreakpoints": (ask.SetDataBreakpoints, Adapter._set_data_breakpoints),
}
_BREAKPOINTS: Final = frozenset(it for it in _AT_ANY_TIME if it.startswith("set"))
_WHILE_STOPPED: Final[Mapping[str, tuple[type[Any], Callable[[Stopped, Any], Answer]]]] = {
    "stackTrace": (ask.StackTrace, Stopped.stack_trace),
    "scopes": (ask.Scopes, Stopped.scopes),
    "variables": (ask.Variables, Stopped.variables),
    "evaluate": (ask.Evaluate, Stopped.evaluate),
    "setVariable": (ask.SetVariable, Stopped.set_variable),
    "setExpression": (ask.SetExpression, Stopped.set_expression),
    "dataBreakpointInfo": (ask.DataBreakpointInfo, Stopped.data_breakpoint_info),
    "completions": (ask.Completions, Stopped.completions),
    "continue": (ask.ThreadArguments, Stopped.continue_),
    "next": (ask.Step, Stopped.step_over),
    "stepIn": (ask.Step, Stopped.step_in),
    "stepOut": (ask.Step, Stopped.step_out),
    "stepBack": (ask.Step, Stopped.step_back),
    "reverseContinue": (ask.ThreadArguments, Stopped.reverse_continue),
    "source": (ask.SourceText, Stopped.source),
    "disassemble": (ask.Disassemble, Stopped.disassemble),
    "readMemory": (ask.ReadMemory, Stopped.read_memory),
    "writeMemory": (ask.WriteMemory, Stopped.write_memory),
    "loadedSources": (ask.Nothing, Stopped.loaded_sources),
    "exceptionInfo": (ask.ThreadArguments, Stopped.exception_info),
}
REQUESTS: Final = (*_AT_ANY_TIME, *_WHILE_STOPPED)
"""The requests that the adapter answers; it refuses all others."""
