"""Offers the host functions to one WebAssembly guest, as imports of the module ``env``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from attrs import frozen

from zenowasm.backends.protocol import Caller, FuncType
from zenowasm.host.linker import HostFunction
from zenowasm.host.memory import MemoryFaultError, visible_text
from zenowasm.interp.types import I32
from zenowasm.plugin.guest.jsonvalue import encode
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError
from zenowasm.plugin.host_functions.log import Message
from zenowasm.plugin.host_functions.port import GuestPort
from zenowasm.plugin.host_functions.table import OPERATIONS, PREFIX, Answer, Argument, Operation, perform

MODULE: Final = "env"
_LONGEST_LEVEL: Final = 5


def functions(context: HostContext, port: GuestPort) -> Iterator[HostFunction]:
    """Return the host functions of the plugin instance that ``context`` and ``port`` belong to."""
    for operation in OPERATIONS.values():
        body = _FUNCTIONS[operation.answer](context, port, operation)
        yield HostFunction(MODULE, PREFIX + operation.name, body.type, body)


@frozen
class _Asking(ABC):
    """``(pointer, length) -> i32``: a function that takes JSON or a text."""

    type: ClassVar = FuncType((I32, I32), (I32,))
    context: HostContext
    port: GuestPort
    operation: Operation

    def __call__(self, caller: Caller, arguments: tuple[int, ...]) -> tuple[int]:
        guest = self.port.guest
        if not guest.bound:
            guest.adopt(caller)
        return (self.result(perform(self.context, self.operation, self, arguments, arguments[1])),)

    def read(self, passed: tuple[int, ...]) -> object:
        """Return the request or the text at pointer and length."""
        pointer, length = passed
        port, operation = self.port, self.operation
        if operation.argument is Argument.REQUEST:
            return port.read_request(pointer, length)
        return visible_text(port.read(pointer, length, port.limits.key_bytes, operation.what))

    @abstractmethod
    def encode(self, passed: tuple[int, ...], outcome: Any) -> bytes:
        """Return the answer for what the operation's body returned."""

    @abstractmethod
    def failed(self, passed: tuple[int, ...], error: RequestFailedError) -> bytes | None:
        """Return the answer for a failure."""

    @abstractmethod
    def result(self, answer: bytes | None) -> int:
        """Return what the guest gets for an answer."""


class _Replying(_Asking):
    """Answers with the address of a JSON object."""

    def encode(self, passed: object, outcome: dict[str, object]) -> bytes:
        """Return the object with the data."""
        return self.port.encoded(outcome)

    def failed(self, passed: object, error: RequestFailedError) -> bytes:
        """Return the object with the error."""
        return b'{"success":false,"error":' + encode(str(error)) + b"}"

    def result(self, answer: bytes | None) -> int:
        """Return the address of the object."""
        return self.port.reply(answer or b"")


class _Telling(_Replying):
    """Answers with the address of bytes, which are empty when there is nothing to tell."""

    def encode(self, passed: object, outcome: Any) -> bytes:
        """Return the bytes, none when they are too many."""
        return bytes(outcome) if len(outcome) <= self.port.limits.request_bytes else b""

    def failed(self, passed: object, error: RequestFailedError) -> bytes:
        """Return nothing."""
        return b""


class _Flagging(_Asking):
    """Answers 1 when it is done, else 0."""

    def encode(self, passed: object, outcome: object) -> bytes:
        """Return nothing: that there is an answer is all of it."""
        return b""

    def failed(self, passed: object, error: RequestFailedError) -> None:
        """Return no answer."""

    def result(self, answer: bytes | None) -> int:
        """Return whether there is an answer."""
        return int(answer is not None)


@frozen
class _Logging:
    """``(level pointer, level length, message pointer, message length) -> ()``."""

    type: ClassVar = FuncType((I32, I32, I32, I32), ())
    context: HostContext
    port: GuestPort
    operation: Operation

    def __call__(self, caller: Caller, arguments: tuple[int, ...]) -> tuple[()]:
        guest = self.port.guest
        if not guest.bound:
            guest.adopt(caller)
        perform(self.context, self.operation, self, arguments, arguments[1] + arguments[3])
        return ()

    def read(self, passed: tuple[int, ...]) -> Message:
        """Return level and message."""
        level_pointer, level_length, pointer, length = passed
        memory = self.port.guest.memory
        what = "level"
        try:
            # No level is longer than "error": whatever is longer is not one of the four and counts as info.
            level = memory.read_start(level_pointer, level_length, _LONGEST_LEVEL + 1)
            what = "message"
            text = memory.read_start(pointer, length, self.port.limits.log_message_bytes)
        except MemoryFaultError as error:
            raise RequestFailedError(f"Failed to read log {what} from WASM memory") from error
        return Message(level.decode("utf-8", "replace"), text, length - len(text))

    def encode(self, passed: object, outcome: object) -> bytes:
        """Return nothing."""
        return b""

    def failed(self, passed: object, error: RequestFailedError) -> None:
        """Log why nothing was logged."""
        self.context.log.write("error", str(error).encode())


_FUNCTIONS: Final[Mapping[Answer, Callable[[HostContext, GuestPort, Operation], _Replying | _Flagging | _Logging]]] = (
    MappingProxyType({Answer.REPLY: _Replying, Answer.RAW: _Telling, Answer.FLAG: _Flagging, Answer.NOTHING: _Logging})
)
