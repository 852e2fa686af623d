"""The admin endpoint over real sockets."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, define, field, frozen

from zenowasm.backends import registry
from zenowasm.frontends.admin import server as module
from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.server import AdminServer
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.settings import Settings

HELLO = Path(__file__).parents[4] / "examples" / "plugins" / "hello"
TOKEN = "a-token-for-tests-only"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@frozen
class Reply:
    status: int
    json: Any
    headers: dict[str, str]


@define
class Endpoint:
    """A host with the plugin hello, and its endpoint."""

    folder: Path
    host: Host
    server: AdminServer
    connections: list[http.client.HTTPConnection] = field(factory=list)

    @property
    def address(self) -> tuple[str, int]:
        address, _, port = self.server.url.removeprefix("http://").rpartition(":")
        return address, int(port)

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        self.connections.append(connection)
        return connection

    def __call__(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None, on: Any = None
    ) -> Reply:
        connection = self.connect() if on is None else on
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        connection.request(method, target, data, RIGHT if headers is None else headers)
        response = connection.getresponse()
        text = response.read()
        assert response.headers["Content-Type"] == "application/json"
        return Reply(response.status, json.loads(text) if text else None, dict(response.headers))

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are, and return all that comes back until the connection is closed."""
        with socket.create_connection(self.address, 30) as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received

    def change(self, text: str) -> None:
        """Write another manifest."""
        manifest = self.folder / "hello" / "manifest.yaml"
        fresh = manifest.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(manifest)

    def manifest(self, version: str) -> str:
        return (HELLO / "manifest.yaml").read_text().replace("1.0.0", version)


@pytest.fixture(params=registry.names())
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoint]:
    folder = tmp_path / "plugins"
    shutil.copytree(HELLO, folder / "hello")
    with (
        Host(folder, backend=request.param, lazy=False, environment=HostEnvironment({}), config=Settings()) as host,
        AdminServer(host, TOKEN, stats=lambda: asdict(host.stats())) as server,
    ):
        made = Endpoint(folder, host, server)
        yield made
        for connection in made.connections:
            connection.close()
    assert not [it for it in threading.enumerate() if it.name == "zenowasm-admin"]


def test_a_slot_is_called(endpoint):
    reply = endpoint("POST", "/api/slots/hello.greet", {"name": "World"})
    assert (reply.status, reply.json) == (200, {"success": True, "data": {"message": "Hello, World!"}})
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("target", "body", "status", "error"),
    [
        ("/api/slots/hello.gone", {}, 404, "slot hello.gone not found in plugin hello"),
        ("/api/slots/other.greet", {}, 404, "plugin other not loaded"),
        ("/api/slots/", {}, 404, "plugin  not loaded"),
        ("/api/slots/hello.greet", b"[1]", 400, "expected the parameters as a JSON object"),
        ("/api/slots/hello.greet", b"{", 400, "expected the parameters as a JSON object: "),
        ("/api/slots/hello.greet", {"name": ["a"]}, 400, "name"),
        ("/api/slots/hello.greet?timeout=1", {}, 400, "expected at most one parameter, name"),
    ],
)
def test_calls_that_cannot_be_made(endpoint, target, body, status, error):
    reply = endpoint("POST", target, body)
    assert reply.status == status
    assert error in reply.json["error"]


def test_plugins_are_listed(endpoint):
    endpoint("POST", "/api/slots/hello.greet", {"name": "World"})
    (plugin,) = endpoint("GET", "/api/admin/plugins").json["plugins"]
    generation = endpoint.host.plugins["hello"]
    assert plugin == {
        "name": "hello",
        "version": "1.0.0",
        "sha256": generation.version.sha256,
        "type": "wasm",
        "state": "serving",
        "calls_in_flight": 0,
        "instances": 1,
        "slots": list(generation.slots),
    }


def test_stats(endpoint):
    endpoint("POST", "/api/slots/hello.greet", {"name": "World"})
    (plugin,) = endpoint("GET", "/api/admin/stats").json["plugins"]
    assert [(it["name"], it["calls"]) for it in plugin["slots"]] == [("hello.greet", 1)]


