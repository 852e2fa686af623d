"""Describes the arguments of host calls in audit records: enough to identify the request, without its content."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.resources.http.url import MAX_URL, parse_url, without_password

MOST_CHARACTERS: Final = 256
MOST_SQL: Final = 1024
_USER = re.compile(r"//[^/?#]*@")


@frozen
class Shown:
    """A formatter for values that a plugin passed: it redacts and truncates them."""

    redactor: Redactor

    def __call__(self, value: object, most: int = MOST_CHARACTERS) -> str | None:
        """Return a text value, or the type's name for another value; ``None`` stays ``None``."""
        if not isinstance(value, str):
            return None if value is None else f"<{type(value).__name__}>"
        # Redact first, then truncate: the redactor would not find half a secret.
        text = self.redactor.text(value)
        return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


Describe = Callable[[Any, Shown], dict[str, Any]]
"""A function from the argument of ``Operation.body`` to its description in an audit record."""


def public_url(url: str) -> str:
    """Return a URL, possibly malformed, without user, password, fragment and query values."""
    parsed = parse_url(url)
    text = _USER.sub("//", url.partition("#")[0]) if parsed is None else parsed.text
    path, mark, query = text.partition("?")
    if not mark:
        return path
    names = (name + equals for name, equals, _ in (item.rpartition("=") for item in query.split("&")))
    return f"{path}?{'&'.join(f'{name}…' for name in names)}"


def describe_error(describe: Describe, argument: Any, error: str, redactor: Redactor) -> str:
    """Return a record's error message, in which a URL has the same form as in the description."""
    shown = Shown(redactor)
    url = argument.get("url") if isinstance(argument, dict) and "url" in describe(argument, shown) else None
    if isinstance(url, str) and url:
        for form in (url, without_password(url[:MAX_URL])):
            error = error.replace(form, public_url(form))
    return shown(error, MOST_SQL) or ""


def described_as(name: str, most: int = MOST_CHARACTERS) -> Describe:
    """Return a ``Describe`` function for an argument that is a text."""
    return lambda argument, shown: {name: shown(argument, most)}
