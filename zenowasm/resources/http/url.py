"""A strict URL parser; the permission check and the connection use the same parts."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import unquote

from attrs import field, frozen

MAX_URL: Final = 16 * 1024
_MAX_HOST = 253
_MAX_LABEL = 63
_PORTS = {"http": 80, "https": 443}
# One pattern for a whole URL. urllib's lenient parser drops tabs and newlines, and treats a backslash as part of the
# host.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[^/?#@\[\]]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?"
    r"(?:\?(?P<query>[^#]*))?"
    r"(?:#.*)?"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_PASSWORD = re.compile(r"(//[^/?#:]*):[^/?#]*@")


@frozen
class Url:
    """A URL in parts: lower-case scheme and host, the effective port, decoded path segments, path and query as written.

    A host that is an IPv6 address has brackets. ``user`` is the user name and password as written. ``ambiguous_path``
    is true if the path has dot segments or encoded slashes, which a server might resolve after the permission check.
    """

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]
    path: str
    query: str | None
    user: str | None = field(repr=False)
    ambiguous_path: bool

    @property
    def has_user(self) -> bool:
        """Whether the URL contains a user name or a password."""
        return self.user is not None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454)."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """The host, and the port unless it is the scheme's default, as in the header ``Host``."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def text(self) -> str:
        """The URL without user name, password and fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> Url | None:
    """Parse an ``http`` or ``https`` URL; return ``None`` if it is malformed or cannot be checked safely."""
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
    path = match["path"] or "/"
    segments = tuple(unquote(segment, errors="surrogateescape") for segment in path.split("/")[1:])
    return Url(scheme, host, port, segments, path, match["query"], match["user"], any(map(_ambiguous, segments)))


def without_password(text: str) -> str:
    """Return a URL, possibly malformed, with ``***`` for its password, for error messages."""
    return _PASSWORD.sub(r"\1:***@", text, count=1)


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        except ValueError:
            return None
    text = text.removesuffix(".")  # a final dot marks an absolute name of the same host (RFC 3986, 3.2.2)
    labels = text.split(".")
    if len(text) > _MAX_HOST or not all(0 < len(label) <= _MAX_LABEL for label in labels):
        return None
    return text.lower()


def _ambiguous(segment: str) -> bool:
    """Return whether a server may read a segment differently: dots (even twice encoded, or before ``;``) or a slash."""
    twice = unquote(segment, errors="surrogateescape")
    return any(
        form.split(";")[0] in (".", "..") or "/" in form or "\\" in form or "\0" in form for form in (segment, twice)
    )
