"""The table of the eight host functions: argument, answer and implementation of each.

Source: the ABI document, section "Imports". ``binding`` offers them to WebAssembly guests; a sidecar calls them by the
same names without ``host_``.
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
    """One host function, for guests and sidecars alike.

    ``what`` names the argument in the error message for a bad pointer. ``body`` receives the plugin's context and the
    argument (a ``dict``, a ``str``, or a ``log.Message``). It returns a ``dict`` for ``REPLY``, ``bytes`` for ``RAW``,
    else ``None``, and raises ``RequestFailedError`` if it fails. ``describe`` describes the argument for the audit log.
    ``sidecar_field`` is the one field of the reply that a sidecar receives instead of the whole reply.
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
    """The way in which plugins of one kind pass arguments to host functions and receive answers."""

    def read(self, passed: _T_contra) -> Any:
        """Read the argument; raises ``RequestFailedError``."""
        ...

    def encode(self, passed: _T_contra, outcome: Any) -> bytes:
        """Encode the outcome of ``Operation.body`` as an answer; raises ``RequestFailedError``."""
        ...

    def failed(self, passed: _T_contra, error: RequestFailedError) -> bytes | None:
        """Return the answer for a failure, ``None`` if a failure has no answer."""
        ...


def perform(context: HostContext, operation: Operation, exchange: Exchange[_T], passed: _T, size: int) -> bytes | None:
    """Perform a host call and return its answer. Every host call of every plugin passes through this function.

    ``passed`` has ``size`` bytes. Raises the errors that end the plugin's call, such as ``HostCallsUsedUp``, and a
    ``Trap`` if the call's time is over, because some engines would not check the clock before the guest continues.
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
        failure = None  # its traceback refers to this frame: only garbage collection would free the cycle
