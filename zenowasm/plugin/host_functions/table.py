"""The eight host functions, described once: what each takes, what it answers, and which object implements it.

Source: the ABI document, section "Imports". ``binding`` offers them to WebAssembly guests; a plugin that is a process
calls them by the same names without ``host_``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from attrs import frozen

from zenowasm.interp.errors import Trap, TrapCode, WasmError
from zenowasm.plugin.errors import HostCallsUsedUp
from zenowasm.plugin.host_functions import db, env, file, http, log, scope
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError
from zenowasm.plugin.observing.audit_arguments import MOST_SQL, Describe, described_as
from zenowasm.plugin.observing.trace import MOST_ANSWERS, Decision

PREFIX: Final = "host_"


class Argument(Enum):
    """The form of an argument."""

    REQUEST = "a JSON object"
    TEXT = "a key or a path"
    MESSAGE = "a level and a message"


class Answer(Enum):
    """The form of an answer."""

    REPLY = "a JSON object with success, data and error"
    FLAG = "1 when it is done, else 0"
    RAW = "bytes, empty when there is nothing to tell"
    NOTHING = "nothing"


@frozen
class Operation:
    """One host function, whatever way it is called.

    ``what`` is what a bad pointer is said to have failed to read. ``body`` gets the plugin's context and the argument
    (a ``dict``, a ``str``, or a ``log.Message``) and returns a ``dict`` for a reply, ``bytes`` for raw ones, else
    ``None``. It raises ``RequestFailedError`` for what it cannot do. ``describe`` tells the audit log what was asked
    for. ``sidecar_field`` is the field of a reply that is the whole reply for a plugin that is a process.
    """

    name: str
    argument: Argument
    answer: Answer
    what: str
    body: Callable[[HostContext, Any], Any]
    describe: Describe
    sidecar_field: str | None = None


_ROWS: Final = (
    Operation("log", Argument.MESSAGE, Answer.NOTHING, "log message", log.write, log.describe),
    Operation("db_query", Argument.REQUEST, Answer.REPLY, "request", db.query, db.describe, sidecar_field="rows"),
    Operation("http_request", Argument.REQUEST, Answer.REPLY, "request", http.request, http.describe),
    Operation("scope_get", Argument.TEXT, Answer.REPLY, "key", scope.get, described_as("key"), sidecar_field="value"),
    Operation("scope_set", Argument.REQUEST, Answer.FLAG, "request", scope.set_, scope.describe_set),
    Operation(
        "file_read",
        Argument.TEXT,
        Answer.REPLY,
        "path",
        file.read,
        described_as("path", MOST_SQL),
        sidecar_field="content",
    ),
    Operation("file_write", Argument.REQUEST, Answer.FLAG, "request", file.write, file.describe_write),
    Operation("env_get", Argument.TEXT, Answer.RAW, "key", env.get, described_as("key")),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({row.name: row for row in _ROWS})
"""The host functions by name, without ``host_``."""


_T_contra = TypeVar("_T_contra", contravariant=True)
_T = TypeVar("_T")


class Exchange(Protocol[_T_contra]):
    """How plugins of one kind pass the argument of a host function, and get the answer."""

    def read(self, passed: _T_contra) -> Any:
        """Return the argument; raises ``RequestFailedError``."""
        ...

    def encode(self, passed: _T_contra, outcome: Any) -> bytes:
        """Return the answer for what ``Operation.body`` returned; raises ``RequestFailedError``."""
        ...

    def failed(self, passed: _T_contra, error: RequestFailedError) -> bytes | None:
        """Return the answer for a failure, ``None`` where a failure has none."""
        ...


def perform(context: HostContext, operation: Operation, exchange: Exchange[_T], passed: _T, size: int) -> bytes | None:
    """Do what a plugin asks for: the one place through which every host function of every plugin goes.

    Returns the answer. ``passed`` has ``size`` bytes. Raises whatever ends the plugin's call, as
    ``HostCallsUsedUp`` does, and a ``Trap`` when the call's time is over: not every engine looks at the clock before
    the guest goes on.
    """
    call = context.call
    trace = call.trace
    instruments = context.services.instrumentation
    described = (
        instruments.host_call(trace, context.redactor, operation.name, operation.describe, size)
        if instruments.describes
        else None
    )
    argument: Any = None
    failure: BaseException | None = None
    decision, answered = Decision.FAILED, 0
    try:
        call.host_calls += 1
        if call.host_calls > context.limits.host_calls:
            raise HostCallsUsedUp
        argument = exchange.read(passed)
        try:
            answer = exchange.encode(passed, operation.body(context, argument))
        finally:
            if call.deadline <= monotonic():
                raise Trap(TrapCode.INTERRUPTED)
        decision, answered = Decision.ALLOWED, len(answer)
        return answer
    except RequestFailedError as error:
        decision, failure = error.decision, error
        return exchange.failed(passed, error)
    except WasmError as error:
        decision, failure = Decision.LIMIT, error
        raise
    except BaseException as error:
        failure = error
        raise
    finally:
        trace.answers.append((operation.name, decision, 0 if argument is None else size, answered))
        if len(trace.answers) == MOST_ANSWERS:
            trace.fold()
        if described is not None:
            described.ended(decision, argument, answered, failure)
        failure = None  # its traceback holds this frame: the cycle would wait for a garbage collection
