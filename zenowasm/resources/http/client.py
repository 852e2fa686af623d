"""An HTTP client for untrusted requests: it checks permissions at every step and bounds every size and time."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from functools import cache, partial
from importlib.util import find_spec
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen, validators

from zenowasm.closing import Closing
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

if TYPE_CHECKING:  # part of an extra, and imported at the first request
    import httpcore

    from zenowasm.resources.http.pool import ConnectionPool

_MIB = 1024 * 1024
_POSITIVE: Any = validators.gt(0)


class Grant(Protocol):
    """A permission for a URL. ``literal_host`` is true if the permission names the host itself, at any address."""

    @property
    def literal_host(self) -> bool:
        """Whether addresses outside the public internet are also permitted."""


Permit = Callable[[str], Grant | None]
"""A function called with each URL before a request is sent to it; ``None`` denies the URL."""


@frozen
class HttpSettings:
    """The limits on every request, and the trusted certificates.

    ``seconds`` is the wall-clock time of one request with all of its redirects. Sizes are in bytes: ``header_bytes``
    bounds all header names and values of one request, or of one response. At most ``connections`` are in use at once,
    and as many idle ones are kept for ``idle_seconds``. At most ``resolvers`` name lookups run at once, a quarter of
    them for one owner. ``ca_file`` contains trusted certificates, in PEM, in addition to the system's and Mozilla's.
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
    """A response. ``headers`` are as sent by the server, without those that do not apply to a decoded ``body``."""

    status: int
    headers: Headers
    body: bytes


class HttpClient(Closing):
    """A thread-safe HTTP/1.1 client.

    It does not use the machine's proxies, cookies or passwords: it sends only the content of the request. For each
    connection it resolves the host once, and connects only to checked addresses. It reuses a connection only for
    requests with the same restriction on addresses.
    """

    def __init__(self, settings: HttpSettings | None = None, *, lookup: Lookup = system_lookup) -> None:
        """Create a client; raises ``HttpSettingsError`` if ``httpcore`` or the certificate file is missing."""
        self.settings = settings or HttpSettings()
        if find_spec("httpcore") is None:
            raise HttpSettingsError("HTTP needs a library that is not installed: pip install 'zenowasm[http]'")
        _check_certificates(self.settings.ca_file)
        # Created at the first HTTPS request, because reading all certificates takes a tenth of a second.
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

        Name lookups use the ``owner``'s share of the resolver's threads. ``deadline`` is a time of ``time.monotonic``;
        the settings may end the exchange earlier. Raises ``HttpError``.
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
                # Without the query, in which servers put secrets for the client.
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
                # A server may close an idle connection just when a request is sent.
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
        """Return a message if the headers exceed a limit, else ``None``."""
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
        """Close the connections; a later request opens new ones."""
        with self._lock:
            connections, self._connections = self._connections, None
        if connections is not None:
            connections.close()


class _StaleConnectionError(Exception):
    """A reused connection broke before the response to a repeatable request."""


def _httpcore_url(url: Url) -> httpcore.URL:
    """Return the URL in httpcore's parts, so that its text is not parsed again."""
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
