"""The HTTP client against real servers on loopback: what arrives, what is refused, and what a hostile server can do."""

from __future__ import annotations

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest
from support.web import serving

from zenowasm.resources import http_connection
from zenowasm.resources.http import HttpClient, HttpSettings
from zenowasm.resources.http_errors import (
    ExchangeError,
    HttpSettingsError,
    InvalidRequestError,
    NotPermittedError,
    NotPublicError,
    UnreadableResponseError,
)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_request_and_its_response(web, client, named):
    web.answers["/x"] = lambda handler: handler.respond(201, b"made", X_One="1")
    response = client.request("post", web.url("/x?q=%20#f"), [("X-Key", "ä")], b"body", permit=named)
    assert (response.status, response.body) == (201, b"made")
    assert ("X-One", "1") in response.headers
    (seen,) = web.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/x?q=%20", b"body")
    assert seen.headers == {
        "host": f"127.0.0.1:{web.port}",
        "accept": "*/*",
        "accept-encoding": "gzip",
        "user-agent": "zenowasm",
        "content-length": "4",
        "x-key": "ä".encode().decode("latin-1"),
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods(web, client, named, method):
    def answer(handler):
        handler.respond(200, b"" if handler.command == "HEAD" else b"yes", Content_Length="3")

    web.answers["/"] = answer
    response = client.request(method, web.url(), permit=named)
    assert (response.status, response.body) == (200, b"" if method == "HEAD" else b"yes")
    assert web.seen[0].method == method


@pytest.mark.parametrize("status", [204, 304, 404, 500, 300, 302])
def test_every_status_is_a_response(web, client, named, status):
    web.answers["/"] = lambda handler: handler.respond(status)
    assert client.request("GET", web.url(), permit=named).status == status


def test_bodies_in_chunks_and_bodies_that_end_with_the_connection(web, client, named):
    web.answers["/chunks"] = lambda handler: handler.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n"
    )
    web.answers["/close"] = lambda handler: handler.raw(b"HTTP/1.0 200 OK\r\n\r\nabcdefg")
    assert client.request("GET", web.url("/chunks"), permit=named).body == b"abcdefg"
    assert client.request("GET", web.url("/close"), permit=named).body == b"abcdefg"


def test_a_connection_is_used_again(web, client, named):
    web.answers["/"] = lambda handler: handler.respond(200, b"x")
    for _ in range(3):
        client.request("GET", web.url(), permit=named)
    assert web.connections == 1
    client.close()
    client.request("GET", web.url(), permit=named)
    assert web.connections == 2


def hanging_up(handler):
    """Answers the first request of a connection as if more could follow, and hangs up when the second one arrives."""
    handler.respond(200, b"first")
    handler.raw_requestline = handler.rfile.readline()
    handler.close_connection = True


def test_a_connection_that_breaks_is_replaced(web, client, named):
    web.answers["/"] = hanging_up
    for method in ("GET", "PUT", "DELETE"):
        assert client.request(method, web.url(), permit=named).body == b"first"
    assert web.connections == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_done_is_not_sent_again(web, client, named, method):
    web.answers["/"] = hanging_up
    client.request("GET", web.url(), permit=named)
    with pytest.raises(ExchangeError, match=r"^(no valid HTTP response|connection closed by the server)$"):
        client.request(method, web.url(), permit=named)
    assert web.connections == 1


def test_a_new_connection_that_breaks_is_an_error(web, client, named):
    web.answers["/"] = lambda handler: handler.raw(b"")
    with pytest.raises(ExchangeError, match=r"^no valid HTTP response$"):
        client.request("GET", web.url(), permit=named)
    assert web.connections == 1


def test_threads_share_a_client(web, named):
    web.answers["/"] = lambda handler: handler.respond(200, handler.headers["X-Number"].encode())
    with HttpClient(HttpSettings(connections=3)) as client, ThreadPoolExecutor(8) as pool:

        def ask(number):
            return client.request("GET", web.url(), [("X-Number", str(number))], permit=named).body

        assert list(pool.map(ask, range(64))) == [str(number).encode() for number in range(64)]
    assert web.connections <= 3


