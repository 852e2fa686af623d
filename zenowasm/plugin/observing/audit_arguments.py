"""A host function's arguments in an audit record: enough to tell what was asked for, and no content."""

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
    """Shows a value that a plugin has passed: redacted and cut."""

    redactor: Redactor

    def __call__(self, value: object, most: int = MOST_CHARACTERS) -> str | None:
        """Return the text of a value, the type of one that is no text, ``None`` where there is none."""
        if not isinstance(value, str):
            return None if value is None else f"<{type(value).__name__}>"
        # First redacted, then cut: half a secret would not be found.
        text = self.redactor.text(value)
        return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


Describe = Callable[[Any, Shown], dict[str, Any]]
"""Returns what an audit record says of the argument that ``Operation.body`` gets."""


def public_url(url: str) -> str:
    """Return a URL, or what should be one, without user, password, fragment and the values of its query."""
    parsed = parse_url(url)
    text = _USER.sub("//", url.partition("#")[0]) if parsed is None else parsed.text
    path, mark, query = text.partition("?")
    if not mark:
        return path
    names = (name + equals for name, equals, _ in (item.rpartition("=") for item in query.split("&")))
    return f"{path}?{'&'.join(f'{name}…' for name in names)}"


def describe_error(describe: Describe, argument: Any, error: str, redactor: Redactor) -> str:
    """Return what a record says of a failure; a URL that ``describe`` shows is shown in the same form."""
    shown = Shown(redactor)
    url = argument.get("url") if isinstance(argument, dict) and "url" in describe(argument, shown) else None
    if isinstance(url, str) and url:
        for form in (url, without_password(url[:MAX_URL])):
            error = error.replace(form, public_url(form))
    return shown(error, MOST_SQL) or ""


def described_as(name: str, most: int = MOST_CHARACTERS) -> Describe:
    """Return the description of an argument that is a text."""
    return lambda argument, shown: {name: shown(argument, most)}
