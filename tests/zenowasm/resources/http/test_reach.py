"""Where requests may go: addresses that are checked and pinned, and every redirect asked for again."""

from __future__ import annotations

import socket

import pytest
from support.web import serving

from zenowasm.resources.http import connection as http_connection
from zenowasm.resources.http.client import HttpClient, HttpSettings
from zenowasm.resources.http.errors import (
    ExchangeError,
    NotPublicError,
)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# Addresses


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("169.254.169.254", "169.254.169.254"),
        ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ],
)
def test_private_addresses_are_refused_unless_they_are_named(web, client, anywhere, host, address):
    with pytest.raises(NotPublicError) as caught:
        client.request("GET", web.url(host=host), permit=anywhere)
    assert caught.value.address in (address, "::ffff:127.0.0.1")  # the second is how Python 3.13 writes the first
    assert web.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(web, anywhere):
    with HttpClient(lookup=lambda host, port: ["8.8.8.8", "127.0.0.1"]) as client, pytest.raises(NotPublicError):
        client.request("GET", web.url(host="a.test"), permit=anywhere)
    assert web.connections == 0


def test_a_second_answer_of_the_resolver_changes_nothing(web, named):
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    web.answers["/"] = lambda handler: handler.respond(200, b"first")
    with serving("127.0.0.2", web.port) as other, HttpClient(lookup=lambda host, port: answers.pop(0)) as client:
        assert client.request("GET", web.url(host="a.test"), permit=named).body == b"first"
        assert web.seen[0].headers["host"] == f"a.test:{web.port}"
        assert other.connections == 0
    assert answers == [["127.0.0.2"]]


def test_the_address_that_was_checked_is_the_one_connected_to(web, anywhere, monkeypatch):
    answers, targets = [["93.184.216.34"], ["127.0.0.1"]], []
    connect = socket.create_connection

    def to_web(address, timeout):
        targets.append(address)
        return connect(("127.0.0.1", web.port), timeout)

    monkeypatch.setattr(http_connection.socket, "create_connection", to_web)
    web.answers["/"] = lambda handler: handler.respond(200)
    with HttpClient(lookup=lambda host, port: answers.pop(0)) as client:
        assert client.request("GET", "http://a.test/", permit=anywhere).status == 200
    assert targets == [("93.184.216.34", 80)]


def test_a_connection_to_a_private_address_is_not_for_those_who_do_not_name_it(web, client, named, anywhere):
    web.answers["/"] = lambda handler: handler.respond(200)
    client.request("GET", web.url(), permit=named)
    with pytest.raises(NotPublicError):
        client.request("GET", web.url(), permit=anywhere)
    assert len(web.seen) == 1


def test_the_next_address_is_tried(web, named):
    web.answers["/"] = lambda handler: handler.respond(200)
    with HttpClient(lookup=lambda host, port: ["127.0.0.3", "127.0.0.1"]) as client:
        assert client.request("GET", web.url(host="a.test"), permit=named).status == 200


def test_a_host_that_is_not_found(client, anywhere):
    with pytest.raises(ExchangeError) as caught:
        client.request("GET", "http://no.such.host.invalid/", permit=anywhere)
    assert str(caught.value) in ("host not found", "timed out")  # the second where no resolver can be reached


def test_nobody_listens(client, named):
    with pytest.raises(ExchangeError, match=r"^connection refused$"):
        client.request("GET", f"http://127.0.0.1:{closed_port()}/", permit=named)


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "after", "body"),
    [
        (301, "GET", "GET", b""),
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (301, "PUT", "PUT", b"data"),
        (302, "DELETE", "DELETE", b"data"),
        (303, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (307, "POST", "POST", b"data"),
        (308, "PATCH", "PATCH", b"data"),
    ],
)
def test_redirects_keep_or_change_the_method(web, client, named, status, method, after, body):
    web.answers["/old/a"] = lambda handler: handler.respond(status, b"moved", Location="../new?q#f")
    web.answers["/new"] = lambda handler: handler.respond(200)
    sent = b"" if method in ("GET", "HEAD") else b"data"
    client.request(method, web.url("/old/a"), [("Content-Type", "text/plain"), ("X-Key", "k")], sent, permit=named)
    last = web.seen[-1]
    assert (last.method, last.target, last.body, last.headers["x-key"]) == (after, "/new?q", body, "k")
    assert ("content-type" in last.headers) == (after == method)


