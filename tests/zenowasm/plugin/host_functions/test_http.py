"""``host_http_request`` through real guests, against a real server, on every engine."""

from __future__ import annotations

import json
from time import process_time

import pytest
from support.web import serving

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import TimeLimitError
from zenowasm.resources.http.client import HttpClient, HttpSettings

FORM = "application/x-www-form-urlencoded"
HOST = '(import "env" "host_http_request" (func $host (param i32 i32) (result i32)))'


@pytest.fixture
def web():
    with serving() as running:
        running.answers["/"] = lambda handler: handler.respond(200, b'{"ok":true}', Content_Type="application/json")
        yield running


@pytest.fixture
def client():
    with HttpClient() as made:
        yield made


@pytest.fixture
def send(bench, ask, client, web):
    """Sends a request from a guest whose manifest names the server."""

    def send(request, permissions=None, **services):
        network = [web.url("/*")] if permissions is None else permissions
        text = request if isinstance(request, str) else json.dumps(request)
        guest = ask("host_http_request", text)
        return bench.load(guest, permissions={"network": network}, **{"http": client, **services}).call("guest.run")

    return send


def test_a_request_and_its_response(send, web):
    response = send(
        {"method": "post", "url": web.url(), "headers": {"X-Key": "k", "X-Not": 7}, "body": {"a": [1.0, "ä"]}}
    )
    assert response.success
    assert (response.data["status"], response.data["body"]) == (200, {"ok": True})
    assert response.data["headers"]["Content-Type"] == "application/json"
    (seen,) = web.seen
    assert (seen.method, seen.headers["content-type"], seen.headers["x-key"]) == ("POST", "application/json", "k")
    assert "x-not" not in seen.headers
    assert seen.body == '{"a":[1,"ä"]}'.encode()


