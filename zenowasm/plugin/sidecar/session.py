"""The conversation with one process: sends calls, and routes each message from the process to its call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from itertools import count
from time import monotonic
from typing import Final

from attrs import define, field

from zenowasm.interp.errors import Trap, TrapCode, WasmError
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.errors import OutputLimitError, PluginError, RequestError, RequestLimitError, call_error
from zenowasm.plugin.guest.jsonvalue import JSONError
from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.sidecar.code import SidecarCode
from zenowasm.plugin.sidecar.errors import SidecarExitedError, SidecarProtocolError, how_it_ended
from zenowasm.plugin.sidecar.host_calls import answer, answer_outside
from zenowasm.plugin.sidecar.inbox import Inbox
from zenowasm.plugin.sidecar.messages import GuestResponse, HostCall, MessageError, guest_call, parse_message
from zenowasm.plugin.sidecar.process import STOPPING_SECONDS, LineTooLongError, SidecarProcess
from zenowasm.wasi.streams import LineBuffer

MAX_OUTSIDE: Final = 1000
"""The maximum number of messages outside any call, between the beginnings of two calls."""
_REPLY_SECONDS: Final = 1.0
"""The seconds within which a process must read the answer to a message outside any call."""

Failure = Callable[[str], PluginError]
"""A function that returns the error for a call of the named function."""


@define(eq=False)
class _Asked:
    """A running call; ``is_phase`` marks the two calls that load a plugin, ``abandoned`` a call that ended early."""

    id: str
    is_phase: bool
    inbox: Inbox = field(factory=Inbox)
    abandoned: bool = False


class Session:
    """One process and its running calls, each in its own thread.

    The session is no longer ``usable`` after the process has ended or violated the protocol, or after a call has ended
    without a response, because the state of the process is then unknown. Running calls can still succeed.
    """

    def __init__(self, code: SidecarCode) -> None:
        """Start a process; raises ``SidecarStartError``."""
        self._code = code
        self._calls: dict[str, _Asked] = {}
        self._lock = threading.Lock()
        self._ids = count(1)
        self._outside = 0
        self._stopping = False
        self._failure: Failure | None = None
        self.failure_text = ""
        self.answered = False
        self.abandoned = False
        self.users = 0
        errors = LineBuffer(lambda line: code.log.write("warn", line))
        self._process = SidecarProcess(code.binary, code.plugin.manifest.folder, code.environment, errors)
        self._reader = threading.Thread(target=self._read, name=f"zenowasm-sidecar-{self.number}-out", daemon=True)
        self._reader.start()

    @property
    def number(self) -> int:
        """The process ID."""
        return self._process.number

    @property
    def usable(self) -> bool:
        """Whether the process can take another call."""
        return self._failure is None and not self.abandoned

    @property
    def crashed(self) -> bool:
        """Whether the process crashed or was killed for violating the protocol."""
        return bool(self.failure_text)

    def ask(
        self, slot: str, parameters: Mapping[str, object], context: HostContext, *, is_phase: bool = False
    ) -> GuestResponse:
        """Call a slot, perform the process's host calls meanwhile, and return its response.

        Raises ``RequestError`` before anything is sent, afterwards ``CallError`` and its subclasses, and
        ``OutputLimitError``.
        """
        call = _Asked(str(next(self._ids)), is_phase)
        line = self._encoded(call, slot, parameters)
        with self._lock:
            if self._failure is None:
                self._calls[call.id] = call
                self._outside = 0
        try:
            if call.id not in self._calls:
                raise self._error(slot)
            self._write(line, context, slot)
            while True:
                message = self._next(call, context, slot)
                if isinstance(message, GuestResponse):
                    self.answered = self.answered or not is_phase
                    return message
                self._write(self._answered(message, context, slot), context, slot)
        except BaseException:
            call.abandoned = self.abandoned = True
            raise
        finally:
            call.inbox.close()
            with self._lock:
                if not call.abandoned:
                    self._calls.pop(call.id, None)

    def stop(self) -> None:
        """Let the process end, and wait until it has ended."""
        self._stopping = True
        self._process.stop()
        self._reader.join(STOPPING_SECONDS)

    def kill(self) -> None:
        """Kill the process, and wait until it has ended."""
        self._stopping = True
        self._process.kill()
        self._reader.join(STOPPING_SECONDS)

    def _encoded(self, call: _Asked, slot: str, parameters: Mapping[str, object]) -> bytes:
        try:
            line = guest_call(call.id, slot, parameters, self._code.plugin.request_context)
        except JSONError as error:
            raise RequestError(f"failed to marshal request: {error}") from error
        limits = self._code.plugin.limits
        if len(line) > limits.request_bytes:
            raise RequestLimitError(
                f"the request of {len(line)} bytes is longer than the limit of {limits.request_bytes} bytes; "
                f"{limits.remedy('request_bytes', self._code.plugin.name)}"
            )
        return line

    def _next(self, call: _Asked, context: HostContext, slot: str) -> GuestResponse | HostCall:
        try:
            message = call.inbox.get(context.call.seconds_left)
        except TimeoutError:
            raise self._ended_early(Trap(TrapCode.INTERRUPTED), context, slot) from None
        if message is None:
            raise self._error(slot)
        return message

    def _answered(self, message: HostCall, context: HostContext, slot: str) -> bytes:
        try:
            return answer(context, message)
        except WasmError as error:  # limits end the call as they end a guest's call
            raise self._ended_early(error, context, slot) from error

    def _write(self, line: bytes, context: HostContext, slot: str) -> None:
        try:
            self._process.write(line, context.call.deadline)
        except TimeoutError:
            self._stopping = True
            self._process.kill()  # the process may have read a part of the line
            raise self._ended_early(Trap(TrapCode.INTERRUPTED), context, slot) from None
        except BrokenPipeError:
            self._reader.join(STOPPING_SECONDS)  # messages that the process wrote before it ended still count

    def _ended_early(self, error: WasmError, context: HostContext, slot: str) -> PluginError:
        return call_error(self._code.plugin.name, slot, error, context.limits)

    def _error(self, slot: str) -> PluginError:
        failure = self._failure
        return SidecarExitedError(self._code.plugin.name, slot, None) if failure is None else failure(slot)

    def _read(self) -> None:
        """Route the process's messages until it ends; kill it if it violates the protocol."""
        limits = self._code.plugin.limits
        longest = max(limits.reply_bytes, limits.host_request_bytes)
        try:
            for line in self._process.lines(longest):
                if line.strip():
                    self._route(parse_message(line))
        except LineTooLongError:
            text = f"the sidecar wrote a line that is longer than the limit of {longest} bytes"
            remedy = limits.remedy("reply_bytes", self._code.plugin.name)
            self._fail(lambda slot: OutputLimitError(f"failed to read response of {slot}: {text}; {remedy}"), text)
        except MessageError as error:
            text = f"the sidecar broke the protocol: {error}"
            self._fail(lambda slot: SidecarProtocolError(self._code.plugin.name, slot, text), text)
        else:
            self._process.wait(STOPPING_SECONDS)
            code = self._process.code
            self._fail(
                lambda slot: SidecarExitedError(self._code.plugin.name, slot, code), f"the sidecar {how_it_ended(code)}"
            )
        finally:
            if self._failure is None:  # a log sink has raised: no thread reads the process's output any more
                self._fail(lambda slot: SidecarExitedError(self._code.plugin.name, slot, None), how_it_ended(None))

    def _fail(self, failure: Failure, text: str) -> None:
        with self._lock:
            ended_well = self._stopping or (not self._calls and self._process.code == 0)
            self._failure = failure
            self.failure_text = "" if ended_well else text
            calls = list(self._calls.values())
        for call in calls:
            call.inbox.close()
        self._process.kill()

    def _route(self, message: GuestResponse | HostCall) -> None:
        with self._lock:
            call = self._owner(message)
            if isinstance(message, GuestResponse) and call is not None:
                del self._calls[call.id]
        if call is not None:
            call.inbox.put(message)
        elif isinstance(message, HostCall):
            self._refuse(message)
        else:
            raise MessageError(f"the call {message.id!r} that it answers is not under way")

    def _owner(self, message: GuestResponse | HostCall) -> _Asked | None:
        """Return the call that a message belongs to. Requires the lock."""
        if isinstance(message, GuestResponse) and message.id is None:
            return next((call for call in self._calls.values() if call.is_phase), None)
        named = message.id if isinstance(message, GuestResponse) else message.call
        if named is not None:
            return self._calls.get(str(named))
        # With several calls, the right one would be a guess: even a call that ended early may have sent the message.
        return next(iter(self._calls.values())) if len(self._calls) == 1 else None

    def _refuse(self, message: HostCall) -> None:
        self._outside += 1
        if self._outside > MAX_OUTSIDE:
            raise MessageError(f"more than {MAX_OUTSIDE} messages outside calls")
        code = self._code
        call = RunningCall(trace=CallTrace(code.plugin.name, code.plugin.version))
        context = code.plugin.context(code.log, call)
        several = bool(self._calls)
        why = "several calls are under way: name one in call_id" if several else "no call is under way"
        try:
            self._process.write(answer_outside(context, message, why), monotonic() + _REPLY_SECONDS)
        except TimeoutError:
            raise MessageError("it does not read the replies to its host_calls") from None
        except BrokenPipeError:
            return