def test_no_cookies_no_proxies_and_no_passwords_of_the_machine(web, client, named, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    web.answers["/"] = lambda handler: handler.respond(200, Set_Cookie="a=1; Path=/")
    for _ in range(2):
        client.request("GET", web.url(), permit=named)
    assert not {"cookie", "authorization"} & web.seen[1].headers.keys()


def test_the_user_of_a_url_becomes_a_header(web, client, named):
    web.answers["/"] = lambda handler: handler.respond(200)
    url = web.url().replace("//", "//us%65r:p%40ss@")
    client.request("GET", url, permit=named)
    client.request("GET", url, [("authorization", "own")], permit=named)
    assert [seen.headers["authorization"] for seen in web.seen] == ["Basic dXNlcjpwQHNz", "own"]  # RFC 7617, 2


def test_the_first_url_is_asked_for(web, client):
    with pytest.raises(NotPermittedError):
        client.request("GET", web.url(), permit=lambda url: None)
    assert web.connections == 0


# What a request may be


@pytest.mark.parametrize("method", ["", "TRACE", "CONNECT", "GET /", "G\r\nX: y", "PRI", "get2"])
def test_methods_that_are_not_supported(client, named, method):
    with pytest.raises(InvalidRequestError, match=r"^method not supported; expected one of GET, "):
        client.request(method, "http://127.0.0.1/", permit=named)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("", "x", "a header's name is not a token"),
        ("A B", "x", "a header's name is not a token"),
        ("A:", "x", "a header's name is not a token"),
        ("A\r\nHost", "x", "a header's name is not a token"),
        ("ä", "x", "a header's name is not a token"),
        ("A", "x\r\nHost: evil", "header a has a control character"),
        ("A", "x\n", "header a has a control character"),
        ("A", "x\0", "header a has a control character"),
    ],
)
def test_headers_that_are_not_http(client, named, name, value, message):
    with pytest.raises(InvalidRequestError) as caught:
        client.request("GET", "http://127.0.0.1/", [(name, value)], permit=named)
    assert str(caught.value) == message


def test_headers_that_are_not_the_callers(web, client, named):
    web.answers["/"] = lambda handler: handler.respond(200)
    names = ["Host", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade",
             "Expect", "Proxy-Authorization", "PROXY-Connection"]  # fmt: skip
    client.request("PUT", web.url(), [(name, "7") for name in names], b"abc", permit=named)
    headers = web.seen[0].headers
    assert headers.keys() == {"host", "accept", "accept-encoding", "user-agent", "content-length"}
    assert (headers["host"], headers["content-length"]) == (f"127.0.0.1:{web.port}", "3")


@pytest.mark.parametrize(
    ("settings", "headers", "body", "message"),
    [
        (HttpSettings(request_bytes=3), [], b"1234", "the body is longer than the limit of 3 bytes"),
        (HttpSettings(headers=1), [("a", ""), ("b", "")], b"", "more than the limit of 1 headers"),
        (HttpSettings(header_bytes=9), [("abcde", "fghij")], b"", "headers longer than the limit of 9 bytes"),
    ],
)
def test_requests_are_bounded(named, settings, headers, body, message):
    with HttpClient(settings) as client, pytest.raises(InvalidRequestError) as caught:
        client.request("POST", "http://127.0.0.1/", headers, body, permit=named)
    assert str(caught.value) == message


@pytest.mark.parametrize("url", ["", "ftp://a.com/", "http://a.com\\@b/", "http://a b/", "http://[::1", "/x"])
def test_urls_that_are_not_safe_to_judge(client, named, url):
    with pytest.raises(InvalidRequestError, match="not an http or https URL"):
        client.request("GET", url, permit=named)


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
    assert str(caught.value) == "redirect to what is not an http or https URL without a user name"


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


# Settings


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("zenowasm.resources.http.find_spec", lambda name: None)
    with pytest.raises(HttpSettingsError, match=r"pip install 'zenowasm\[http\]'"):
        HttpClient()


def test_a_file_of_certificates_that_cannot_be_used(tmp_path):
    with pytest.raises(HttpSettingsError, match=r"^ca_file: .*none.pem: No such file or directory$"):
        HttpClient(HttpSettings(ca_file=tmp_path / "none.pem"))
    (tmp_path / "empty.pem").write_text("not a certificate")
    with pytest.raises(HttpSettingsError, match=r"^ca_file: .*empty.pem: no certificates in PEM$"):
        HttpClient(HttpSettings(ca_file=tmp_path / "empty.pem"))


@pytest.mark.parametrize("name", ["seconds", "request_bytes", "response_bytes", "connections", "resolvers"])
def test_settings_that_allow_nothing(name):
    with pytest.raises(ValueError, match=name):
        HttpSettings(**{name: 0})