@pytest.mark.parametrize(
    ("body", "headers", "sent", "kind"),
    [
        (None, {}, b"", None),
        ({}, {}, b"", None),
        ([], {}, b"", None),
        ("", {"Content-Type": "text/plain"}, b"", "text/plain"),
        ({"a": 1}, {"content-type": "application/vnd.api+json"}, b'{"a":1}', "application/vnd.api+json"),
        ([1, 2], {}, b"[1,2]", "application/json"),
        (0, {}, b"0", "application/json"),
        (False, {}, b"false", "application/json"),
        ("text", {}, b'"text"', "application/json"),
        ("a=1&b=%20", {"Content-Type": FORM}, b"a=1&b=%20", FORM),
        ('{"signed": 1}', {"CONTENT-TYPE": "application/json"}, b'{"signed": 1}', "application/json"),
        ("ä", {"Content-Type": "text/plain"}, "ä".encode(), "text/plain"),
        ("text", {"Content-Type": 7}, b'"text"', "application/json"),
    ],
)  # fmt: skip
def test_bodies_that_go_out(send, web, body, headers, sent, kind):
    send({"method": "PUT", "url": web.url(), "headers": headers, "body": body})
    assert (web.seen[0].body, web.seen[0].headers.get("content-type")) == (sent, kind)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", ""),
        (b"text", "text"),
        (b'{"a":1} more', '{"a":1} more'),
        (b" [1, 2.0, 0.5]\n", [1, 2, 0.5]),
        (b"null", None),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"9" * 2000, "9" * 2000),
        (b"9" * 5000, "9" * 5000),
        (b"1e999", "1e999"),
        (b"NaN", "NaN"),
        (b"[" * 200, "[" * 200),
        (b'"\\ud800"', "\ufffd"),
        (b"\xff\x00", "\ufffd\x00"),
        (b'"\xff"', '"\ufffd"'),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xef\xbb\xbf{}", "\ufeff{}"),
    ],
)
def test_bodies_that_come_back(send, web, body, value):
    web.answers["/"] = lambda handler: handler.respond(200, body)
    data = send({"url": web.url()}).data
    assert (type(data["body"]), data["body"]) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain; charset=ISO-8859-1", b"caf\xe9", "café"),
        ('text/plain; charset="windows-1252"', b"\x80 5", "€ 5"),
        ("application/json; charset=utf-16le", '{"a": "é"}'.encode("utf-16le"), {"a": "é"}),
        ("text/plain; charset=shift_jis", "日本".encode("shift_jis"), "日本"),
        ("text/plain; charset=us-ascii", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=utf-8", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=zip", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=idna", b"xn--caf-dma", "xn--caf-dma"),
        ("text/plain; charset=iso-8859-12", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=../../x", b"caf\xe9", "caf\ufffd"),
        ("nonsense", b"caf\xe9", "caf\ufffd"),
        ('text/plain; a="; charset=utf-8"; charset = latin1', b"caf\xe9", "café"),
        ("text/plain;charset=latin1;charset=utf-8", b"caf\xe9", "café"),
        ("text/plain; xcharset=latin1", b"caf\xe9", "caf\ufffd"),
        # Continuations belong to mail (RFC 2231), not to HTTP (RFC 9110, 5.6.6).
        ("text/plain; charset*0*=latin1''a; charset*=b", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset*" + "9" * 5000 + "=latin1", b"caf\xe9", "caf\ufffd"),
    ],
)
def test_a_body_is_read_by_its_charset(send, web, kind, body, value):
    web.answers["/"] = lambda handler: handler.respond(200, body, **{"Content-Type": kind})
    assert send({"url": web.url()}).data["body"] == value


@pytest.mark.parametrize("kind", ['text/plain; charset="' + ";" * 60_000, "text/plain" + '; a="\\' * 9_000])
def test_a_long_content_type_is_read_in_linear_time(send, web, kind):
    web.answers["/"] = lambda handler: handler.respond(200, b"caf\xe9", **{"Content-Type": kind})
    began = process_time()
    assert send({"url": web.url()}).data["body"] == "caf\ufffd"
    assert process_time() - began < 1


def test_what_is_not_ascii_in_a_url_is_sent_as_utf_8(send, web):
    web.answers["/caf%C3%A9"] = lambda handler: handler.respond(200)
    assert send({"url": web.url("/café?q=é%20日")}).data["status"] == 200
    assert [seen.target for seen in web.seen] == ["/caf%C3%A9?q=%C3%A9%20%E6%97%A5"]


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_every_status_is_a_success(send, web, status):
    web.answers["/"] = lambda handler: handler.respond(status)
    data = send({"url": web.url()}).data
    assert (data["status"], data["body"]) == (status, "")


def test_headers_that_come_back(send, web):
    web.answers["/"] = lambda handler: handler.raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-REQUEST-id: 1\r\netag: \xff\r\n"
        b"Vary: a\r\nvary: b\r\nSet-Cookie: a=1, x\r\nset-cookie: b=2\r\n\r\n"
    )
    assert send({"url": web.url()}).data["headers"] == {
        "Content-Length": "0",
        "X-Request-Id": "1",
        "Etag": "\ufffd",
        "Vary": "a, b",
        "Set-Cookie": "a=1, x\nb=2",
    }


@pytest.mark.parametrize(
    ("network", "url"),
    [
        ([], "{web}/"),
        ([], ""),
        (["{web}/v1/*"], "{web}/v2"),
        (["{web}/v1/*"], "{web}/v1/../v2"),
        (["https://a.com/*"], "https://a.com.evil/"),
        (["https://a.com/*"], "https://a.com@evil/"),
        (["https://a.com/*"], "https://a.com\\@evil/"),
        (["https://a.com/*"], "https://a.com\t/"),
        (["https://a.com/*"], "ftp://a.com/"),
        (["http://127.0.0.1:1/*"], "{web}/"),
    ],
)
def test_urls_that_are_not_permitted(send, web, network, url):
    url = url.format(web=web.url("").rstrip("/"))
    permissions = [rule.format(web=web.url("").rstrip("/")) for rule in network]
    response = send({"url": url}, permissions)
    assert response.error == f"plugin guest does not have permission to access network: {url}"
    assert web.connections == 0


