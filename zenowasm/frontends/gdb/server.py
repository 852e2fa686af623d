"""The server: it answers a client's packets. An unknown packet has an empty answer, as the protocol wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from zenowasm.debugger import Action, DebuggerError, Resume
from zenowasm.frontends.gdb.errors import ForeignProtocolError, PacketError
from zenowasm.frontends.gdb.stopped import THREAD, Stopped
from zenowasm.frontends.gdb.target import Target
from zenowasm.frontends.gdb.wire import INTERRUPT, LARGEST_PACKET, Wire

AboutStop: TypeAlias = Callable[[Stopped, str], str]
"""Answer a packet of which the name was taken off."""

_NAMED: Final = re.compile(r"(?P<name>[qQvj_][A-Za-z]*\??|b[cs]|.)(?P<rest>.*)", re.DOTALL)
_PROCESS: Final = f"triple:{b'wasm32-unknown-unknown-wasm'.hex()};endian:little;ptrsize:4;"
_FEATURES: Final = (
    f"PacketSize={LARGEST_PACKET:x};QStartNoAckMode+;qXfer:libraries:read+;vContSupported+;qWasmInstance+"
)
_REVERSE: Final = ";ReverseStep+;ReverseContinue+"
_PC: Final = (
    "name:pc;alt-name:pc;bitsize:64;offset:0;encoding:uint;format:hex;set:General Purpose Registers;generic:pc;"
)
_OK: Final = "OK"
_KILLED: Final = "X09"
_UNKNOWN: Final = ""


class Server:
    """A server for one client of a target."""

    def __init__(self, wire: Wire, target: Target) -> None:
        self._wire = wire
        self._target = target
        self._has_texts = False
        self._is_open = True

    def serve(self) -> None:
        """Answer packets until the client ends the run, detaches or disconnects; then remove its breakpoints."""
        while self._is_open:
            try:
                packet = self._wire.receive()
                if packet is None:
                    break
                self._received(packet)
            except PacketError as error:
                self._fail(str(error))
            except ForeignProtocolError:
                break
        self._target.forget_client()

    def _received(self, packet: str) -> None:
        found = _NAMED.fullmatch(packet)
        name, rest = ("", "") if found is None else (found["name"], found["rest"])
        if name in _AT_ANY_TIME:
            contents = _AT_ANY_TIME[name](self, rest)
            if contents is not None:
                self._wire.send(contents)
        elif name in _RESUMING:
            action = _ACTIONS.get(rest[1:2] if name == "vCont" else name)
            self._ask(lambda stopped: self._resume(stopped, action))
        elif name in _ABOUT_STOP:
            answer = _ABOUT_STOP[name]
            self._ask(lambda stopped: self._wire.send(answer(stopped, rest)))
        else:
            self._wire.send(_UNKNOWN)

    def _ask(self, answer: Callable[[Stopped], Resume | None]) -> None:
        """Let the guest's thread answer a packet if the guest is stopped, otherwise fail."""

        def question(is_stopped: bool) -> Resume | None:
            try:
                if is_stopped:
                    return answer(self._target.stopped_at)
                self._fail("the guest is not stopped")
            except (PacketError, DebuggerError) as error:
                self._fail(str(error))
            return None

        if not self._target.guest.ask(question):
            question(False)

    def _resume(self, stopped: Stopped, action: Action | None) -> Resume | None:
        if action is None:
            raise PacketError("expected one of the actions c, C, s and S")
        resume = Resume(action)
        stopped.session.check_resume(resume)
        if not action.travels and stopped.has_unseen_breakpoint():
            self._wire.send(stopped.reply())
            return None
        self._target.resumes(resume, self._wire.send)
        return resume

    def _fail(self, message: str) -> None:
        self._wire.send(f"E01;{message.encode().hex()}" if self._has_texts else "E01")

    # -- packets at any time --

    def _supported(self, rest: str) -> str:
        return _FEATURES + (_REVERSE if self._target.session.timeline is not None else "")

    def _interrupt(self, rest: str) -> None:
        self._target.guest.pause(self._target.session)

    def _status(self, rest: str) -> None:
        self._target.tell_stop(self._wire.send)

    def _without_acknowledgements(self, rest: str) -> None:
        self._wire.send(_OK)
        self._wire.acknowledges = False

    def _with_texts(self, rest: str) -> str:
        self._has_texts = True
        return _OK

    def _kill(self, rest: str) -> str:
        self._is_open = False
        self._target.quit()
        return _KILLED

    def _detach(self, rest: str) -> str:
        self._is_open = False
        self._target.release()
        return _OK


# -- packets about the stop --


def _numbers(rest: str, form: str, base: int = 16) -> list[int]:
    """Return the numbers of a packet in which each ``N`` of a form is one; raises ``PacketError``."""
    pattern = re.escape(form).replace("N", "([0-9a-fA-F]{1,16})" if base == 16 else "([0-9]{1,9})")
    found = re.fullmatch(pattern, rest)
    if found is None:
        raise PacketError(f"expected {form}, found {rest[:40]!r}")
    return [int(it, base) for it in found.groups()]


