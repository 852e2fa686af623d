"""``host_file_read`` and ``host_file_write`` (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.plugin.host_functions.context import HostContext, NotAvailableError
from zenowasm.plugin.jsonvalue import JSONValue


def read(context: HostContext, path: str) -> dict[str, object]:
    """Answer that this host has no files."""
    raise NotAvailableError("file access not available")


def write(context: HostContext, request: dict[str, JSONValue]) -> None:
    """Answer that this host has no files."""
    raise NotAvailableError("file access not available")
