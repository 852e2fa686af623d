"""An HTTP client for requests that nobody trusts: what they may reach is asked at every step, and all is bounded."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from functools import cache, partial
from importlib.util import find_spec
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen, validators

from zenowasm.resources.http.addresses import Lookup, Resolve, Resolver, system_lookup
from zenowasm.resources.http.errors import (
    ExchangeError,
    HttpSettingsError,
    InvalidRequestError,
    NotPermittedError,
    RedirectNotPermittedError,
    UnreadableResponseError,
    words,
)
from zenowasm.resources.http.message import (
    IDEMPOTENT,
    BodyReader,
    Headers,
    Message,
    checked_message,
    header,
    redirected,
)
from zenowasm.resources.http.url import Url, parse_url

if TYPE_CHECKING:  # in an extra, and imported with the first request
    import httpcore

    from zenowasm.resources.http.pool import ConnectionPool

_MIB = 1024 * 1024
_POSITIVE: Any = validators.gt(0)


class Grant(Protocol):
    """A URL may be requested. ``literal_host`` says that the permission names the host itself, wherever it may be."""

    @property
    def literal_host(self) -> bool:
        """Whether addresses outside the public internet are permitted too."""


Permit = Callable[[str], Grant | None]
"""Asked for each URL before anything is sent there; ``None`` is a no."""


@frozen
class HttpSettings:
    """Bounds on every request, and whom to trust.

    ``seconds`` is the wall clock of one request with all of its redirects. Sizes are in bytes: ``header_bytes`` of all
    names and values of one request, or of one response. ``connections`` are in use at once, and as many idle ones stay
    for ``idle_seconds``; ``resolvers`` names are looked up at once, a quarter of them for one owner. ``ca_file`` has
    certificates in PEM that are trusted besides those of the system and of Mozilla's list.
    """

    seconds: float = field(default=30.0, validator=_POSITIVE)
    request_bytes: int = field(default=8 * _MIB, validator=_POSITIVE)
    response_bytes: int = field(default=8 * _MIB, validator=_POSITIVE)
    header_bytes: int = field(default=64 * 1024, validator=_POSITIVE)
    headers: int = field(default=200, validator=_POSITIVE)
    redirects: int = field(default=10, validator=validators.ge(0))
    connections: int = field(default=64, validator=_POSITIVE)
    idle_seconds: float = field(default=15.0, validator=validators.ge(0))
    resolvers: int = field(default=16, validator=_POSITIVE)
    ca_file: Path | None = None


@frozen
class HttpResponse:
    """An answer. ``headers`` are as the server sent them, but for those that no longer hold of a decoded ``body``."""

    status: int
    headers: Headers
    body: bytes


class HttpClient:
    """Sends requests over HTTP/1.1, from any thread.

    It knows no proxies, no cookies and no passwords of the machine: it sends only what the request contains. A host is
    resolved once for each connection, and only addresses that were checked are connected to; a connection is used again
    only for requests that may reach what it was checked for.
    """

    def __init__(self, settings: HttpSettings | None = None, *, lookup: Lookup = system_lookup) -> None:
        """Make a client; raises ``HttpSettingsError`` when ``httpcore`` or the file of certificates is missing."""
        self.settings = settings or HttpSettings()
        if find_spec("httpcore") is None:
            raise HttpSettingsError("HTTP needs a library that is not installed: pip install 'zenowasm[http]'")
        _check_certificates(self.settings.ca_file)
        # With the first HTTPS request, since reading all certificates takes a tenth of a second.
        self._tls = cache(partial(_trusting, self.settings.ca_file))
        self._resolver = Resolver(self.settings.resolvers, lookup)
        self._connections: ConnectionPool | None = None
        self._lock = Lock()

    def request(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        permit: Permit,
        deadline: float = inf,
        owner: str = "",
    ) -> HttpResponse:
        """Send a request, follow its redirects, and return the last response, whatever its status.

        Names are looked up in the ``owner``'s share of the resolver's threads.
        ``deadline`` is a moment of ``time.monotonic``; the settings may end the exchange earlier. Raises ``HttpError``.
        """
        deadline = min(deadline, monotonic() + self.settings.seconds)
        grant = permit(url)
        if grant is None:
            raise NotPermittedError("the URL is not permitted")
        message = self._message(method, url, headers, body)
        resolve = partial(self._resolver.addresses, owner=owner)
        for _ in range(self.settings.redirects + 1):
            answer = self._exchange(message, grant, resolve, deadline)
            if isinstance(answer, HttpResponse):
                return answer
            message = answer
            grant = permit(message.url.text)
            if grant is None:
                # Without the query, which is where servers put secrets for the client that follows.
                raise RedirectNotPermittedError(f"redirect to {message.url.text.partition('?')[0]} is not permitted")
        raise ExchangeError(f"more than {self.settings.redirects} redirects")

    def _message(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Message:
        parsed = parse_url(url)
        if parsed is None:
            raise InvalidRequestError("not an http or https URL")
        message = checked_message(method, parsed, headers, body)
        if len(body) > self.settings.request_bytes:
            raise InvalidRequestError(f"the body is longer than the limit of {self.settings.request_bytes} bytes")
        excess = self._excess(message.headers)
        if excess is not None:
            raise InvalidRequestError(excess)
        return message

    def _exchange(self, message: Message, grant: Grant, resolve: Resolve, deadline: float) -> HttpResponse | Message:
        """Send one request; return the response, or the request that it redirects to."""
        try:
            return self._attempt(message, grant, resolve, deadline, fresh=False)
        except _StaleConnectionError:
            return self._attempt(message, grant, resolve, deadline, fresh=True)

    def _attempt(
        self, message: Message, grant: Grant, resolve: Resolve, deadline: float, *, fresh: bool
    ) -> HttpResponse | Message:
        import httpcore

        public_only = not grant.literal_host
        repeatable = False
        try:
            with self._pool().connection(
                message.url, resolve, public_only=public_only, fresh=fresh, deadline=deadline
            ) as connection:
                # A server may close an idle connection at the moment in which a request is sent there.
                repeatable = connection.is_idle() and message.method in IDEMPOTENT
                with connection.stream(
                    message.method,
                    _httpcore_url(message.url),
                    headers=message.fields,
                    content=message.body or None,
                    extensions={"timeout": {"connect": deadline, "read": deadline, "write": deadline}},
                ) as response:
                    return self._answer(message, response)
        except (httpcore.ProtocolError, httpcore.ReadError) as error:
            if repeatable:
                raise _StaleConnectionError from error
            said = str(error) if isinstance(error, httpcore.ReadError) else "no valid HTTP response"
            raise ExchangeError(said) from error
        except TimeoutError as error:
            raise ExchangeError(words(error)) from error

    def _answer(self, message: Message, response: httpcore.Response) -> HttpResponse | Message:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        excess = self._excess(headers)
        if excess is not None:
            raise ExchangeError(excess)
        return redirected(message, response.status, headers) or self._read(response, headers)

    def _read(self, response: httpcore.Response, headers: Headers) -> HttpResponse:
        import httpcore

        reader = BodyReader(self.settings.response_bytes, header(headers, "content-encoding"))
        try:
            for chunk in response.iter_stream():
                reader.feed(chunk)
        except (ExchangeError, httpcore.ReadError) as error:
            raise UnreadableResponseError(str(error)) from error
        except httpcore.ProtocolError as error:
            raise UnreadableResponseError("incomplete, or not valid HTTP") from error
        body = reader.finish()
        if reader.decodes:
            headers = tuple(item for item in headers if item[0].lower() not in ("content-encoding", "content-length"))
        return HttpResponse(response.status, headers, body)

    def _excess(self, headers: Headers) -> str | None:
        """Return which bound the headers exceed."""
        if len(headers) > self.settings.headers:
            return f"more than the limit of {self.settings.headers} headers"
        if sum(len(name) + len(value) for name, value in headers) > self.settings.header_bytes:
            return f"headers longer than the limit of {self.settings.header_bytes} bytes"
        return None

    def _pool(self) -> ConnectionPool:
        from zenowasm.resources.http.pool import ConnectionPool

        with self._lock:
            if self._connections is None:
                self._connections = ConnectionPool(self._tls, self.settings.connections, self.settings.idle_seconds)
            return self._connections

    def close(self) -> None:
        """Close the connections; a request that follows opens new ones."""
        with self._lock:
            connections, self._connections = self._connections, None
        if connections is not None:
            connections.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _StaleConnectionError(Exception):
    """A connection that was used before broke before it answered a request that may be sent again."""


def _httpcore_url(url: Url) -> httpcore.URL:
    """Return the URL in httpcore's parts: nothing parses its text a second time."""
    import httpcore

    host = url.host.strip("[]").encode()
    return httpcore.URL(scheme=url.scheme.encode(), host=host, port=url.port, target=url.target.encode())


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    import httpcore

    context = httpcore.default_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _check_certificates(ca_file: Path | None) -> None:
    if ca_file is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise HttpSettingsError(f"ca_file: {ca_file}: no certificates in PEM") from error
    except OSError as error:
        raise HttpSettingsError(f"ca_file: {ca_file}: {error.strerror}") from error
