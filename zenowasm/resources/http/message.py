"""Checks requests, follows redirects, and decodes bodies."""

from __future__ import annotations

import re
import zlib
from base64 import b64encode
from collections.abc import Iterable
from http import HTTPMethod, HTTPStatus
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urljoin

from attrs import evolve, frozen

from zenowasm.resources.http.errors import ExchangeError, InvalidRequestError, UnreadableResponseError
from zenowasm.resources.http.url import Url, parse_url

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
IDEMPOTENT: Final = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
"""The methods of requests that may be repeated (RFC 9110, 9.2.2)."""
Headers = tuple[tuple[str, str], ...]
"""Header names and values in order; a name may occur more than once."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Headers that belong to the connection, or follow from the request itself (RFC 9110, 7.6.1 and 7.8).
_NOT_THE_CALLERS: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect")
)
# An API key can be in any header, so this lists the headers that another origin may see, not those that it may not.
_FOR_ANY_ORIGIN: Final = ("accept", "accept-", "cache-control", "content-", "if-", "range", "user-agent")
# Gzip is the only coding that BodyReader decodes, so requests accept no other.
_DEFAULTS: Final = (("Accept", "*/*"), ("Accept-Encoding", "gzip"), ("User-Agent", "zenowasm"))
_REDIRECTS: Final = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)
# Not to be encoded: RFC 3986's reserved characters, and the percent sign of characters that are already encoded.
_URL_CHARACTERS: Final = "!#$%&'()*+,/:;=?@[]~\\"
_GZIP: Final = 16 + zlib.MAX_WBITS


@frozen
class Message:
    """A checked request."""

    method: str
    url: Url
    headers: Headers
    body: bytes

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header fields to send."""
        given = {name.lower() for name, _ in self.headers}
        own = [("Host", self.url.authority)]
        own += [(name, value) for name, value in _DEFAULTS if name.lower() not in given]
        if self.url.user is not None and "authorization" not in given:
            own.append(("Authorization", f"Basic {b64encode(unquote_to_bytes(self.url.user)).decode()}"))
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            own.append(("Content-Length", str(len(self.body))))
        return [(name.encode("ascii"), value.encode("utf-8", "replace")) for name, value in (*own, *self.headers)]


def checked_message(method: str, url: Url, headers: Iterable[tuple[str, str]], body: bytes) -> Message:
    """Build a request from a guest's parts, without the headers that a guest may not set.

    Raises ``InvalidRequestError`` if the method is not one of ``METHODS`` or a header is not valid HTTP.
    """
    method = method.upper()
    if method not in METHODS:
        raise InvalidRequestError(f"method not supported; expected one of {', '.join(METHODS)}")
    kept = []
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            raise InvalidRequestError("a header's name is not a token")
        if _CONTROL.search(value):
            raise InvalidRequestError(f"header {name.lower()} has a control character")
        if name.lower() not in _NOT_THE_CALLERS and not name.lower().startswith("proxy-"):
            kept.append((name, value.strip(" \t")))
    return Message(method, url, tuple(kept), body)


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, ignoring the case of its name; ``None`` if it is missing."""
    return next((value for given, value in headers if given.lower() == name), None)


def redirected(message: Message, status: int, headers: Headers) -> Message | None:
    """Return the request that follows a redirect, ``None`` if the response is not a redirect.

    A POST becomes a GET without a body after 301 and 302, every method but HEAD after 303 (RFC 9110, 15.4). A request
    to another origin keeps only headers without secrets. Raises ``ExchangeError`` if the location is not a valid URL.
    """
    location = header(headers, "location")
    if status not in _REDIRECTS or location is None:
        return None
    try:
        target = urljoin(message.url.text, quote(location.encode("latin-1"), safe=_URL_CHARACTERS))
    except ValueError:
        target = ""
    url = parse_url(target)
    if url is None or url.has_user:
        raise ExchangeError("the redirect is not to an http or https URL without a user name")
    if url.origin != message.url.origin:
        allowed = tuple(item for item in message.headers if item[0].lower().startswith(_FOR_ANY_ORIGIN))
        message = evolve(message, headers=allowed)
    repeated = status in (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
    if repeated or message.method in (HTTPMethod.GET, HTTPMethod.HEAD):
        return evolve(message, url=url)
    if status != HTTPStatus.SEE_OTHER and message.method != HTTPMethod.POST:
        return evolve(message, url=url)
    bare = tuple(item for item in message.headers if not item[0].lower().startswith("content-"))
    return Message("GET", url, bare, b"")


class BodyReader:
    """A reader that collects a body up to a limit, which applies to the received and to the decoded bytes.

    ``coding`` is the header Content-Encoding. Gzip is decoded piece by piece and never beyond the limit, so a gzip bomb
    costs no memory. A body with any other coding is left unchanged.
    """

    def __init__(self, limit: int, coding: str | None) -> None:
        self.decodes = (coding or "").strip().lower() in ("gzip", "x-gzip")
        self._limit = limit
        self._received = 0
        self._body = bytearray()
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, data: bytes) -> None:
        """Add received bytes; raises ``UnreadableResponseError``."""
        self._received += len(data)
        if self._received > self._limit:
            raise self._too_long()
        if self.decodes:
            self._inflate(data)
        else:
            self._body += data

    def _inflate(self, data: bytes) -> None:
        while data:
            if self._member.eof:  # gzip data may have several members (RFC 1952, 2.2)
                self._member = zlib.decompressobj(_GZIP)
            try:
                self._body += self._member.decompress(data, self._limit - len(self._body) + 1)
            except zlib.error as error:
                raise UnreadableResponseError("not valid gzip") from error
            if len(self._body) > self._limit:
                raise self._too_long()
            data = self._member.unconsumed_tail or self._member.unused_data

    def finish(self) -> bytes:
        """Return the body; raises ``UnreadableResponseError`` if the compressed data is incomplete."""
        if self.decodes and self._received and not self._member.eof:
            raise UnreadableResponseError("not valid gzip")
        return bytes(self._body)

    def _too_long(self) -> UnreadableResponseError:
        return UnreadableResponseError(f"longer than the limit of {self._limit} bytes")
