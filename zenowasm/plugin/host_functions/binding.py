"""Offers the host functions to one WebAssembly guest, as imports of the module ``env``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import frozen

from zenowasm.backends.protocol import Caller
from zenowasm.host.linker import HostFunction, host_function
from zenowasm.host.memory import MemoryFaultError, visible_text
from zenowasm.interp.types import I32, ResultType
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError
from zenowasm.plugin.host_functions.log import Message
from zenowasm.plugin.host_functions.port import GuestPort
from zenowasm.plugin.host_functions.table import OPERATIONS, PREFIX, Answer, Argument, Operation, perform

MODULE: Final = "env"
_LONGEST_LEVEL: Final = 5
_U32: Final = 0xFFFF_FFFF


def functions(context: HostContext, port: GuestPort) -> Iterator[HostFunction]:
    """Return the host functions of the plugin instance that ``context`` and ``port`` belong to."""
    for operation in OPERATIONS.values():
        if operation.argument is Argument.MESSAGE:
            yield _binding(port, operation, (I32, I32, I32, I32), _Logging(context, port, operation))
        else:
            yield _binding(port, operation, (I32, I32), _Asking(context, port, operation))


def _binding(
    port: GuestPort, operation: Operation, parameters: ResultType, body: Callable[..., int | None]
) -> HostFunction:
    results = () if operation.answer is Answer.NOTHING else (I32,)

    def call(caller: Caller, *arguments: int) -> int | None:
        port.guest.adopt(caller)
        return body(*arguments)

    return host_function(MODULE, PREFIX + operation.name, parameters, call, results=results)


@frozen
class _Asking:
    """``(pointer, length) -> pointer or flag``."""

    context: HostContext
    port: GuestPort
    operation: Operation

    def __call__(self, pointer: int, length: int) -> int:
        def read() -> object:
            return self._argument(pointer, length)

        try:
            answer = perform(self.context, self.operation, read, self._encoded, size=length & _U32)
        except RequestFailedError as error:
            return self._failed(error)
        return 1 if self.operation.answer is Answer.FLAG else self.port.reply(answer)

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

    def __call__(self, level_pointer: int, level_length: int, pointer: int, length: int) -> None:
        def read() -> Message:
            return self._message(level_pointer, level_length, pointer, length)

        try:
            perform(self.context, self.operation, read, size=(level_length & _U32) + (length & _U32))
        except RequestFailedError as error:
            self.context.log.write("error", str(error).encode())

    def _message(self, level_pointer: int, level_length: int, pointer: int, length: int) -> Message:
        memory = self.port.guest.memory
        try:
            memory.check(level_pointer, level_length)
            # No level is longer than "error": whatever is longer is not one of the four and counts as info.
            level = memory.read(level_pointer, min(level_length, _LONGEST_LEVEL + 1))
        except MemoryFaultError as error:
            raise RequestFailedError("Failed to read log level from WASM memory") from error
        kept = min(length, self.port.limits.log_message_bytes)
        try:
            memory.check(pointer, length)
            text = memory.read(pointer, kept)
        except MemoryFaultError as error:
            raise RequestFailedError("Failed to read log message from WASM memory") from error
        return Message(visible_text(level), text, length - kept)
