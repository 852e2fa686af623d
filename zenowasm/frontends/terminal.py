"""The debugger in a terminal: lines become session calls, and the session's state becomes lines.

The lines may also come from a pipe or from the command line. The end of the input always quits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Final, TextIO

from attrs import frozen

from zenowasm.coredumps.errors import CoredumpError
from zenowasm.coredumps.writing import CoredumpWriter
from zenowasm.debugger import (
    Action,
    Breakpoint,
    Change,
    CodeLine,
    DebuggerError,
    Event,
    FrameView,
    HostView,
    Reason,
    Resume,
    Session,
    SourceText,
    Stop,
    Variable,
    shown,
    value_text,
)

PROMPT = "(zenowasm) "
_AROUND = 5
_WORDS = 100
_LOCAL = re.compile(r"\$[^.>\[\]()*/%&|^~!<= +-]+")
"""A single local: it is shown with its type, whatever its value."""
_REPEATED = (
    "step",
    "next",
    "stepi",
    "nexti",
    "reverse-step",
    "reverse-next",
    "reverse-stepi",
    "reverse-nexti",
)
_TAKE_LOCATIONS = ("break", "tbreak", "until", "log")
_LAST_NAME = re.compile(r"[$\w]*$")
_COMPLETED = 200
"""The maximum number of completions shown."""
_DUMPED = 64
_BYTES_A_LINE = 16
_MOST = 1_000_000
"""The maximum number that a user can give, such as the steps of one ``step``."""


class Terminal:
    """A frontend that reads commands as lines.

    ``read`` is called with the prompt and returns a line, or raises ``EOFError``. ``write`` prints a line. ``commands``
    are executed before anything is read. With ``repeat``, an empty line repeats ``step`` or ``next``.
    """

    def __init__(
        self,
        read: Callable[[str], str],
        write: Callable[[str], None],
        commands: Iterable[str] = (),
        *,
        repeat: bool = False,
    ) -> None:
        self._read = read
        self._write = write
        self._commands = list(reversed(list(commands)))
        self._repeat = repeat
        self._last = ""
        self._told: set[str] = set()
        self._session: Session | None = None

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Show the stop, then execute commands until one of them resumes."""
        self._session = session
        if stop.reason is Reason.END:
            self._write("the replay ends here" if stop.text is None else f"the replay ends here: {stop.text}")
        else:
            self._show(session, stop)
        while True:
            try:
                resume = self._execute(session, self._line())
                if resume is not None:
                    session.check_resume(resume)
            except EOFError:
                return Resume(Action.QUIT)
            except DebuggerError as error:
                self._write(f"error: {error}")
                continue
            if resume is not None:
                return resume

    def _show(self, session: Session, stop: Stop) -> None:
        view = session.frame()
        problem = view.program.source.problem
        if problem is not None and problem not in self._told:
            self._told.add(problem)
            self._write(f"note: {problem}")
        for line in (*_stop_lines(view, stop), *_current_lines(session)):
            self._write(line)

    def logged(self, session: Session, text: str) -> None:
        """Show a logpoint's message."""
        self._write(text)

    def completions(self, line: str) -> list[str]:
        """Return what the last word of a line may become in the selected frame."""
        return [] if self._session is None else completions(self._session.frame(), line)

    def _line(self) -> str:
        if self._commands:
            line = self._commands.pop()
            self._write(f"{PROMPT}{line}")
        else:
            line = self._read(PROMPT)
        line = line.strip()
        return line or (self._last if self._repeat else "")

    def _execute(self, session: Session, line: str) -> Resume | None:
        words = line.split()
        if not words or words[0].startswith("#"):
            return None
        command = find_command(words[0])
        if len(words) - 1 > command.most:
            raise DebuggerError(f"expected `{command.usage}`")
        outcome = command.run(session, words[1:])
        self._last = line if command.name in _REPEATED else ""
        if isinstance(outcome, Resume):
            return outcome
        for text in outcome:
            self._write(text)
        return None


def line_reader(input_: TextIO, output: TextIO) -> Callable[[str], str]:
    """Return the ``read`` of a ``Terminal``: with line editing on a terminal, otherwise echoing each line."""
    if input_.isatty() and output.isatty():
        import readline  # noqa: F401 - importing it gives ``input`` its line editing

        return input

    def read(prompt: str) -> str:
        output.flush()  # the process at the other end of the pipe may wait for it
        line = input_.readline()
        if not line:
            raise EOFError
        output.write(f"{prompt}{line.rstrip()}\n")
        return line

    return read