def test_reload(endpoint):
    endpoint.change(endpoint.manifest("2.0.0"))
    for target, change in (("?name=hello", "reloaded"), ("", "unchanged"), ("?name=", "unchanged")):
        reply = endpoint("POST", f"/api/admin/plugins/reload{target}")
        assert (reply.status, reply.json["status"]) == (200, "reloaded")
        assert [(it["name"], it["change"]) for it in reply.json["plugins"]] == [("hello", change)]
    assert endpoint("GET", "/api/admin/plugins").json["plugins"][0]["version"] == "2.0.0"


def test_a_bad_version_is_a_failure_and_the_old_one_serves(endpoint):
    endpoint.change("name: [")
    reply = endpoint("POST", "/api/admin/plugins/reload")
    assert reply.status == 500
    assert reply.json["error"].startswith("hello: failed to parse manifest: ")
    (change,) = reply.json["plugins"]
    assert (change["change"], change["before"]) == ("failed", change["after"])
    listed = endpoint("GET", "/api/admin/plugins").json
    assert listed["problems"][0]["folder"] == str(endpoint.folder / "hello")
    assert endpoint("POST", "/api/slots/hello.greet", {"name": "World"}).status == 200


@pytest.mark.parametrize("query", ["?name=a&name=b", "?who=hello", "?name", "?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9"])
def test_a_reload_with_another_query_is_refused(endpoint, query):
    assert endpoint("POST", f"/api/admin/plugins/reload{query}").status == 400


def test_a_reload_of_what_is_not_there(endpoint):
    reply = endpoint("POST", "/api/admin/plugins/reload?name=none")
    assert (reply.status, reply.json) == (404, {"error": "plugin none not loaded"})


@pytest.mark.parametrize(
    ("method", "target", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/api/admin/plugins/", 404, None),
        ("POST", "/api/admin/../admin/plugins", 404, None),
        ("GET", "/api/admin/plugins/reload", 405, "POST"),
        ("POST", "/api/admin/plugins", 405, "GET"),
        ("DELETE", "/api/slots/hello.greet", 405, "POST"),
        ("OPTIONS", "/api/slots/hello.greet", 405, "POST"),
        ("HEAD", "/api/slots/hello.greet", 405, "POST"),
    ],
)
def test_other_places_and_methods(endpoint, method, target, status, allow):
    reply = endpoint(method, target)
    assert (reply.status, reply.headers.get("Allow")) == (status, allow)


@pytest.mark.parametrize(
    "authorization",
    [None, "", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ", "Bearer é"],
)
@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/api/admin/plugins"), ("POST", "/api/slots/hello.greet"), ("GET", "/nowhere")]
)
def test_nothing_without_the_token(endpoint, method, target, authorization):
    reply = endpoint(method, target, headers={} if authorization is None else {"Authorization": authorization})
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in json.dumps(reply.json)
    assert endpoint.host.stats().plugins == () or not endpoint.host.stats().plugins[0].slots


@pytest.mark.parametrize("name", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost:1", ""])
def test_a_name_of_somebody_else_is_not_this_machine(endpoint, name):
    """DNS rebinding: a page's own name points here, and the browser sends that name."""
    host = name.replace("{port}", str(endpoint.address[1]))
    assert endpoint("GET", "/api/admin/plugins", headers={**RIGHT, "Host": host}).status == 421


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "127.0.0.1:{port}", "[::1]:{port}", "[::1]"]
)
def test_names_of_this_machine(endpoint, name):
    host = name.replace("{port}", str(endpoint.address[1]))
    assert endpoint("GET", "/api/admin/plugins", headers={**RIGHT, "Host": host}).status == 200


