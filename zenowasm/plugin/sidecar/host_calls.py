"""Answers a process's host calls, through the same table as those of WebAssembly guests.

The data has the original's form for processes: the bare rows of ``db_query``, value of ``scope_get``, content of
``file_read`` and text of ``env_get``, and the object of ``http_request``.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, frozen

from zenowasm.host.memory import visible_text
from zenowasm.interp.errors import WasmError
from zenowasm.plugin.guest.jsonvalue import JSONError
from zenowasm.plugin.host_functions.context import HostContext, NotAvailableError, RequestFailedError, text_field
from zenowasm.plugin.host_functions.log import Message
from zenowasm.plugin.host_functions.table import OPERATIONS, Answer, Argument, Operation, perform
from zenowasm.plugin.observing.audit_arguments import described_as
from zenowasm.plugin.sidecar.messages import HostCall, host_response

_LOG: Final = "log"
_SHOWN: Final = 100


def _no_such_function(context: HostContext, name: str) -> None:
    raise NotAvailableError(f"unknown host function: {name}")


_UNKNOWN: Final = Operation("unknown", Argument.TEXT, Answer.NOTHING, "name", _no_such_function, described_as("name"))
"""The operation for all unknown host functions; it has one name, because the process chooses theirs."""


def answer(context: HostContext, call: HostCall) -> bytes:
    """Perform a process's host call and return the line that answers it; raises the errors of ``perform``."""
    return _answer(context, OPERATIONS.get(call.function, _UNKNOWN), call)


def answer_outside(context: HostContext, call: HostCall, why: str) -> bytes:
    """Answer a host call outside any slot call: perform a ``log``, refuse every other function with ``why``."""

    def refuse(context: HostContext, argument: object) -> None:
        raise NotAvailableError(why)

    operation = OPERATIONS.get(call.function, _UNKNOWN)
    try:
        return _answer(context, operation if operation.name == _LOG else evolve(operation, body=refuse), call)
    except WasmError as error:
        return host_response(call.id, error=str(error))


def _answer(context: HostContext, operation: Operation, call: HostCall) -> bytes:
    return perform(context, operation, _Exchange(context, operation), call, call.size) or b""


@frozen
class _Exchange:
    """The exchange of a sidecar: it reads a host call's argument and encodes the line that answers it."""

    context: HostContext
    operation: Operation

    def read(self, passed: HostCall) -> object:
        """Return the argument of the host call."""
        return _argument(self.context, self.operation, passed)

    def encode(self, passed: HostCall, outcome: Any) -> bytes:
        """Encode the line with the data."""
        try:
            return _bounded(self.context, host_response(passed.id, _data(self.operation, outcome)))
        except JSONError as error:
            raise RequestFailedError(str(error)) from error

    def failed(self, passed: HostCall, error: RequestFailedError) -> bytes:
        """Encode the line with the error."""
        return host_response(passed.id, error=str(error))


def _data(operation: Operation, outcome: Any) -> object:
    match operation.answer:
        case Answer.REPLY:
            return outcome if operation.sidecar_field is None else outcome[operation.sidecar_field]
        case Answer.RAW:
            return visible_text(outcome)
    return None


def _argument(context: HostContext, operation: Operation, call: HostCall) -> object:
    if operation is _UNKNOWN:
        return visible_text(call.function[:_SHOWN].encode("utf-8", "replace"))
    limits = context.limits
    if call.size > limits.host_request_bytes:
        limit = f"{call.size} bytes are more than the limit of {limits.host_request_bytes} bytes"
        raise RequestFailedError(f"failed to read request: {limit}")
    match operation.argument:
        case Argument.REQUEST:
            return call.parameters
        case Argument.TEXT:
            text = text_field(call.parameters, operation.what)
            if len(text.encode()) > limits.key_bytes:
                raise RequestFailedError(
                    f"failed to read {operation.what}: more than the limit of {limits.key_bytes} bytes"
                )
            return text
        case Argument.MESSAGE:
            return Message(text_field(call.parameters, "level"), text_field(call.parameters, "message").encode())


def _bounded(context: HostContext, line: bytes) -> bytes:
    limit = context.limits.request_bytes
    if len(line) > limit:
        raise RequestFailedError(f"the reply is longer than the limit of {limit} bytes")
    return line
