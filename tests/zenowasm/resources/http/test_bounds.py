"""What a hostile server can do to a client: nothing beyond the bounds on sizes and on time."""

from __future__ import annotations

import gzip
import socket
import threading
from threading import Event
from time import monotonic

import pytest

from zenowasm.resources.http.client import HttpClient, HttpSettings
from zenowasm.resources.http.errors import (
    ExchangeError,
    UnreadableResponseError,
)

# Sizes


def test_bodies_are_bounded(web, named):
    web.answers["/"] = lambda handler: handler.respond(200, b"x" * int(handler.headers["X-Size"]))
    with HttpClient(HttpSettings(response_bytes=100_000)) as client:

        def ask(size):
            return client.request("GET", web.url(), [("X-Size", str(size))], permit=named)

        assert len(ask(100_000).body) == 100_000
        with pytest.raises(UnreadableResponseError, match=r"^longer than the limit of 100000 bytes$"):
            ask(100_001)


def test_a_body_without_end_is_bounded(web, named):
    stopped = Event()

    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            stopped.set()
            handler.close_connection = True

    web.answers["/"] = flood
    with HttpClient(HttpSettings(response_bytes=1_000_000)) as client, pytest.raises(UnreadableResponseError):
        client.request("GET", web.url(), permit=named)
    assert stopped.wait(60)


def test_gzip_is_undone(web, client, named):
    data = gzip.compress(b"one ") + gzip.compress(b"two")
    web.answers["/"] = lambda handler: handler.respond(200, data, Content_Encoding="GZip", X_Kept="1")
    response = client.request("GET", web.url(), permit=named)
    assert response.body == b"one two"
    names = {name.lower() for name, _ in response.headers}
    assert "x-kept" in names
    assert not names & {"content-encoding", "content-length"}


@pytest.mark.parametrize("coding", ["br", "deflate", "identity", "gzip, gzip"])
def test_other_codings_are_left_as_they_are(web, client, named, coding):
    web.answers["/"] = lambda handler: handler.respond(200, b"abc", Content_Encoding=coding)
    response = client.request("GET", web.url(), permit=named)
    assert response.body == b"abc"
    assert ("Content-Encoding", coding) in response.headers


@pytest.mark.parametrize("change", [lambda data: b"not gzip", lambda data: data[:-9], lambda data: data + b"tail"])
def test_gzip_that_is_not_valid(web, client, named, change):
    data = change(gzip.compress(b"x" * 100))
    web.answers["/"] = lambda handler: handler.respond(200, data, Content_Encoding="gzip")
    with pytest.raises(UnreadableResponseError, match=r"^not valid gzip$"):
        client.request("GET", web.url(), permit=named)


def test_a_response_without_a_body_may_claim_to_be_gzip(web, client, named):
    web.answers["/"] = lambda handler: handler.respond(200, Content_Encoding="gzip", Content_Length="99")
    assert client.request("HEAD", web.url(), permit=named).body == b""


@pytest.mark.parametrize("times", [1, 40_000])
def test_gzip_bombs(web, named, times):
    bomb = gzip.compress(b"\0" * 50_000_000) if times == 1 else gzip.compress(b"") * times
    web.answers["/"] = lambda handler: handler.respond(200, bomb, Content_Encoding="gzip")
    settings = HttpSettings(response_bytes=500_000)
    with HttpClient(settings) as client, pytest.raises(UnreadableResponseError, match="longer than the limit"):
        client.request("GET", web.url(), permit=named)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (b"A: b\r\n" * 201, "more than the limit of 200 headers"),
        (b"A: %s\r\n" % (b"b" * 70_000), "headers longer than the limit of 65536 bytes"),
        (b"A: %s\r\n" % (b"b" * 300_000), "no valid HTTP response"),
        (b"A b\r\n", "no valid HTTP response"),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", "no valid HTTP response"),
        (b"Content-Length: x\r\n", "no valid HTTP response"),
    ],
)
def test_headers_of_the_response(web, client, named, headers, message):
    web.answers["/"] = lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")
    with pytest.raises(ExchangeError) as caught:
        client.request("GET", web.url(), permit=named)
    assert str(caught.value) == message


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 2 OK\r\n\r\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\n"])
def test_what_is_not_http(web, client, named, data):
    web.answers["/"] = lambda handler: handler.raw(data)
    with pytest.raises(ExchangeError, match=r"^no valid HTTP response$"):
        client.request("GET", web.url(), permit=named)


