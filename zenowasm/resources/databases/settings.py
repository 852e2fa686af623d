"""The settings of a database connection, and its errors."""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen, validators

_SCHEMES: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
}
CANNOT_BE_OPENED: Final = "the database cannot be opened"
"""The only reason that a guest sees, because the driver's message names the file, or the host and the user."""
LOST: Final = "the connection to the database is lost"
ROLLED_BACK: Final = "the transaction was rolled back by an earlier failure"
_POSITIVE: Any = validators.gt(0)


class DatabaseError(Exception):
    """The base of all database errors. The message contains no URL, no SQL and no parameters."""


class DatabaseSettingsError(DatabaseError):
    """The settings of a connection are wrong, or its extra is not installed."""


class UnknownDatabaseError(DatabaseError):
    """No connection has this name."""


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached, or all of its connections remain in use.

    ``reason`` is the driver's message for the operator, without the password; guests do not see it.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class StatementError(DatabaseError):
    """The host rejects a statement or its parameters before the database sees them."""


class QueryError(DatabaseError):
    """The database rejects a statement, or the statement fails; the message is the driver's."""


class QueryTimeoutError(QueryError):
    """The statement reached its time limit or the call's deadline."""


class ResultLimitError(QueryError):
    """The result has more rows or bytes than the connection permits."""


class ValueFormError(QueryError):
    """A value of the result has no JSON form."""


class TransactionLostError(QueryError):
    """The database rolled the whole transaction back."""


def _scheme(_: object, __: object, url: str) -> None:
    # attrs' own validators print the value, and this value is a secret.
    scheme = url.partition("://")[0]
    if "://" not in url or scheme not in _SCHEMES:
        raise DatabaseSettingsError("a database URL begins with sqlite:/// or postgresql://")


@frozen
class DatabaseSettings:
    """The settings of one named connection. ``url`` is a secret: no representation, log or error contains it.

    The URL is ``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db``, ``sqlite:///:memory:`` or
    ``postgresql://user:password@host:port/name``. ``max_rows`` and ``max_bytes`` (of its JSON form) bound a result,
    ``max_seconds`` one statement, including waits for locks. ``pool_size`` bounds the open transactions; a writable
    SQLite file can have only one writer, so it has one. Raises ``DatabaseSettingsError`` if the URL is of another kind
    and ``ValueError`` if a number is not positive.
    """

    url: str = field(repr=False, validator=_scheme)
    read_only: bool = False
    max_rows: int = field(default=10_000, validator=_POSITIVE)
    max_bytes: int = field(default=8 * 1024 * 1024, validator=_POSITIVE)
    max_seconds: float = field(default=5.0, validator=_POSITIVE)
    pool_size: int = field(default=5, validator=_POSITIVE)

    @property
    def kind(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return _SCHEMES[self.url.partition("://")[0]]

    @property
    def transactions(self) -> int:
        """The maximum number of open transactions."""
        if self.kind == "sqlite" and (not self.read_only or ":memory:" in self.url):
            return 1
        return self.pool_size


def one_line(text: str) -> str:
    """Return a driver's message as one line of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:299] + "…"
