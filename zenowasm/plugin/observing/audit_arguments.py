"""What an audit record says of a host function's arguments: enough to tell what was asked for, and no content."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.resources.http.url import MAX_URL, parse_url, without_password

MOST_CHARACTERS: Final = 256
MOST_SQL: Final = 1024
UNKNOWN: Final = "unknown"
"""Stands for every function that there is not, whatever name a plugin has given it."""
_USER = re.compile(r"//[^/?#]*@")


def describe(function: str, argument: Any, redactor: Redactor) -> dict[str, Any]:
    """Return what a record says of ``argument``, as ``Operation.body`` of that function gets it."""
    return _DESCRIPTIONS[function](argument, _Shown(redactor))


def describe_error(function: str, argument: Any, error: str, redactor: Redactor) -> str:
    """Return what a record says of a failure; a URL in it is shown as ``describe`` shows it."""
    url = argument.get("url") if function == "http_request" and isinstance(argument, dict) else None
    if isinstance(url, str) and url:
        for form in (url, without_password(url[:MAX_URL])):
            error = error.replace(form, public_url(form))
    return _Shown(redactor)(error, MOST_SQL) or ""


def public_url(url: str) -> str:
    """Return a URL, or what should be one, without user, password, fragment and the values of its query."""
    parsed = parse_url(url)
    text = _USER.sub("//", url.partition("#")[0]) if parsed is None else parsed.text
    path, mark, query = text.partition("?")
    if not mark:
        return path
    names = (name + equals for name, equals, _ in (item.rpartition("=") for item in query.split("&")))
    return f"{path}?{'&'.join(f'{name}…' for name in names)}"


@frozen
class _Shown:
    redactor: Redactor

    def __call__(self, value: object, most: int = MOST_CHARACTERS) -> str | None:
        if not isinstance(value, str):
            return None if value is None else f"<{type(value).__name__}>"
        # First redacted, then cut: half a secret would not be found.
        text = self.redactor.text(value)
        return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _log(argument: Any, shown: _Shown) -> dict[str, Any]:
    return {"level": shown(argument.level), "size": len(argument.text) + argument.cut}


def _db_query(argument: Any, shown: _Shown) -> dict[str, Any]:
    parameters = argument.get("params")
    return {
        "connection": shown(argument.get("connection")),
        "sql": shown(argument.get("sql"), MOST_SQL),
        "params": len(parameters) if isinstance(parameters, list | dict) else 0,
    }


def _http_request(argument: Any, shown: _Shown) -> dict[str, Any]:
    url = argument.get("url")
    if isinstance(url, str):
        # Redacted as it was, since a part of a secret would not be found.
        url = public_url(shown.redactor.text(url))
    return {"method": shown(argument.get("method")) or "GET", "url": shown(url, MOST_SQL)}


def _key(argument: Any, shown: _Shown) -> dict[str, Any]:
    return {"key": shown(argument)}


def _scope_set(argument: Any, shown: _Shown) -> dict[str, Any]:
    return {"key": shown(argument.get("key"))}


def _file_read(argument: Any, shown: _Shown) -> dict[str, Any]:
    return {"path": shown(argument, MOST_SQL)}


def _name(argument: Any, shown: _Shown) -> dict[str, Any]:
    return {"name": shown(argument)}


def _file_write(argument: Any, shown: _Shown) -> dict[str, Any]:
    content = argument.get("content")
    size = len(content.encode("utf-8", "replace")) if isinstance(content, str) else 0
    return {"path": shown(argument.get("path"), MOST_SQL), "size": size}


_DESCRIPTIONS: Final[Mapping[str, Callable[[Any, _Shown], dict[str, Any]]]] = MappingProxyType(
    {
        "log": _log,
        "db_query": _db_query,
        "http_request": _http_request,
        "scope_get": _key,
        "scope_set": _scope_set,
        "file_read": _file_read,
        "file_write": _file_write,
        "env_get": _key,
        UNKNOWN: _name,
    }
)