@pytest.mark.parametrize(
    "data",
    [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
     b"Transfer-Encoding: chunked\r\n\r\nx\r\n"],
)  # fmt: skip
def test_bodies_that_are_not_whole(web, client, named, data):
    web.answers["/"] = lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\n" + data)
    with pytest.raises(UnreadableResponseError, match=r"^incomplete, or not valid HTTP$"):
        client.request("GET", web.url(), permit=named)


# Time


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"]
)
@pytest.mark.parametrize("drip", [False, True])
def test_a_server_that_is_slow_or_silent(web, client, named, head, drip):
    def answer(handler):
        handler.wfile.write(head)
        try:
            while not handler.server.web.closing.wait(0.005):
                if drip:
                    handler.wfile.write(b"1")
        except OSError:
            pass
        handler.close_connection = True

    client.request("GET", web.url("/first"), permit=named)  # so that only the server takes time
    web.answers["/"] = answer
    with pytest.raises(UnreadableResponseError if head.endswith(b"\r\n\r\n") else ExchangeError) as caught:
        client.request("GET", web.url(), permit=named, deadline=monotonic() + 0.5)
    assert str(caught.value) == "timed out"


def test_informational_responses_without_end(web, named):
    def answer(handler):
        try:
            while not handler.server.web.closing.is_set():
                handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        except OSError:
            handler.close_connection = True

    web.answers["/"] = answer
    with HttpClient(HttpSettings(seconds=0.3)) as client, pytest.raises(ExchangeError, match=r"^timed out$"):
        client.request("GET", web.url(), permit=named)


def test_a_server_that_does_not_read(named):
    with socket.create_server(("127.0.0.1", 0)) as server, HttpClient(HttpSettings(seconds=0.3)) as client:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(ExchangeError, match=r"^timed out$"):
            client.request("PUT", url, body=b"x" * 8_000_000, permit=named)


def test_redirects_share_one_deadline(web, named):
    def answer(handler):
        handler.server.web.closing.wait(0.05)
        handler.respond(302, Location="/")

    web.answers["/"] = answer
    settings = HttpSettings(seconds=0.3, redirects=1_000)
    with HttpClient(settings) as client, pytest.raises(ExchangeError, match=r"^timed out$"):
        client.request("GET", web.url(), permit=named)


def test_the_callers_deadline_counts_too(web, client, named):
    with pytest.raises(ExchangeError, match=r"^timed out$"):
        client.request("GET", web.url(), permit=named, deadline=monotonic() - 1)
    assert web.connections == 0


def test_a_resolver_that_hangs(named):
    release = Event()

    def lookup(host, port):
        release.wait()
        return ["127.0.0.1"]

    settings = HttpSettings(seconds=0.1)
    with HttpClient(settings, lookup=lookup) as client, pytest.raises(ExchangeError, match=r"^timed out$"):
        client.request("GET", "http://a.test/", permit=named)
    release.set()


def test_no_connection_is_free(web, named):
    entered = Event()

    def answer(handler):
        entered.set()
        handler.server.web.closing.wait()
        handler.close_connection = True

    web.answers["/"] = answer
    with HttpClient(HttpSettings(connections=1, seconds=60)) as client:

        def wait():
            with pytest.raises(ExchangeError, match=r"^no valid HTTP response$"):
                client.request("GET", web.url(), permit=named)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert entered.wait(60)
        with pytest.raises(ExchangeError, match=r"^timed out$"):
            client.request("GET", web.url(), permit=named, deadline=monotonic() + 0.1)
        web.closing.set()
        waiting.join()
