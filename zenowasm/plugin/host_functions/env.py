"""``host_env_get``: a raw string, not JSON (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.host.linker import HostFunction
from zenowasm.host.memory import visible_text
from zenowasm.interp.types import I32
from zenowasm.plugin.host_functions.context import POINTER_AND_LENGTH, HostContext, RequestFailedError, plain


def functions(context: HostContext) -> tuple[HostFunction, ...]:
    """Return ``host_env_get`` for one plugin instance: ``""`` when denied, unset or asked with a bad pointer."""

    def host_env_get(pointer: int, length: int) -> int:
        try:
            key = visible_text(context.read(pointer, length, context.limits.key_bytes, "key"))
        except RequestFailedError:
            return context.reply(b"")
        if not context.permissions.may_read_env(key):
            return context.reply(b"")
        # Surrogate escapes are how Python carries bytes of the environment that are not UTF-8.
        value = context.environment.get(key, "").encode("utf-8", "surrogateescape")
        return context.reply(value if len(value) <= context.limits.request_bytes else b"")

    return (plain(context, "host_env_get", POINTER_AND_LENGTH, host_env_get, (I32,)),)
