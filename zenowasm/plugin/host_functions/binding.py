"""Binds the host functions to one WebAssembly guest, as imports from the module ``env``."""

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
    """Yield the host functions of the plugin instance that ``context`` and ``port`` belong to."""
    for operation in OPERATIONS.values():
        body = _FUNCTIONS[operation.answer](context, port, operation)
        yield HostFunction(MODULE, PREFIX + operation.name, body.type, body)


@frozen
class _Asking(ABC):
    """A host function ``(pointer, length) -> i32`` that takes JSON or text."""

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
        """Read the request or text at the given pointer and length."""
        pointer, length = passed
        port, operation = self.port, self.operation
        if operation.argument is Argument.REQUEST:
            return port.read_request(pointer, length)
        return visible_text(port.read(pointer, length, port.limits.key_bytes, operation.what))

    @abstractmethod
    def encode(self, passed: tuple[int, ...], outcome: Any) -> bytes:
        """Encode the outcome of the operation's body as an answer."""

    @abstractmethod
    def failed(self, passed: tuple[int, ...], error: RequestFailedError) -> bytes | None:
        """Return the answer for a failure."""

    @abstractmethod
    def result(self, answer: bytes | None) -> int:
        """Return the i32 result for an answer."""


class _Replying(_Asking):
    """A host function that returns the address of a JSON object."""

    def encode(self, passed: object, outcome: dict[str, object]) -> bytes:
        """Return the JSON object with the data."""
        return self.port.encoded(outcome)

    def failed(self, passed: object, error: RequestFailedError) -> bytes:
        """Return the JSON object with the error."""
        return b'{"success":false,"error":' + encode(str(error)) + b"}"

    def result(self, answer: bytes | None) -> int:
        """Copy the answer into the guest and return its address."""
        return self.port.reply(answer or b"")


class _Telling(_Replying):
    """A host function that returns the address of bytes, empty if it has no answer."""

    def encode(self, passed: object, outcome: Any) -> bytes:
        """Return the bytes, or none if there are too many."""
        return bytes(outcome) if len(outcome) <= self.port.limits.request_bytes else b""

    def failed(self, passed: object, error: RequestFailedError) -> bytes:
        """Return no bytes."""
        return b""


class _Flagging(_Asking):
    """A host function that returns 1 if it succeeds, else 0."""

    def encode(self, passed: object, outcome: object) -> bytes:
        """Return no bytes: an answer, even an empty one, means success."""
        return b""

    def failed(self, passed: object, error: RequestFailedError) -> None:
        """Return ``None``, which means failure."""

    def result(self, answer: bytes | None) -> int:
        """Return 1 if there is an answer, else 0."""
        return int(answer is not None)


@frozen
class _Logging:
    """A host function ``(level pointer, level length, message pointer, message length) -> ()``."""

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
        """Read the level and the message."""
        level_pointer, level_length, pointer, length = passed
        memory = self.port.guest.memory
        what = "level"
        try:
            # "error" is the longest level: a longer text is none of the four and counts as info.
            level = memory.read_start(level_pointer, level_length, _LONGEST_LEVEL + 1)
            what = "message"
            text = memory.read_start(pointer, length, self.port.limits.log_message_bytes)
        except MemoryFaultError as error:
            raise RequestFailedError(f"Failed to read log {what} from WASM memory") from error
        return Message(level.decode("utf-8", "replace"), text, length - len(text))

    def encode(self, passed: object, outcome: object) -> bytes:
        """Return no bytes."""
        return b""

    def failed(self, passed: object, error: RequestFailedError) -> None:
        """Log why the message was not logged."""
        self.context.log.write("error", str(error).encode())


_FUNCTIONS: Final[Mapping[Answer, Callable[[HostContext, GuestPort, Operation], _Replying | _Flagging | _Logging]]] = (
    MappingProxyType({Answer.REPLY: _Replying, Answer.RAW: _Telling, Answer.FLAG: _Flagging, Answer.NOTHING: _Logging})
)
