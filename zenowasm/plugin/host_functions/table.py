"""The eight host functions, described once: what each takes, what it answers, and who does it.

Source: the ABI document, section "Imports". ``binding`` offers them to WebAssembly guests; a plugin that is a process
calls them by the same names without ``host_``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from zenowasm.interp.errors import Trap, TrapCode, WasmError
from zenowasm.plugin.errors import HostCallsUsedUp
from zenowasm.plugin.host_functions import db, env, file, http, log, scope
from zenowasm.plugin.host_functions.context import DeniedError, HostContext, NotAvailableError
from zenowasm.plugin.observing.trace import Decision

PREFIX: Final = "host_"


class Argument(Enum):
    """What a guest passes."""

    REQUEST = "a JSON object"
    TEXT = "a key or a path"
    MESSAGE = "a level and a message"


class Answer(Enum):
    """What a guest gets."""

    REPLY = "a JSON object with success, data and error"
    FLAG = "1 when it is done, else 0"
    RAW = "bytes, empty when there is nothing to tell"
    NOTHING = "nothing"


@frozen
class Operation:
    """One host function, whatever way it is called.

    ``what`` is what a bad pointer is said to have failed to read. ``body`` gets the plugin's context and the argument
    (a ``dict``, a ``str``, or a ``log.Message``) and returns a ``dict`` for a reply, ``bytes`` for raw ones, else
    ``None``. It raises ``RequestFailedError`` for what it cannot do.
    """

    name: str
    argument: Argument
    answer: Answer
    what: str
    body: Callable[[HostContext, Any], Any]


_ROWS: Final = (
    Operation("log", Argument.MESSAGE, Answer.NOTHING, "log message", log.write),
    Operation("db_query", Argument.REQUEST, Answer.REPLY, "request", db.query),
    Operation("http_request", Argument.REQUEST, Answer.REPLY, "request", http.request),
    Operation("scope_get", Argument.TEXT, Answer.REPLY, "key", scope.get),
    Operation("scope_set", Argument.REQUEST, Answer.FLAG, "request", scope.set_),
    Operation("file_read", Argument.TEXT, Answer.REPLY, "path", file.read),
    Operation("file_write", Argument.REQUEST, Answer.FLAG, "request", file.write),
    Operation("env_get", Argument.TEXT, Answer.RAW, "key", env.get),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({row.name: row for row in _ROWS})
"""The host functions by name, without ``host_``."""


def perform(
    context: HostContext,
    operation: Operation,
    read: Callable[[], Any],
    encode: Callable[[Any], bytes] = lambda outcome: outcome or b"",
    *,
    size: int = 0,
) -> bytes:
    """Do what a plugin asks for: the one place through which every host function of every plugin goes.

    ``read`` returns the argument that the plugin passed in ``size`` bytes, ``encode`` makes an answer of what
    ``Operation.body`` returns; the result is that answer. Both may raise ``RequestFailedError``, as this does. It
    raises whatever ends the plugin's call, as ``HostCallsUsedUp`` does, and a ``Trap`` when the call's time is over:
    not every engine looks at the clock before the guest goes on.
    """
    call = context.call
    name = operation.name
    watch = context.services.watch
    described = watch.host_call(call.trace, context.redactor, name, size) if watch.describes else None
    argument = None
    try:
        call.host_calls += 1
        if call.host_calls > context.limits.host_calls:
            raise HostCallsUsedUp
        argument = read()
        try:
            answer = encode(operation.body(context, argument))
        finally:
            if call.deadline <= monotonic():
                raise Trap(TrapCode.INTERRUPTED)
    except BaseException as error:
        decision = _decision(error)
        call.trace.count(name, decision, 0 if argument is None else size, 0)
        if described is not None:
            described.ended(decision, argument, error=error)
        raise
    call.trace.count(name, Decision.ALLOWED, size, len(answer))
    if described is not None:
        described.ended(Decision.ALLOWED, argument, len(answer))
    return answer


def _decision(error: BaseException) -> Decision:
    match error:
        case DeniedError():
            return Decision.DENIED
        case NotAvailableError():
            return Decision.UNAVAILABLE
        case WasmError():
            return Decision.LIMIT
    return Decision.FAILED
