"""Host functions that this host does not offer yet: each answers the ABI's own error for that.

The order is the original's: the request is read and parsed first, and availability comes before permissions, so a
plugin without permission learns no more than one with it.
"""

from __future__ import annotations

from zenowasm.host.linker import HostFunction
from zenowasm.plugin.host_functions.context import HostContext, RequestFailedError, answering, succeeding


def functions(context: HostContext) -> tuple[HostFunction, ...]:
    """Return the database, HTTP and file functions for one plugin instance."""

    def host_db_query(pointer: int, length: int) -> int:
        context.read_request(pointer, length)
        raise RequestFailedError("database access not available")

    def host_http_request(pointer: int, length: int) -> int:
        context.read_request(pointer, length)
        raise RequestFailedError("HTTP access not available")

    def host_file_read(pointer: int, length: int) -> int:
        context.read(pointer, length, context.limits.key_bytes, "path")
        raise RequestFailedError("file access not available")

    def host_file_write(pointer: int, length: int) -> None:
        context.read_request(pointer, length)
        raise RequestFailedError("file access not available")

    return (
        answering(context, "host_db_query", host_db_query),
        answering(context, "host_http_request", host_http_request),
        answering(context, "host_file_read", host_file_read),
        succeeding(context, "host_file_write", host_file_write),
    )
