"""Matches URLs by scheme, host, port and path segments; what two parsers could read in two ways is refused."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

from attrs import frozen

MAX_URL = 16 * 1024
_PORTS = {"http": 80, "https": 443}
# The whole of a URL in one pattern rather than urllib's lenient parser, which drops tabs and newlines and takes a
# backslash for part of the host.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[^/?#@\[\]]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?"
    r"(?:\?(?P<query>[^#]*))?"
    r"(?:#.*)?"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


class RuleError(ValueError):
    """An entry of a permission list is not in a form that can grant anything."""


@frozen
class Url:
    """A URL in parts: lower-case scheme and host, the effective port, decoded path segments, the query as written.

    ``has_user`` tells that it carries a user name or a password. ``ambiguous_path`` tells that its path has dot
    segments or encoded slashes, which servers resolve after a check has been made.
    """

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]
    query: str | None
    has_user: bool
    ambiguous_path: bool


def parse_url(text: str) -> Url | None:
    """Return the parts of an ``http`` or ``https`` URL, or ``None`` when it is not one that is safe to judge."""
    if len(text) > MAX_URL or not text.isascii() or _FORBIDDEN.search(text):
        return None
    match = _URL.fullmatch(text)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    host = _host(match["host"])
    port = int(match["port"]) if match["port"] else _PORTS.get(scheme, 0)
    if scheme not in _PORTS or host is None or not 0 < port < 65536:
        return None
    raw = (match["path"] or "/").split("/")[1:]
    segments = tuple(unquote(segment, errors="surrogateescape") for segment in raw)
    return Url(scheme, host, port, segments, match["query"], match["user"] is not None, any(map(_ambiguous, segments)))


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        except ValueError:
            return None
    return None if ".." in text else text.lower()


def _ambiguous(segment: str) -> bool:
    """Return whether a server may see another segment here: dots (also twice encoded, or before ``;``) or a slash."""
    twice = unquote(segment, errors="surrogateescape")
    return any(
        form.split(";")[0] in (".", "..") or "/" in form or "\\" in form or "\0" in form for form in (segment, twice)
    )


@frozen
class UrlRule:
    """One entry of ``permissions.network``.

    ``*`` is every URL; ``X/*`` is every URL with the scheme, host and port of ``X`` whose path is that of ``X`` or
    lies under it; anything else is that URL alone. ``host`` is ``None`` for ``*``.
    """

    text: str
    target: Url | None
    prefix: bool

    @property
    def host(self) -> str | None:
        """The host that the rule names."""
        return None if self.target is None else self.target.host

    @classmethod
    def parse(cls, text: str) -> UrlRule:
        """Return the rule written as ``text``; raises ``RuleError`` when it can match no URL."""
        if text == "*":
            return cls(text, None, prefix=True)
        prefix = text.endswith("/*")
        bare = text[:-2] if prefix else text
        if "*" in bare:
            raise RuleError("`*` stands alone or as a last `/*`")
        target = parse_url(bare)
        if target is None:
            raise RuleError("not a URL of the form https://host[:port][/path][/*]")
        if target.has_user:
            raise RuleError("a URL in a permission has no user name")
        if target.ambiguous_path or (prefix and target.query is not None):
            raise RuleError("the path has dot segments or a query before `/*`")
        return cls(text, target, prefix)

    def matches(self, url: Url) -> bool:
        """Return whether the rule permits ``url``."""
        target = self.target
        if target is None:
            return True
        if url.has_user or url.ambiguous_path:
            return False
        if (url.scheme, url.host, url.port) != (target.scheme, target.host, target.port):
            return False
        if not self.prefix:
            return url.segments == target.segments and url.query == target.query
        base = () if target.segments == ("",) else target.segments
        return url.segments[: len(base)] == base