def complete_by_tab(complete: Callable[[str], Sequence[str]]) -> None:
    """Let the tab key show what ``complete`` returns: what the last word of a line may become."""
    import readline

    def candidate(word: str, position: int) -> str | None:
        found = complete(readline.get_line_buffer()[: readline.get_endidx()])
        return found[position] if position < len(found) else None

    readline.set_completer_delims(" ")
    readline.set_completer(candidate)
    readline.parse_and_bind("tab: complete")


def completions(view: FrameView, line: str) -> list[str]:
    """Return what the last word of a line may become: a command, a function after ``break``, or a variable.

    The last word of an expression begins after its last operator.
    """
    first, space, rest = line.lstrip().partition(" ")
    if not space:
        return sorted(it.name for it in COMMANDS if it.name.startswith(first))
    command = next((it for it in COMMANDS if first in (it.name, it.short)), None)
    if command is not None and command.name in _TAKE_LOCATIONS and " " not in rest:
        return [it for it in view.program.known_names if it.startswith(rest)][:_COMPLETED]
    name = last_name(rest)
    before = rest.rpartition(" ")[2].removesuffix(name)
    return [before + it for it in view.names if it.startswith(name)][:_COMPLETED]


def last_name(text: str) -> str:
    """Return the beginning of a name with which an expression ends, empty if it ends with none."""
    found = _LAST_NAME.search(text)
    return "" if found is None else found[0]


# -- the commands --


@frozen
class Command:
    """A command: its name and shorthand, its usage, its effect, and the maximum number of words after it."""

    name: str
    short: str
    usage: str
    help: str
    most: int
    run: Callable[[Session, Sequence[str]], Resume | Iterable[str]]


def find_command(word: str) -> Command:
    """Return the command with that name, shorthand or unique prefix; raises ``DebuggerError``."""
    for command in COMMANDS:
        if word in (command.name, command.short):
            return command
    matching = [command for command in COMMANDS if command.name.startswith(word)]
    if len(matching) == 1:
        return matching[0]
    near = [command.name for command in matching] or get_close_matches(word, [c.name for c in COMMANDS], n=1)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise DebuggerError(f"unknown command `{word}`: {hint}`help` lists the commands")


def _number(words: Sequence[str], position: int, default: int, what: str) -> int:
    if len(words) <= position:
        return default
    try:
        value = int(words[position], 0)
    except ValueError:
        value = -1
    if not 0 <= value <= _MOST:
        raise DebuggerError(f"expected {what} from 0 to {_MOST}, found {words[position]}")
    return value


def _goes(by_lines: Action, by_instructions: Action) -> Callable[[Session, Sequence[str]], Resume]:
    """Return a command that resumes by lines if the selected frame has lines, otherwise by instructions."""

    def run(session: Session, words: Sequence[str]) -> Resume:
        count = max(_number(words, 0, 1, "a number of steps"), 1)
        return Resume(by_instructions if session.frame().source_line is None else by_lines, count)

    return run


def _back(by_lines: Action, by_instructions: Action | None = None) -> Callable[[Session, Sequence[str]], Resume]:
    """Return a command that goes back, by lines if the selected frame has lines and otherwise by instructions."""

    def run(session: Session, words: Sequence[str]) -> Resume:
        session.require_timeline()
        count = max(_number(words, 0, 1, "a number of steps"), 1)
        at_end = session.time is None
        has_lines = at_end or session.frame().source_line is not None
        return Resume(by_lines if has_lines or by_instructions is None else by_instructions, count)

    return run


def _go_to(session: Session, words: Sequence[str]) -> Resume:
    session.require_timeline()
    if not words:
        raise DebuggerError("expected `goto TIME`, such as goto 4711: a number that `time` has shown")
    if not (words[0].isascii() and words[0].isdigit() and len(words[0]) < 20):
        raise DebuggerError(f"expected a time, a number that `time` has shown, found {words[0]}")
    return Resume(Action.GO_TO, place=words[0])


def _time(session: Session, words: Sequence[str]) -> Iterable[str]:
    timeline = session.require_timeline()
    return [f"time {'at the end' if session.time is None else session.time}; {timeline.summary()}"]


def _asks(word: str) -> Callable[[Session, Sequence[str]], Resume]:
    """Return a command that asks a question about the whole replay, which begins with a word."""

    def run(session: Session, words: Sequence[str]) -> Resume:
        return Resume(Action.ASK, question=session.require_timeline().question(" ".join((word, *words))))

    return run