def test_every_redirect_is_asked_for(web, client, named):
    asked = []

    def permit(url):
        asked.append(url)
        return None if "/c" in url else named(url)

    web.answers["/a"] = lambda handler: handler.respond(302, Location="/b")
    web.answers["/b"] = lambda handler: handler.respond(302, Location="c?secret=1")
    with pytest.raises(ExchangeError) as caught:
        client.request("GET", web.url("/a"), permit=permit)
    assert str(caught.value) == f"redirect to {web.url('/c')} is not permitted"
    assert asked == [web.url("/a"), web.url("/b"), web.url("/c?secret=1")]
    assert [seen.target for seen in web.seen] == ["/a", "/b"]


def test_a_redirect_to_a_private_address_is_refused(web, client, named, anywhere):
    with serving() as inner:
        web.answers["/"] = lambda handler: handler.respond(302, Location=inner.url("/"))
        with pytest.raises(NotPublicError):
            client.request("GET", web.url(), permit=lambda url: (named if str(web.port) in url else anywhere)(url))
        assert inner.connections == 0


def test_secrets_do_not_leave_their_origin(web, client, named):
    headers = [("Authorization", "a"), ("Cookie", "b"), ("X-Api-Key", "c"), ("Private-Token", "d"), ("Accept", "e/f"),
               ("Content-Type", "g/h"), ("User-Agent", "i")]  # fmt: skip
    with serving() as other:
        web.answers["/same"] = lambda handler: handler.respond(307, Location="/other")
        web.answers["/other"] = lambda handler: handler.respond(307, Location=other.url("/back"))
        other.answers["/back"] = lambda handler: handler.respond(307, Location=web.url("/end"))
        web.answers["/end"] = lambda handler: handler.respond(200)
        client.request("POST", web.url("/same"), headers, b"x", permit=named)
        kept = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
        secret = {"authorization", "cookie", "x-api-key", "private-token"}
        assert [seen.headers.keys() for seen in web.seen] == [kept | secret, kept | secret, kept]
        assert [seen.headers.keys() for seen in other.seen] == [kept]
        assert (other.seen[0].headers["accept"], other.seen[0].headers["user-agent"]) == ("e/f", "i")


@pytest.mark.parametrize(
    "location",
    ["ftp://a.com/", "javascript:alert(1)", "file:///etc/passwd", "http://user:secret@127.0.0.1/",
     "//a.com\\@b/", "http://[::1", "http://a..b/"],
)  # fmt: skip
def test_redirects_to_what_is_no_url(web, client, named, location):
    web.answers["/"] = lambda handler: handler.respond(302, Location=location)
    with pytest.raises(ExchangeError) as caught:
        client.request("GET", web.url(), permit=named)
    assert str(caught.value) == "the redirect is not to an http or https URL without a user name"


def test_a_location_that_is_not_ascii(web, client, named):
    web.answers["/"] = lambda handler: handler.raw(
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\xc3\xa4 b%20c\r\n\r\n"
    )
    client.request("GET", web.url(), permit=named)
    assert web.seen[1].target == "/%C3%A4%20b%20c"


def test_redirects_without_end(web, named):
    web.answers["/"] = lambda handler: handler.respond(302, Location="/")
    with HttpClient(HttpSettings(redirects=3)) as client, pytest.raises(ExchangeError, match="more than 3 redirects"):
        client.request("GET", web.url(), permit=named)
    assert len(web.seen) == 4
