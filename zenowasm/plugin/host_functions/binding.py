"""Offers the host functions to one WebAssembly guest, as imports of the module ``env``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import frozen

from zenowasm.backends.protocol import Caller, FuncType, HostBody
from zenowasm.host.linker import HostFunction
from zenowasm.host.memory import MemoryFaultError, visible_text
from zenowasm.interp.types import I32, ResultType
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError
from zenowasm.plugin.host_functions.log import Message
from zenowasm.plugin.host_functions.port import GuestPort
from zenowasm.plugin.host_functions.table import OPERATIONS, PREFIX, Answer, Argument, Operation, perform

MODULE: Final = "env"
_LONGEST_LEVEL: Final = 5


def functions(context: HostContext, port: GuestPort) -> Iterator[HostFunction]:
    """Return the host functions of the plugin instance that ``context`` and ``port`` belong to."""
    for operation in OPERATIONS.values():
        results = () if operation.answer is Answer.NOTHING else (I32,)
        if operation.argument is Argument.MESSAGE:
            parameters: ResultType = (I32, I32, I32, I32)
            body: HostBody = _Logging(context, port, operation)
        else:
            parameters = (I32, I32)
            body = _Asking(context, port, operation)
        yield HostFunction(MODULE, PREFIX + operation.name, FuncType(parameters, results), body)


@frozen
class _Asking:
    """``(pointer, length) -> pointer or flag``."""

    context: HostContext
    port: GuestPort
    operation: Operation

    def __call__(self, caller: Caller, arguments: tuple[int, ...]) -> tuple[int]:
        port = self.port
        if not port.guest.bound:
            port.guest.adopt(caller)
        pointer, length = arguments

        def read() -> object:
            return self._argument(pointer, length)

        try:
            answer = perform(self.context, self.operation, read, self._encoded, size=length)
        except RequestFailedError as error:
            return (self._failed(error),)
        return (1 if self.operation.answer is Answer.FLAG else port.reply(answer),)

    def _encoded(self, outcome: Any) -> bytes:
        match self.operation.answer:
            case Answer.REPLY:
                return self.port.encoded(outcome)
            case Answer.RAW if len(outcome) <= self.port.limits.request_bytes:
                return bytes(outcome)
        return b""

    def _argument(self, pointer: int, length: int) -> object:
        if self.operation.argument is Argument.REQUEST:
            return self.port.read_request(pointer, length)
        return visible_text(self.port.read(pointer, length, self.port.limits.key_bytes, self.operation.what))

    def _failed(self, error: RequestFailedError) -> int:
        match self.operation.answer:
            case Answer.REPLY:
                return self.port.reply_error(str(error))
            case Answer.RAW:
                return self.port.reply(b"")
        return 0


@frozen
class _Logging:
    """``(level pointer, level length, message pointer, message length) -> ()``."""

    context: HostContext
    port: GuestPort
    operation: Operation

    def __call__(self, caller: Caller, arguments: tuple[int, ...]) -> tuple[()]:
        if not self.port.guest.bound:
            self.port.guest.adopt(caller)

        def read() -> Message:
            return self._message(*arguments)

        try:
            perform(self.context, self.operation, read, size=arguments[1] + arguments[3])
        except RequestFailedError as error:
            self.context.log.write("error", str(error).encode())
        return ()

    def _message(self, level_pointer: int, level_length: int, pointer: int, length: int) -> Message:
        memory = self.port.guest.memory
        try:
            # No level is longer than "error": whatever is longer is not one of the four and counts as info.
            level = memory.read_start(level_pointer, level_length, _LONGEST_LEVEL + 1)
        except MemoryFaultError as error:
            raise RequestFailedError("Failed to read log level from WASM memory") from error
        kept = self.port.limits.log_message_bytes
        try:
            text = memory.read_start(pointer, length, kept)
        except MemoryFaultError as error:
            raise RequestFailedError("Failed to read log message from WASM memory") from error
        return Message(visible_text(level), text, length - len(text))
