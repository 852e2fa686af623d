"""``host_http_request`` (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.plugin.host_functions.context import HostContext, NotAvailableError
from zenowasm.plugin.jsonvalue import JSONValue


def request(context: HostContext, request: dict[str, JSONValue]) -> dict[str, object]:
    """Answer that this host has no way into the network."""
    raise NotAvailableError("HTTP access not available")
