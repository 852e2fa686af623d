"""``host_db_query`` (ABI document, section "Imports").

A call has one transaction on each connection that it uses. The first query begins it. The host commits it if the slot
reports success, and rolls it back if the slot reports failure or traps. Connections are committed in the order of their
first queries, without a distributed transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.plugin.errors import CommitError
from zenowasm.plugin.guest.jsonvalue import JSONValue
from zenowasm.plugin.host_functions.context import (
    DeniedError,
    HostContext,
    NotAvailableError,
    RequestFailedError,
    text_field,
)
from zenowasm.plugin.observing.audit_arguments import MOST_SQL, Shown
from zenowasm.resources.databases.settings import DatabaseError

if TYPE_CHECKING:
    from zenowasm.resources.databases.connections import Databases, Transaction


def query(context: HostContext, request: dict[str, JSONValue]) -> dict[str, object]:
    """Run ``{connection, sql, params}`` and return ``{rows}``, with ``affected`` if the statement reports it.

    ``params`` is a list for ``?`` or an object for ``:name``. Raises ``RequestFailedError``, and ``Trap`` if the time
    of the whole call is used up.
    """
    name = text_field(request, "connection")
    sql = text_field(request, "sql")
    parameters = request.get("params")
    if parameters is not None and not isinstance(parameters, list | dict):
        raise RequestFailedError("invalid request JSON: params is neither a list nor an object")
    databases = context.services.databases()
    if databases is None:
        raise NotAvailableError("database access not available")
    if not context.permissions.may_use_database(name):
        raise DeniedError(f"plugin {context.plugin} does not have permission to access database: {name}")
    try:
        result = _transaction(context, databases, name).query(sql, parameters, context.call.deadline)
    except DatabaseError as error:
        if context.call.seconds_left == 0:
            # Otherwise the guest might see the reply before its engine checks the clock.
            raise Trap(TrapCode.INTERRUPTED) from error
        raise RequestFailedError(str(error)) from error
    data: dict[str, object] = {"rows": result.rows}
    return data if result.affected is None else {**data, "affected": result.affected}


def describe(request: dict[str, JSONValue], shown: Shown) -> dict[str, Any]:
    """Return the audit log's record of a request."""
    parameters = request.get("params")
    return {
        "connection": shown(request.get("connection")),
        "sql": shown(request.get("sql"), MOST_SQL),
        "params": len(parameters) if isinstance(parameters, list | dict) else 0,
    }


def _transaction(context: HostContext, databases: Databases, name: str) -> Transaction:
    """Return the call's transaction on a connection, beginning it at the first query."""
    call = context.call
    if name in call.transactions:
        return call.transactions[name]
    transaction = databases.begin(name, call.deadline)

    def settle(succeeded: bool) -> None:
        if not succeeded:
            transaction.rollback()
            return
        try:
            transaction.commit(call.deadline)
        except DatabaseError as error:
            # The slot's response is wrong then, so its caller must not receive it.
            raise CommitError(f"failed to commit: {error}") from error

    call.transactions[name] = transaction
    call.at_end(settle)
    return transaction
