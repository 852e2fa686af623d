"""The eight host functions of the ABI, module ``env`` (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.host.linker import HostFunction
from zenowasm.plugin.host_functions import env, log, scope, unavailable
from zenowasm.plugin.host_functions.context import HostContext

__all__ = ["HostContext", "functions"]


def functions(context: HostContext) -> tuple[HostFunction, ...]:
    """Return the host functions of the plugin instance that ``context`` belongs to."""
    return (
        *log.functions(context),
        *scope.functions(context),
        *env.functions(context),
        *unavailable.functions(context),
    )
