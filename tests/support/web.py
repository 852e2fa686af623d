"""Web servers on loopback, one thread a connection, whose answers are functions that write whatever they like."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from attrs import define, field, frozen


@frozen
class Seen:
    """A request as the server got it. Names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Hands every request to the function of its path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def respond(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole response; ``_`` in the name of a header stands for ``-``."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def raw(self, data: bytes) -> None:
        """Send bytes that need not be HTTP, and close."""
        self.wfile.write(data)
        self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        web = self.server.web
        web.seen.append(Seen(self.command, self.path, headers, body))
        web.answers.get(self.path.partition("?")[0], lambda handler: handler.respond(404))(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def setup(self) -> None:
        super().setup()
        self.server.web.connections += 1

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are what these tests are about."""


Answer = Callable[[Handler], None]


@define(eq=False)
class Web:
    """A running server: its answers by path, and what it has seen. ``closing`` is set when it ends."""

    port: int
    scheme: str
    answers: dict[str, Answer] = field(factory=dict)
    seen: list[Seen] = field(factory=list)
    connections: int = 0
    closing: Event = field(factory=Event)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Run a server at a free port until the block ends."""
    server = Server((address, port), Handler)
    if tls is not None:
        # The handshake is the handler's, so that one that never ends holds up its own thread only.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.web = Web(server.server_address[1], "http" if tls is None else "https")
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.web
    finally:
        server.web.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
