"""``host_scope_get`` and ``host_scope_set``: variables of the calling script (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.host.linker import HostFunction
from zenowasm.host.memory import visible_text
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError, answering, succeeding


def functions(context: HostContext) -> tuple[HostFunction, ...]:
    """Return the two scope functions for one plugin instance."""

    def host_scope_get(pointer: int, length: int) -> int:
        key = visible_text(context.read(pointer, length, context.limits.key_bytes, "key"))
        scope = context.scope
        if scope is None:
            raise RequestFailedError("scope access not available")
        if not context.permissions.may_read_scope:
            raise RequestFailedError(f"plugin {context.plugin} does not have scope read permission")
        if key not in scope:
            raise RequestFailedError(f"variable ${key} not found")
        return context.reply_data({"value": scope.get(key)})

    def host_scope_set(pointer: int, length: int) -> None:
        request = context.read_request(pointer, length)
        key = request.get("key")
        scope = context.scope
        if scope is None or not context.permissions.may_write_scope or not isinstance(key, str) or not key:
            raise RequestFailedError("scope access denied")
        scope.set(key, request.get("value"))

    return (
        answering(context, "host_scope_get", host_scope_get),
        succeeding(context, "host_scope_set", host_scope_set),
    )