def _read(stopped: Stopped, rest: str) -> str:
    return stopped.read(*_numbers(rest, "N,N"))


def _write(stopped: Stopped, rest: str) -> str:
    place, _, digits = rest.partition(":")
    address, length = _numbers(place, "N,N")
    if re.fullmatch("([0-9a-fA-F]{2})*", digits) is None or len(digits) != 2 * length:
        raise PacketError(f"expected {length} bytes in hexadecimal digits")
    stopped.write(address, bytes.fromhex(digits))
    return _OK


def _points(code: Callable[[Stopped, int], None], writes: Callable[[Stopped, int, int], None]) -> AboutStop:
    """Return what inserts or removes breakpoints and watchpoints."""

    def handle(stopped: Stopped, rest: str) -> str:
        kind, address, length = _numbers(rest, "N,N,N")
        if kind in _CODE_KINDS:
            code(stopped, address)
        elif kind == _WRITES:
            writes(stopped, address, length)
        else:
            return _UNKNOWN
        return _OK

    return handle


_CODE_KINDS: Final = (0, 1)
_WRITES: Final = 2


def _one_register(stopped: Stopped, rest: str) -> str:
    if int(_numbers(rest.partition(";")[0], "N")[0]):
        raise PacketError("the only register is 0, the address of the next instruction")
    return stopped.registers()


def _global(stopped: Stopped, rest: str) -> str:
    if "instance" in rest:
        index, module = _numbers(rest.rstrip(";"), ":N;instance:N", 10)
        return stopped.global_of_module(module, index)
    return stopped.global_of_frame(*_numbers(rest, ":N;N", 10))


def _memory(stopped: Stopped, rest: str) -> str:
    frame, address, length = _numbers(rest, ":N;N;N")
    return stopped.read_of_frame(frame, address, length)


def _transfer(stopped: Stopped, rest: str) -> str:
    prefix, _, place = rest.partition("::")
    if prefix != ":libraries:read":
        return _UNKNOWN
    start, length = _numbers(place, "N,N")
    text = stopped.modules.listed().encode().decode("latin-1")
    return f"{'m' if start + length < len(text) else 'l'}{text[start : start + length]}"


_ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "c": Action.CONTINUE,
        "C": Action.CONTINUE,
        "s": Action.STEP,
        "S": Action.STEP,
        "bc": Action.CONTINUE_BACK,
        "bs": Action.STEP_BACK,
    }
)
_AT_ANY_TIME: Final[Mapping[str, Callable[[Server, str], str | None]]] = MappingProxyType(
    {
        INTERRUPT: Server._interrupt,
        "?": Server._status,
        "qSupported": Server._supported,
        "QStartNoAckMode": Server._without_acknowledgements,
        "QEnableErrorStrings": Server._with_texts,
        "QListThreadsInStopReply": lambda *_: _OK,
        "qHostInfo": lambda *_: f"{_PROCESS}watchpoint_exceptions_received:after;",
        "qProcessInfo": lambda *_: f"pid:1;{_PROCESS}",
        "qRegisterInfo": lambda _, rest: _PC if rest == "0" else "E45",
        "qC": lambda *_: f"QC{THREAD}",
        "qfThreadInfo": lambda *_: f"m{THREAD}",
        "qsThreadInfo": lambda *_: "l",
        "qAttached": lambda *_: "1",
        "vCont?": lambda *_: "vCont;c;C;s;S",
        "H": lambda *_: _OK,
        "T": lambda *_: _OK,
        "k": Server._kill,
        "vKill": Server._kill,
        "D": Server._detach,
    }
)
_ABOUT_STOP: Final[Mapping[str, AboutStop]] = MappingProxyType(
    {
        "g": lambda stopped, _: stopped.registers(),
        "p": _one_register,
        "m": _read,
        "M": _write,
        "Z": _points(Stopped.insert_breakpoint, Stopped.insert_watchpoint),
        "z": _points(Stopped.remove_breakpoint, Stopped.remove_watchpoint),
        "qThreadStopInfo": lambda stopped, _: stopped.reply(),
        "qMemoryRegionInfo": lambda stopped, rest: stopped.region(*_numbers(rest, ":N")),
        "qXfer": _transfer,
        "qWasmCallStack": lambda stopped, _: stopped.call_stack(),
        "qWasmLocal": lambda stopped, rest: stopped.local(*_numbers(rest, ":N;N", 10)),
        "qWasmStackValue": lambda stopped, rest: stopped.operand(*_numbers(rest, ":N;N", 10)),
        "qWasmGlobal": _global,
        "qWasmMem": _memory,
    }
)
_RESUMING: Final = (*_ACTIONS, "vCont")
PACKETS: Final = (*_AT_ANY_TIME, *_RESUMING, *_ABOUT_STOP)
"""The packets that the server answers; for all others, the answer is empty."""
