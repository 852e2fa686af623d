"""The HTTP side of the admin endpoint: authorisation, and bounds on connections, sizes and times."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from time import monotonic
from typing import Any, Final

from zenowasm.closing import Closing
from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.routes import Answer, BadRequestError, Request, Routes, Stats, failure
from zenowasm.plugin import Host
from zenowasm.plugin.guest.jsonvalue import encode

MAX_CONNECTIONS: Final = 64
MAX_BODY: Final = 16 << 20
REQUEST_SECONDS: Final = 60.0
"""The time limit for receiving a request, including the wait for its first byte on a persistent connection."""
WRITE_SECONDS: Final = 10.0
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class AdminServer(Closing):
    """The admin endpoint of one host, on its own threads; a context manager that closes itself.

    Every request must carry ``Authorization: Bearer TOKEN``. Its ``Host`` header must name this machine, because a web
    page in a browser can point its own domain name at this address.
    """

    def __init__(
        self,
        host: Host,
        token: str,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        allow_remote: bool = False,
        stats: Stats | None = None,
    ) -> None:
        """Listen on ``address``, an IP address, and ``port``; 0 selects any free port.

        Raises ``AdminError`` if that fails, or if other machines can reach the address without ``allow_remote``: the
        token and the data are sent unencrypted.
        """
        try:
            loopback = ip_address(address).is_loopback
        except ValueError as error:
            raise AdminError(f"expected an IP address such as 127.0.0.1, found {address!r}") from error
        if not loopback and not allow_remote:
            risk = f"{address} can be reached from other machines, without encryption"
            raise AdminError(f"{risk}: --allow-remote permits that (`allow_remote=True` in Python)")
        try:
            self._server = _Server((address, port), Routes(host, stats), token)
        except OSError as error:
            raise AdminError(f"cannot listen on {address}, port {port}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="zenowasm-admin")
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL of the endpoint."""
        address, port = self._server.server_address[:2]
        text = address if isinstance(address, str) else bytes(address).decode()
        return f"http://[{text}]:{port}" if ":" in text else f"http://{text}:{port}"

    def close(self, seconds: float = WRITE_SECONDS) -> None:
        """Stop accepting, wait up to ``seconds`` for the responses in progress, and close all connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.finish(seconds)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], routes: Routes, token: str) -> None:
        self.routes = routes
        self._token = f"Bearer {token}".encode()
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._answering = 0
        self.closing = False
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's version looks up a name, which can take seconds and is useless here

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            request.setblocking(False)
            with contextlib.suppress(OSError):
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._connections.discard(request)
                self._changed.notify_all()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, which are the clients' concern."""

    def is_token(self, given: str) -> bool:
        """Return whether a token is correct; the time that this takes reveals nothing about the token."""
        return compare_digest(given.encode("utf-8", "replace"), self._token)

    def is_here(self, name: str) -> bool:
        """Return whether a ``Host`` header names this machine by an address, or as localhost."""
        address, _, port = name.rpartition(":") if not name.endswith("]") else (name, "", "")
        if not address:
            address, port = name, ""
        if port and port != str(self.server_address[1]):
            return False
        if address.lower() == "localhost":
            return True
        try:
            ip_address(address.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True

    def answer(self, request: Request) -> Answer:
        """Respond to a request; ``finish`` waits for the response."""
        with self._changed:
            self._answering += 1
        return self.routes.answer(request)

    def answered(self) -> None:
        """Record that a response has been sent or has failed."""
        with self._changed:
            self._answering -= 1
            self._changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Wait for the responses in progress, then close all connections."""
        self.closing = True
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, seconds)
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, seconds)


class _Reader(io.RawIOBase):
    """A reader of a connection with a deadline, which holds however slowly the bytes arrive."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "zenowasm"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._reader = _Reader(self.connection)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        self._reader.deadline = monotonic() + REQUEST_SECONDS
        super().handle_one_request()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log no requests: the host's own log records their effects."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond to malformed HTTP or an unknown method."""
        self.close_connection = True
        self.request_version = self.protocol_version  # the default until it is known, HTTP/0.9, has no headers
        status = HTTPStatus(code)
        self._send(failure(status, message or status.phrase))

    def _respond(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True  # the body has not been read
            self._send(refusal)
            return
        try:
            request = Request(self.command, self.path, self._body())
        except BadRequestError as error:
            self.close_connection = True
            self._send(failure(HTTPStatus.BAD_REQUEST, str(error)))
            return
        answer = None
        try:
            answer = self.server.answer(request)
            self._send(answer)
        finally:
            self.server.answered()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _respond  # noqa: N815

    def _refusal(self) -> Answer | None:
        headers = self.headers
        names = headers.get_all("Host", [])
        if len(names) != 1 or not self.server.is_here(names[0].strip()):
            return failure(HTTPStatus.MISDIRECTED_REQUEST, "expected a Host header that names this machine's address")
        if not self.server.is_token(headers.get("Authorization", "")):
            what = "expected the header Authorization: Bearer with the token of this host"
            return failure(HTTPStatus.UNAUTHORIZED, what, **{"WWW-Authenticate": "Bearer"})
        if "Transfer-Encoding" in headers:
            return failure(HTTPStatus.LENGTH_REQUIRED, "expected a body with a Content-Length")
        return None

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", ["0"])
        text = lengths[0].strip()
        if len(lengths) != 1 or not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise BadRequestError("expected one Content-Length")
        if int(text) > MAX_BODY:
            raise BadRequestError(f"the body is longer than the limit of {MAX_BODY} bytes")
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise BadRequestError("the body is shorter than its Content-Length")
        return body

    def _send(self, answer: Answer) -> None:
        body = encode(answer.value)
        self.connection.settimeout(WRITE_SECONDS)
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection or self.server.closing:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
