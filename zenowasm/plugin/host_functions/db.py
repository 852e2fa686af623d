"""``host_db_query`` (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.plugin.host_functions.context import HostContext, NotAvailableError
from zenowasm.plugin.jsonvalue import JSONValue


def query(context: HostContext, request: dict[str, JSONValue]) -> dict[str, object]:
    """Answer that this host has no databases."""
    raise NotAvailableError("database access not available")
