"""``host_scope_get`` and ``host_scope_set``: variables of the calling script (ABI document, section "Imports")."""

from __future__ import annotations

from typing import Any

from zenowasm.plugin.guest.jsonvalue import JSONValue
from zenowasm.plugin.host_functions.context import DeniedError, HostContext, NotAvailableError, RequestFailedError
from zenowasm.plugin.observing.audit_arguments import Shown

_NOT_AVAILABLE = "scope access not available"


def get(context: HostContext, key: str) -> dict[str, object]:
    """Return a variable's value; raises ``RequestFailedError`` outside a slot call, or if it is denied or unset."""
    scope = context.call.scope
    if scope is None:
        raise NotAvailableError(_NOT_AVAILABLE)
    if not context.permissions.may_read_scope:
        raise DeniedError(f"plugin {context.plugin} does not have scope read permission")
    if key not in scope:
        raise RequestFailedError(f"variable ${key} not found")
    return {"value": scope.get(key)}


def set_(context: HostContext, request: dict[str, JSONValue]) -> None:
    """Set a variable; raises ``RequestFailedError`` outside a slot call, if it is denied, or without a key."""
    scope = context.call.scope
    if scope is None:
        raise NotAvailableError(_NOT_AVAILABLE)
    if not context.permissions.may_write_scope:
        raise DeniedError(f"plugin {context.plugin} does not have scope write permission")
    key = request.get("key")
    if not isinstance(key, str) or not key:
        raise RequestFailedError("expected a key")
    scope.set(key, request.get("value"))


def describe_set(request: dict[str, JSONValue], shown: Shown) -> dict[str, Any]:
    """Return the audit log's record of a request to set a variable."""
    return {"key": shown(request.get("key"))}
