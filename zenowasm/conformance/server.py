"""The scenarios' HTTP server on loopback, with a fixed response for each path."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

MIB: Final = 1 << 20
_SLOW_SECONDS: Final = 30.0


class _Handler(BaseHTTPRequestHandler):
    """The request handler; README.md in the scenarios' folder lists the paths."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing, because the scenarios check the host's log."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MIB))
        match url.path.strip("/").split("/"):
            case ["echo"]:
                kept = {name: value for name, value in self.headers.items() if name.lower().startswith("x-")}
                heard = {
                    "method": self.command,
                    "type": self.headers.get("Content-Type", ""),
                    "headers": kept,
                    "body": body.decode("utf-8", "backslashreplace"),
                }
                self._send(200, json.dumps(heard).encode(), "application/json")
            case ["text"]:
                self._send(200, query.get("say", "text").encode(), "text/plain")
            case ["bytes", count]:
                self._send(200, b"x" * min(int(count), 64 * MIB), "text/plain")
            case ["binary"]:
                self._send(200, b"\xff\xfe\x00", "application/octet-stream")
            case ["bomb"]:
                self._send(200, gzip.compress(bytes(64 * MIB), 9), "text/plain", ("Content-Encoding", "gzip"))
            case ["status", code]:
                self._send(
                    int(code), b"" if code in ("204", "304") else b'{"code":' + code.encode() + b"}", "application/json"
                )
            case ["redirect", code]:
                self._send(int(code), b"", "text/plain", ("Location", query["to"]))
            case ["loop"]:
                self._send(302, b"", "text/plain", ("Location", "/loop"))
            case ["slow"]:
                self.server.stopping.wait(_SLOW_SECONDS)
                self._send(200, b"late", "text/plain")
            case _:
                self._send(404, b"not found", "text/plain")

    def _send(self, status: int, body: bytes, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)  # without Date and Server, which vary
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except OSError:  # the client has closed the connection, as in some scenarios
                self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Closing does not wait for the clients' connections.
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a client's connection error is not the server's."""


@contextmanager
def web_server() -> Iterator[str]:
    """Run the scenarios' server; yields its URL, ``http://127.0.0.1:PORT``."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