def test_passwords_in_a_url_are_not_shown(send):
    error = send({"url": "http://user:secret@a.com/"}, []).error
    assert error == "plugin guest does not have permission to access network: http://user:***@a.com/"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"url": "nonsense"}, "failed to create request: not an http or https URL"),
        ({}, "failed to create request: not an http or https URL"),
        ({"url": "http://a.com/\n"}, "failed to create request: not an http or https URL"),
        ({"url": "http://a.com/", "headers": {"A": "\n"}},
         "failed to create request: header a has a control character"),
        ({"url": "http://a.com/", "headers": {"A b": "c"}}, "failed to create request: a header's name is not a token"),
        ({"url": "http://a.com/", "method": "TRACE"}, "failed to create request: method not supported; expected one of"
         " GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ({"url": 7}, "invalid request JSON: url is not a string"),
        ({"url": "http://a.com/", "method": []}, "invalid request JSON: method is not a string"),
        ({"url": "http://a.com/", "headers": []}, "invalid request JSON: headers is not an object"),
        ({"url": "http://127.0.0.1/"}, "request failed: address 127.0.0.1 is not public;"
         " name the host in permissions.network"),
        ({"url": "http://0x7f.1/"}, "request failed: address 127.0.0.1 is not public;"
         " name the host in permissions.network"),
        ({"url": "http://[::1]/"}, "request failed: address ::1 is not public; name the host in permissions.network"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_sent(send, request_, error):
    assert send(request_, ["*"]).error == error


def test_a_request_body_is_bounded(send, web):
    with HttpClient(HttpSettings(request_bytes=3)) as client:
        error = send({"url": web.url(), "method": "POST", "body": [1, 2]}, http=client).error
    assert error == "failed to create request: the body is longer than the limit of 3 bytes"


def test_a_server_that_refuses(send, web):
    web.answers["/"] = lambda handler: handler.raw(b"no")
    assert send({"url": web.url()}).error == "request failed: no valid HTTP response"


def test_a_body_that_does_not_arrive(send, web):
    web.answers["/"] = lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    assert send({"url": web.url()}).error == "failed to read response: incomplete, or not valid HTTP"


def test_redirects_are_judged_by_the_manifest(send, web):
    web.answers["/v1/a"] = lambda handler: handler.respond(302, Location="/v1/b")
    web.answers["/v1/b"] = lambda handler: handler.respond(302, Location="/v2")
    error = send({"url": web.url("/v1/a")}, [web.url("/v1/*")]).error
    assert error == f"request failed: redirect to {web.url('/v2')} is not permitted"
    assert [seen.target for seen in web.seen] == ["/v1/a", "/v1/b"]


def test_a_redirect_to_a_private_address(send, web):
    web.answers["/"] = lambda handler: handler.respond(302, Location="http://127.1:1/")
    error = send({"url": web.url()}, [web.url("/*"), "*"]).error
    assert error == "request failed: address 127.0.0.1 is not public; name the host in permissions.network"


def test_the_deadline_of_the_call_ends_the_request(bench, ask, client, web):
    web.answers["/"] = lambda handler: handler.server.web.closing.wait()
    guest = ask("host_http_request", json.dumps({"url": web.url()}))
    limits = PluginLimits(seconds=0.3)
    manager = bench.load(guest, permissions={"network": ["*", web.url()]}, limits=limits, http=client)
    with pytest.raises(TimeLimitError):
        manager.call("guest.run")


@pytest.mark.parametrize("phase", ["init", "register", "cleanup"])
@pytest.mark.parametrize("permitted", [False, True])
def test_denied_is_denied_in_every_phase(bench, guest, client, web, phase, permitted):
    text = json.dumps({"url": web.url()})
    result = {"init": "(i32.const 1024)", "register": "(i32.const 2048)", "cleanup": ""}[phase]
    asking = guest(
        imports=HOST, text=text, **{phase: f"(drop (call $host (i32.const 4096) (i32.const {len(text)}))) {result}"}
    )
    network = [web.url("/*")] if permitted else ["https://a.com/*"]
    manager = bench.load(asking, permissions={"network": network}, http=client)
    manager.call("guest.run")
    manager.close()
    assert bool(web.seen) is permitted
    assert permitted or web.connections == 0


def test_every_engine_gets_the_same(benches, ask, client, web):
    answers = []
    for bench in benches:
        guest = ask("host_http_request", json.dumps({"url": web.url(), "body": {"a": 1}}))
        with bench.load(guest, permissions={"network": [web.url("/*")]}, http=client) as manager:
            data = manager.call("guest.run").data
            del data["headers"]["Date"]
            answers.append(data)
    assert len(answers) == 2
    assert answers[0] == answers[1]
