"""Messages between the host and the process of a database connection.

Each message begins with its length. A request, which only the host writes, uses Python's ``marshal``. A reply has the
fixed fields of ``REPLY`` followed by JSON, because its process runs plugins' statements and is not trusted.
"""

from __future__ import annotations

import json
import marshal
from enum import IntEnum
from struct import Struct
from typing import Any, Final

from zenowasm.resources.databases import settings

LENGTH: Final = Struct(">I")
REPLY: Final = Struct(">IB?q")
"""The length of the data after these fields, the outcome, whether the connection is usable, and the rows changed."""
UNKNOWN: Final = -1
"""The number of rows changed for a statement that reports none."""
_ERRORS: Final = {
    kind.__name__: kind
    for kind in (
        settings.DatabaseUnavailableError,
        settings.StatementError,
        settings.QueryError,
        settings.QueryTimeoutError,
        settings.ResultLimitError,
        settings.ValueFormError,
        settings.TransactionLostError,
    )
}


class Outcome(IntEnum):
    """The contents of a reply: rows, or an error."""

    ROWS = 0
    ERROR = 1


def request(fields: Any) -> bytes:
    """Encode a request."""
    data = marshal.dumps(fields)
    return LENGTH.pack(len(data)) + data


def rows(encoded: bytes, affected: int | None, *, usable: bool) -> bytes:
    """Encode the reply to a successful request."""
    return REPLY.pack(len(encoded), Outcome.ROWS, usable, UNKNOWN if affected is None else affected) + encoded


def error(failure: settings.DatabaseError, *, usable: bool) -> bytes:
    """Encode the reply to a failed request."""
    described = [type(failure).__name__, str(failure), getattr(failure, "reason", "")]
    data = json.dumps(described).encode()
    return REPLY.pack(len(data), Outcome.ERROR, usable, UNKNOWN) + data


def revived(data: str) -> settings.DatabaseError:
    """Return the error that a reply describes."""
    kind, message, reason = json.loads(data)
    failure = _ERRORS[kind](message)
    if isinstance(failure, settings.DatabaseUnavailableError):
        failure.reason = reason
    return failure
