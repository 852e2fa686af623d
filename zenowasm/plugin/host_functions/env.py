"""``host_env_get``: a raw string, not JSON (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.plugin.host_functions.context import DeniedError, HostContext


def get(context: HostContext, key: str) -> bytes:
    """Return the value of an environment variable, empty if it is unset; raises ``DeniedError``."""
    if not context.permissions.may_read_env(key):
        raise DeniedError(f"plugin {context.plugin} does not have permission to read the environment variable: {key}")
    # Python represents bytes of the environment that are not UTF-8 as surrogate escapes.
    return context.services.environment.get(key, "").encode("utf-8", "surrogateescape")