def head(*lines: str, method: str = "POST", target: str = "/api/slots/hello.greet") -> bytes:
    return "\r\n".join(
        [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}", *lines, "", ""]
    ).encode()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (head("Content-Length: 16777217"), 400),
        (head("Content-Length: -1"), 400),
        (head("Content-Length: 0x10"), 400),
        (head("Content-Length: 2", "Content-Length: 3") + b"{}x", 400),
        (head("Transfer-Encoding: chunked") + b"0\r\n\r\n", 411),
        (head("Host: localhost"), 421),
        (head("Connection: close", target="http://[::1"), 400),
        (b"\r\n\r\n", None),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_what_is_not_a_proper_request_is_refused_and_the_connection_closed(endpoint, data, status):
    received = endpoint.raw(data)
    assert received.startswith(f"HTTP/1.1 {status} ".encode() if status else b"")
    assert endpoint("GET", "/api/admin/plugins").status == 200


def test_a_body_that_stops_half_way(endpoint):
    with socket.create_connection(endpoint.address, 30) as connection:
        connection.sendall(head("Content-Length: 100") + b"{}")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_request_that_comes_too_slowly(endpoint, monkeypatch):
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.2)
    with socket.create_connection(endpoint.address, 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert connection.recv(65536) == b""


def test_connections_are_bounded(endpoint, monkeypatch):
    idle = [socket.create_connection(endpoint.address, 30) for _ in range(module.MAX_CONNECTIONS)]
    try:
        with socket.create_connection(endpoint.address, 30) as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")
    finally:
        for each in idle:
            each.close()


def test_a_connection_stays_open(endpoint):
    connection = endpoint.connect()
    for n in range(5):
        assert endpoint("POST", "/api/slots/hello.greet", {"name": str(n)}, on=connection).status == 200
    assert len(endpoint.server._server._connections) == 1


def test_no_call_is_lost_while_versions_change(endpoint):
    """Four clients call without a pause while ten versions follow one another."""
    done = threading.Event()

    def work(number: int) -> int:
        connection = endpoint.connect()
        count = 0
        while not done.is_set():
            reply = endpoint("POST", "/api/slots/hello.greet", {"name": f"{number}-{count}"}, on=connection)
            assert reply.json == {"success": True, "data": {"message": f"Hello, {number}-{count}!"}}
            count += 1
        return count

    with ThreadPoolExecutor(4) as threads:
        counts = [threads.submit(work, number) for number in range(4)]
        try:
            for version in range(10):
                endpoint.change(endpoint.manifest(f"2.{version}.0"))
                (change,) = endpoint("POST", "/api/admin/plugins/reload?name=hello").json["plugins"]
                assert (change["change"], change["abandoned"]) == ("reloaded", 0)
        finally:
            done.set()
        total = sum(count.result() for count in counts)
    (plugin,) = endpoint.host.stats().plugins
    assert sum(slot.successes for slot in plugin.slots) == total > 0


def test_calls_to_a_closed_host(endpoint):
    endpoint.host.close()
    reply = endpoint("POST", "/api/slots/hello.greet", {"name": "World"})
    assert (reply.status, reply.json) == (503, {"error": "the plugin host is closed"})


def test_only_loopback_unless_asked(endpoint):
    with pytest.raises(AdminError, match=r"0\.0\.0\.0 can be reached from other machines"):
        AdminServer(endpoint.host, TOKEN, "0.0.0.0")
    with AdminServer(endpoint.host, TOKEN, "0.0.0.0", allow_remote=True) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=30)
        connection.request("GET", "/api/admin/plugins", headers=RIGHT)
        assert connection.getresponse().status == 200
        connection.close()


def test_an_address_that_cannot_be_used(endpoint):
    with pytest.raises(AdminError, match="expected an IP address such as"):
        AdminServer(endpoint.host, TOKEN, "localhost")
    with pytest.raises(AdminError, match=f"cannot listen on 127.0.0.1, port {endpoint.address[1]}: Address already"):
        AdminServer(endpoint.host, TOKEN, "127.0.0.1", endpoint.address[1])


def test_stats_where_nothing_is_counted(endpoint):
    with AdminServer(endpoint.host, TOKEN) as server:
        other = Endpoint(endpoint.folder, endpoint.host, server)
        assert other("GET", "/api/admin/stats").status == 404
        other.connections[0].close()