def _branches(session: Session, words: Sequence[str]) -> Iterable[str]:
    return map(str, session.require_timeline().branches)


def _branch(session: Session, words: Sequence[str]) -> Resume:
    branches = session.require_timeline().branches
    number = _number(words, 0, 0, "a branch's number")
    if number >= len(branches):
        raise DebuggerError(f"there is no branch {number}: expected 0 to {len(branches) - 1}")
    return Resume(Action.SWITCH, place=str(number))


def _break(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        return _breakpoints(session, words)
    location, *rest = words
    if rest and (rest[0] != "if" or len(rest) == 1):
        raise DebuggerError("expected `break LOCATION if EXPRESSION`, such as break plugin.c:20 if n > 3")
    added = session.add_breakpoint(location, " ".join(rest[1:]) or None)
    text = f"breakpoint {added.number} at {added.location}"
    if not added.resolved:
        near = session.nearest_function(added.location)
        text += " waits: no module seen so far has such a place" + (f"; did you mean {near}?" if near else "")
    return [text]


def _temporary(session: Session, words: Sequence[str]) -> Iterable[str]:
    added = session.add_breakpoint(words[0] if words else "", temporary=True)
    return [f"temporary breakpoint {added.number} at {added.location}{'' if added.resolved else ' waits'}"]


def _log(session: Session, words: Sequence[str]) -> Iterable[str]:
    if len(words) < 2:
        raise DebuggerError("expected `log LOCATION TEXT`, such as log plugin.c:20 n is {n}")
    added = session.add_breakpoint(words[0], log=" ".join(words[1:]))
    return [f"logpoint {added.number} at {added.location}{'' if added.resolved else ' waits'}"]


def _watch(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        raise DebuggerError("expected `watch EXPRESSION`, such as watch list->next, watch $0 or watch $u32[1024]")
    added = session.add_watchpoint(" ".join(words))
    return [f"watchpoint {added.number} at {added.expression}, which is {added.shown}"]


def _catch(session: Session, words: Sequence[str]) -> Iterable[str]:
    events = {event.value: event for event in Event}
    if not words or words[0] not in events or words[1:] not in ([], ["off"]):
        raise DebuggerError(f"expected `catch {'|'.join(events)}`, and `off` after it to stop there no more")
    session.stop_on(events[words[0]], enabled=len(words) == 1)
    return [f"{'stops' if len(words) == 1 else 'does not stop'} at each {words[0]}"]


def _enables(*, enabled: bool) -> Callable[[Session, Sequence[str]], Iterable[str]]:
    """Return a command that enables or disables a breakpoint."""

    def run(session: Session, words: Sequence[str]) -> Iterable[str]:
        found = session.enable(_number(words, 0, 0, "a breakpoint's number"), enabled=enabled)
        return [f"breakpoint {found.number} is {'enabled' if enabled else 'disabled'}"]

    return run


def _until(session: Session, words: Sequence[str]) -> Resume:
    return Resume(Action.UNTIL, place=words[0] if words else None)


def _set(session: Session, words: Sequence[str]) -> Iterable[str]:
    target, equals, value = " ".join(words).partition(" = ")
    if not equals:
        raise DebuggerError("expected `set PLACE = EXPRESSION`, such as set list->len = 0 or set $u8[1024] = 65")
    session.assign(target, value)
    return [f"{target} = {shown(session.evaluate(target), session.frame().program)}"]


def _return(session: Session, words: Sequence[str]) -> Resume | Iterable[str]:
    values = [it for it in " ".join(words).split(",") if it.strip()]
    if not session.return_early(values):
        return Resume(Action.STEP)  # the host goes on
    return [f"returned to {_place(session.frame())}", *_current_lines(session)]


def _breakpoints(session: Session, words: Sequence[str]) -> Iterable[str]:
    watched = [f"{it.number}  watch {it.expression}  hits {it.hits}" for it in session.watchpoints.values()]
    return [*map(_breakpoint, session.breakpoints), *watched] or ["no breakpoints"]


def _breakpoint(it: Breakpoint) -> str:
    parts = [f"{it.number}  {it.location}"]
    parts += [] if it.condition is None else [f"if {it.condition.text}"]
    parts += [] if it.message is None else [f"log {it.message.text}"]
    parts += [f" hits {it.hits}"]
    parts += [f" ignored {it.ignored} more times"] if it.ignored else []
    parts += [] if it.enabled else [" disabled"]
    return " ".join(parts + ([] if it.resolved else [" waiting"]))


def _ignore(session: Session, words: Sequence[str]) -> Iterable[str]:
    if len(words) < 2:
        raise DebuggerError("expected `ignore N COUNT`, such as ignore 1 10")
    number = _number(words, 0, 0, "a breakpoint's number")
    found = session.ignore(number, _number(words, 1, 0, "a number of times"))
    return [f"breakpoint {number} is ignored the next {found.ignored} times"]


def _delete(session: Session, words: Sequence[str]) -> Iterable[str]:
    number = _number(words, 0, 0, "a breakpoint's number")
    session.delete_breakpoint(number)
    return [f"deleted breakpoint {number}"]


def _backtrace(session: Session, words: Sequence[str]) -> Iterable[str]:
    selected = session.frame().level
    for view in session.backtrace():
        if isinstance(view, HostView):
            yield f"      host: {view.function or 'a host function'}"
        else:
            yield f"{'*' if view.level == selected else ' '} #{view.level:<2} {_place(view)}"


def _frame(session: Session, words: Sequence[str]) -> Iterable[str]:
    view = session.select(_number(words, 0, session.frame().level, "a frame's number"))
    return [f"#{view.level} {_place(view)}", *_current_lines(session)]


def _moves(by: int) -> Callable[[Session, Sequence[str]], Iterable[str]]:
    """Return a command that selects the call ``by`` levels further out."""

    def run(session: Session, words: Sequence[str]) -> Iterable[str]:
        view = session.select(session.frame().level + by)
        return [f"#{view.level} {_place(view)}", *_current_lines(session)]

    return run


def _locals(session: Session, words: Sequence[str]) -> Iterable[str]:
    view = session.frame()
    if view.source_line is None:
        return _raw(session, words)
    return [f"{it.name}: {it.type} = {it.text}" for it in view.variables()] or ["no variables"]


def _raw(session: Session, words: Sequence[str]) -> Iterable[str]:
    return [_variable(variable) for variable in session.frame().locals()] or ["no locals"]


def _print(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        raise DebuggerError("expected `print EXPRESSION`, such as print list->next or print $name")
    if len(words) == 1 and _LOCAL.fullmatch(words[0]):
        return [_variable(session.local(words[0]))]
    expression = " ".join(words)
    return [f"{expression} = {shown(session.evaluate(expression), session.frame().program)}"]


def _list(session: Session, words: Sequence[str]) -> Iterable[str]:
    line = _number(words, 0, 0, "a line") or None
    return [source_text(it) for it in session.source_listing(_AROUND, line)]


def _stack(session: Session, words: Sequence[str]) -> Iterable[str]:
    operands = session.frame().operands()
    return [f"[{operand.index}] {operand.type} = {operand.text}" for operand in reversed(operands)] or ["empty"]


def _globals(session: Session, words: Sequence[str]) -> Iterable[str]:
    found = session.frame().globals()
    return [f"global {variable.index}: {variable.type} = {variable.text}" for variable in found] or ["no globals"]


def _memory(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        raise DebuggerError("expected `memory ADDRESS [LENGTH]`, such as memory 1024 32 or memory $text")
    address, data = session.memory(words[0], _number(words, 1, _DUMPED, "a length"))
    return hexdump(address, data)


def _dump(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        raise DebuggerError("expected `dump FILE`")
    try:
        CoredumpWriter(words[0]).write(session.coredump())
    except CoredumpError as error:
        raise DebuggerError(str(error)) from None
    return [f"the coredump is in {words[0]}"]


def _disassemble(session: Session, words: Sequence[str]) -> Iterable[str]:
    return [_code_text(line) for line in session.listing(_number(words, 0, _AROUND, "a number of instructions"))]


def _help(session: Session, words: Sequence[str]) -> Iterable[str]:
    if words:
        command = find_command(words[0])
        return [f"{command.usage}: {command.help}"]
    width = max(len(command.usage) for command in COMMANDS)
    return [f"{command.short:>2}  {command.usage:{width}}  {command.help}" for command in COMMANDS]


_LINE_BACK: Final = (Action.STEP_LINE_BACK, Action.STEP_BACK)
_NEXT_BACK: Final = (Action.NEXT_LINE_BACK, Action.NEXT_BACK)
_OUT_BACK: Final = Action.FINISH_BACK
_STOP_BACK: Final = Action.CONTINUE_BACK
COMMANDS = (
    Command("step", "s", "step [N]", "execute one line (or N), into calls", 1, _goes(Action.STEP_LINE, Action.STEP)),
    Command("next", "n", "next [N]", "execute one line, calls as a whole", 1, _goes(Action.NEXT_LINE, Action.NEXT)),
    Command("stepi", "si", "stepi [N]", "execute one instruction, into calls", 1, _goes(Action.STEP, Action.STEP)),
    Command("nexti", "ni", "nexti [N]", "execute one instruction, over calls", 1, _goes(Action.NEXT, Action.NEXT)),
    Command("finish", "fin", "finish", "run until this function returns", 0, lambda *_: Resume(Action.FINISH)),
    Command("until", "un", "until [LOCATION]", "run to a later line, or to LOCATION in this call", 1, _until),
    Command("return", "re", "return [VALUE, ...]", "return at once from the selected call", _WORDS, _return),
    Command("continue", "c", "continue", "run until a breakpoint or a trap", 0, lambda *_: Resume(Action.CONTINUE)),
    Command("reverse-step", "rs", "reverse-step [N]", "go back one line, into calls", 1, _back(*_LINE_BACK)),
    Command("reverse-next", "rn", "reverse-next [N]", "go back one line, over calls", 1, _back(*_NEXT_BACK)),
    Command("reverse-stepi", "rsi", "reverse-stepi [N]", "go back one instruction", 1, _back(Action.STEP_BACK)),
    Command("reverse-nexti", "rni", "reverse-nexti [N]", "... over calls", 1, _back(Action.NEXT_BACK)),
    Command("reverse-finish", "rf", "reverse-finish", "go back to the call of this function", 0, _back(_OUT_BACK)),
    Command("reverse-continue", "rc", "reverse-continue", "go back to the stop before", 0, _back(_STOP_BACK)),
    Command("goto", "go", "goto TIME", "go to a time of the replay", 1, _go_to),
    Command("who", "wh", "who wrote PLACE", "list all writes of a variable or $u32[ADDRESS]", _WORDS, _asks("who")),
    Command("calls", "cl", "calls FUNCTION", "list a function's calls, arguments and results", 1, _asks("calls")),
    Command("values", "va", "values EXPRESSION at LOCATION", "list its values there", _WORDS, _asks("values")),
    Command("when", "we", "when EXPRESSION", "list where it became true in this function", _WORDS, _asks("when")),
    Command("origin", "or", "origin PLACE", "follow a value back to what made it", _WORDS, _asks("origin")),
    Command("diff", "df", "diff TIME TIME", "list what differs between two times", 2, _asks("diff")),
    Command("branches", "brs", "branches", "list what changes have made of a replay", 0, _branches),
    Command("branch", "br", "branch N", "go to a branch, 0 being what was recorded", 1, _branch),
    Command("time", "ti", "time", "show the time, and what is kept of the run", 0, _time),
    Command(
        "break",
        "b",
        "break LOCATION [if EXPRESSION]",
        "stop at FUNCTION, FILE:LINE, *OFFSET, host:NAME",
        _WORDS,
        _break,
    ),
    Command("tbreak", "tb", "tbreak LOCATION", "stop there once", 1, _temporary),
    Command("log", "lg", "log LOCATION TEXT", "show TEXT there and go on; {EXPRESSION} is its value", _WORDS, _log),
    Command("watch", "w", "watch EXPRESSION", "stop when a variable or $u32[ADDRESS] changes", _WORDS, _watch),
    Command("catch", "ca", "catch EVENT [off]", "stop at each trap, throw or load of a module", 2, _catch),
    Command("enable", "en", "enable N", "let a breakpoint stop again", 1, _enables(enabled=True)),
    Command("disable", "dis", "disable N", "let a breakpoint stop no more", 1, _enables(enabled=False)),
    Command("ignore", "ig", "ignore N COUNT", "let a breakpoint pass that many times", 2, _ignore),
    Command("breakpoints", "bl", "breakpoints", "list the breakpoints", 0, _breakpoints),
    Command("delete", "d", "delete N", "delete a breakpoint or a watchpoint", 1, _delete),
    Command("backtrace", "bt", "backtrace", "show the active calls, innermost first", 0, _backtrace),
    Command("frame", "f", "frame [N]", "look at another active call", 1, _frame),
    Command("up", "u", "up", "look at the caller of the selected call", 0, _moves(1)),
    Command("down", "dn", "down", "look at what the selected call called", 0, _moves(-1)),
    Command("set", "=", "set PLACE = EXPRESSION", "change a variable, $0 or $u8[ADDRESS]", _WORDS, _set),
    Command("list", "ls", "list [LINE]", "show the source around the current line", 1, _list),
    Command("locals", "l", "locals", "show parameters and variables", 0, _locals),
    Command("raw", "r", "raw", "show WebAssembly's own parameters and locals", 0, _raw),
    Command("print", "p", "print EXPRESSION", "show a value, such as list->at.x, *list or $0", _WORDS, _print),
    Command("stack", "st", "stack", "show the operand stack, top first", 0, _stack),
    Command("globals", "g", "globals", "show the module's globals", 0, _globals),
    Command("memory", "x", "memory ADDRESS [LENGTH]", "show bytes at a number or at an i32 local", 2, _memory),
    Command("disassemble", "di", "disassemble [N]", "show N instructions around the current one", 1, _disassemble),
    Command("dump", "du", "dump FILE", "write a coredump to FILE, for `debug --core`", 1, _dump),
    Command("help", "h", "help [COMMAND]", "explain the commands", 1, _help),
    Command("quit", "q", "quit", "end the run", 0, lambda *_: Resume(Action.QUIT)),
)


# -- formatting --


def hexdump(address: int, data: bytes) -> list[str]:
    """Return bytes as lines with their address, in hexadecimal and ASCII."""
    lines = []
    for at in range(0, len(data), _BYTES_A_LINE):
        chunk = data[at : at + _BYTES_A_LINE]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        lines.append(f"0x{address + at:08x}  {chunk.hex(' '):{3 * _BYTES_A_LINE - 1}}  |{text}|")
    return lines


def _variable(variable: Variable) -> str:
    return f"{variable.label}: {variable.type} = {variable.text}"


def _place(view: FrameView) -> str:
    place = f"{view.function}+{view.pc}" if view.pc else view.function
    source = view.source_line
    at = f" at {source}" if source is not None else ""
    return f"{place}{at} in {view.owner} (byte 0x{view.line.offset:x})"


def _current_lines(session: Session) -> list[str]:
    """Return what executes next: the source line if an instruction begins one, otherwise the instruction."""
    view = session.frame()
    place = view.source_line
    texts = None if place is None else view.program.source.text(place.file)
    if place is None or not texts or not 0 < place.line <= len(texts):
        return [_code_text(session.listing(0)[0])]
    begins = view.program.statements(view.frame.function.index)[view.pc] is not None
    code = [] if begins else [_code_text(session.listing(0)[0])]
    return [source_text(SourceText(place.line, texts[place.line - 1], True)), *code]


def source_text(line: SourceText) -> str:
    """Return a line of a source file for display."""
    return f"{'=>' if line.current else '  '} {line.number:>5}  {line.text}".rstrip()


def _code_text(line: CodeLine) -> str:
    marks = ("=>" if line.current else "  ") + ("*" if line.breakpoint else " ")
    return f"{marks} {line.line.pc:>5}  0x{line.line.offset:06x}  {line.line.indented}"


def _change(change: Change) -> str:
    watched = f"watchpoint {change.watchpoint.number} at {change.watchpoint.expression}"
    return f"{watched} ended with its call" if change.new is None else f"{watched}: {change.old} became {change.new}"


def _stop_lines(view: FrameView, stop: Stop) -> list[str]:
    place = _place(view)
    match stop.reason:
        case Reason.BREAKPOINT:
            problems = [f"the condition of breakpoint {b.number}: {b.problem}" for b in stop.breakpoints if b.problem]
            called = "" if stop.host_function is None else f", a call of {stop.host_function}"
            return [f"breakpoint {', '.join(str(b.number) for b in stop.breakpoints)} at {place}{called}", *problems]
        case Reason.WATCHPOINT:
            return [*map(_change, stop.changes), f"at {place}"]
        case Reason.BEGINNING:
            return [f"the replay begins here, at {place}"]
        case Reason.THROW:
            return [f"an exception is thrown at {place}"]
        case Reason.LOAD:
            return [f"the first call of {view.owner}, at {place}"]
        case Reason.PAUSE:
            return [f"interrupted at {place}"]
        case Reason.TRAP:
            return [f"trap: {stop.error}", f"at {place}"]
        case Reason.RETURN if stop.results:
            operands = view.operands()[-stop.results :]
            values = ", ".join(f"{o.type} {value_text(o.type, o.value, o.program)}" for o in operands)
            return [f"returned {values} to {place}"]
        case Reason.RETURN:
            return [f"returned to {place}"]
        case _:
            return [f"at {place}"]
