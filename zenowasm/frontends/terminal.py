"""The debugger in a terminal: lines become calls of the session, and what the session shows becomes lines.

The same lines may come from a pipe or from the command line. The end of the input quits, as it does everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TextIO

from attrs import frozen

from zenowasm.debugger import (
    Action,
    CodeLine,
    DebuggerError,
    FrameView,
    HostView,
    Reason,
    Resume,
    Session,
    Stop,
    Variable,
    value_text,
)

PROMPT = "(zenowasm) "
_AROUND = 5
_DUMPED = 64
_BYTES_A_LINE = 16
_MOST = 1_000_000
"""Of a number that a user gives, such as the steps of one ``step``."""


class Terminal:
    """A front that reads commands as lines.

    ``read`` is given the prompt and returns a line, or raises ``EOFError``; ``write`` prints a line; ``commands`` are
    executed before anything is read. With ``repeat`` an empty line repeats ``step`` or ``next``.
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

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Show the stop, then execute commands until one of them says how to go on."""
        for line in _stop_lines(session.frame(), stop):
            self._write(line)
        self._write(_code_text(session.listing(0)[0]))
        while True:
            try:
                resume = self._execute(session, self._line())
            except EOFError:
                return Resume(Action.QUIT)
            except DebuggerError as error:
                self._write(f"error: {error}")
                continue
            if resume is not None:
                return resume

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
        self._last = line if command.name in ("step", "next") else ""
        if isinstance(outcome, Resume):
            return outcome
        for text in outcome:
            self._write(text)
        return None


def line_reader(input_: TextIO, output: TextIO) -> Callable[[str], str]:
    """Return what reads lines for a ``Terminal``: with line editing on a terminal, else showing what it has read."""
    if input_.isatty() and output.isatty():
        import readline  # noqa: F401 - importing it gives ``input`` its line editing

        return input

    def read(prompt: str) -> str:
        output.flush()  # whoever is at the other end of the pipe may wait for it
        line = input_.readline()
        if not line:
            raise EOFError
        output.write(f"{prompt}{line.rstrip()}\n")
        return line

    return read


# -- the commands --


@frozen
class Command:
    """A command: its name and shorthand, how it is used, what it does, and the most words that may follow it."""

    name: str
    short: str
    usage: str
    help: str
    most: int
    run: Callable[[Session, Sequence[str]], Resume | Iterable[str]]


def find_command(word: str) -> Command:
    """Return the command of that name or shorthand, or the only one that begins so; raises ``DebuggerError``."""
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


def _step(session: Session, words: Sequence[str]) -> Resume:
    return Resume(Action.STEP, max(_number(words, 0, 1, "a number of instructions"), 1))


def _next(session: Session, words: Sequence[str]) -> Resume:
    return Resume(Action.NEXT, max(_number(words, 0, 1, "a number of instructions"), 1))


def _break(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        return _breakpoints(session, words)
    added = session.add_breakpoint(words[0])
    text = f"breakpoint {added.number} at {added.location}"
    if not added.resolved:
        near = session.nearest_function(added.location)
        text += " waits: no module seen so far has such a place" + (f"; did you mean {near}?" if near else "")
    return [text]


def _breakpoints(session: Session, words: Sequence[str]) -> Iterable[str]:
    lines = [f"{b.number}  {b.location}  hits {b.hits}{'' if b.resolved else '  waiting'}" for b in session.breakpoints]
    return lines or ["no breakpoints"]


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
    return [f"#{view.level} {_place(view)}", _code_text(session.listing(0)[0])]


def _locals(session: Session, words: Sequence[str]) -> Iterable[str]:
    return [_variable(variable) for variable in session.frame().locals()] or ["no locals"]


def _print(session: Session, words: Sequence[str]) -> Iterable[str]:
    if not words:
        raise DebuggerError("expected `print LOCAL`, such as print $name")
    return [_variable(session.local(words[0]))]


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


def _disassemble(session: Session, words: Sequence[str]) -> Iterable[str]:
    return [_code_text(line) for line in session.listing(_number(words, 0, _AROUND, "a number of instructions"))]


def _help(session: Session, words: Sequence[str]) -> Iterable[str]:
    if words:
        command = find_command(words[0])
        return [f"{command.usage}: {command.help}"]
    width = max(len(command.usage) for command in COMMANDS)
    return [f"{command.short:>2}  {command.usage:{width}}  {command.help}" for command in COMMANDS]


COMMANDS = (
    Command("step", "s", "step [N]", "execute one instruction (or N), into calls", 1, _step),
    Command("next", "n", "next [N]", "execute one instruction (or N), calls as a whole", 1, _next),
    Command("finish", "fin", "finish", "run until this function returns", 0, lambda *_: Resume(Action.FINISH)),
    Command("continue", "c", "continue", "run until a breakpoint or a trap", 0, lambda *_: Resume(Action.CONTINUE)),
    Command("break", "b", "break [FUNCTION[+PC]]", "stop at a function (or at an instruction of it)", 1, _break),
    Command("breakpoints", "bl", "breakpoints", "list the breakpoints", 0, _breakpoints),
    Command("delete", "d", "delete N", "delete a breakpoint", 1, _delete),
    Command("backtrace", "bt", "backtrace", "show the active calls, innermost first", 0, _backtrace),
    Command("frame", "f", "frame [N]", "look at another active call", 1, _frame),
    Command("locals", "l", "locals", "show parameters and locals", 0, _locals),
    Command("print", "p", "print LOCAL", "show one local, by name or index", 1, _print),
    Command("stack", "st", "stack", "show the operand stack, top first", 0, _stack),
    Command("globals", "g", "globals", "show the module's globals", 0, _globals),
    Command("memory", "x", "memory ADDRESS [LENGTH]", "show bytes at a number or at an i32 local", 2, _memory),
    Command("disassemble", "di", "disassemble [N]", "show N instructions around the current one", 1, _disassemble),
    Command("help", "h", "help [COMMAND]", "explain the commands", 1, _help),
    Command("quit", "q", "quit", "end the run", 0, lambda *_: Resume(Action.QUIT)),
)


# -- the words --


def hexdump(address: int, data: bytes) -> list[str]:
    """Return bytes as lines of address, hexadecimal and ASCII."""
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
    return f"{place} in {view.owner} (byte 0x{view.line.offset:x})"


def _code_text(line: CodeLine) -> str:
    marks = ("=>" if line.current else "  ") + ("*" if line.breakpoint else " ")
    return f"{marks} {line.line.pc:>5}  0x{line.line.offset:06x}  {line.line.indented}"


def _stop_lines(view: FrameView, stop: Stop) -> list[str]:
    place = _place(view)
    match stop.reason:
        case Reason.BREAKPOINT:
            return [f"breakpoint {', '.join(str(b.number) for b in stop.breakpoints)} at {place}"]
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
