"""A local web server that receives all HTTP requests of plugins in a test.

The host checks the plugin's permissions against the original URL, and then its real HTTP client sends the request to
the local server. So a test uses the real manifest, and no request leaves the machine.
"""

from __future__ import annotations

import json as json_
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

from zenowasm.plugin.access.permissions import NetworkGrant
from zenowasm.resources.http.client import HttpClient, HttpResponse
from zenowasm.resources.http.errors import NotPermittedError

if TYPE_CHECKING:
    from zenowasm.resources.http.client import Grant, Permit

_ORIGIN: Final = "zenowasm-origin"
_MOST_BYTES: Final = 64 << 20


@frozen
class Request:
    """A received request. ``url`` is the original one; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL's query; if a name is repeated, its last value."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON; raises ``ValueError`` if it is not JSON."""
        return json_.loads(self.body)


@frozen
class Reply:
    """A response."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)


@define(eq=False)
class FakeWeb:
    """The server: its routes, and the received ``requests``. A request without a route gets 404."""

    origin: str
    requests: list[Request] = field(factory=list)
    _routes: dict[tuple[str, str], Callable[[Request], Reply]] = field(factory=dict)

    def route(
        self,
        method: str,
        url: str,
        *,
        status: int = 200,
        json: Any = None,
        text: str = "",
        headers: Mapping[str, str] | None = None,
        answer: Callable[[Request], Reply] | None = None,
    ) -> None:
        """Answer requests of a method for a URL with ``json``, ``text``, or the result of ``answer``.

        ``url`` is a whole URL without its query, or only a path, which applies to every host. A later call for the same
        method and URL replaces the response.
        """
        kind = "text/plain" if json is None else "application/json"
        body = text.encode() if json is None else json_.dumps(json).encode()
        reply = Reply(status, body, {"Content-Type": kind, **(headers or {})})
        self._routes[method.upper(), url] = answer or (lambda _: reply)

    def answer(self, request: Request) -> Reply:
        """Record a request and return the response."""
        self.requests.append(request)
        for place in (request.url.partition("?")[0], request.path):
            if found := self._routes.get((request.method, place)):
                return found(request)
        return Reply(404, b"no route", {"Content-Type": "text/plain"})


class FakeHttpClient(HttpClient):
    """The host's HTTP client, which checks permissions as usual and then sends every request to the local server."""

    def __init__(self, web: FakeWeb) -> None:
        super().__init__()
        self._web = web

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
        """Send a request to the local server; redirects may lead anywhere on the same host. Raises ``HttpError``."""
        if permit(url) is None:
            raise NotPermittedError("the URL is not permitted")
        parts = urlsplit(url)
        meant, fake = f"{parts.scheme}://{parts.netloc}", self._web.origin

        def permitted(target: str) -> Grant | None:
            back = meant + target.removeprefix(fake) if target.startswith(fake + "/") else target
            return NetworkGrant(literal_host=True) if target != back and permit(back) is not None else None

        sent = url.removeprefix(meant)
        target = fake + (sent if sent.startswith("/") else f"/{sent}")
        sent_headers = [*headers, (_ORIGIN, meant)]
        return super().request(method, target, sent_headers, body, permit=permitted, deadline=deadline, owner=owner)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES))
        headers = {name.lower(): value for name, value in self.headers.items()}
        origin = headers.pop(_ORIGIN, self.server.web.origin)
        reply = self.server.web.answer(Request(self.command, origin + self.path, headers, body))
        self.send_response_only(reply.status)  # without Date and Server, which can vary
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: FakeWeb

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a plugin that reaches its time limit closes the connection."""


@contextmanager
def fake_web() -> Iterator[FakeWeb]:
    """Run a local server on a free loopback port until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.web = FakeWeb(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.web
        finally:
            server.shutdown()
            thread.join()
