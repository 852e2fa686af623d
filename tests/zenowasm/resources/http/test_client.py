"""The HTTP client against real servers on loopback: what is sent, what arrives, and which connections are used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from zenowasm.resources.http.client import HttpClient, HttpSettings
from zenowasm.resources.http.errors import (
    ExchangeError,
    HttpSettingsError,
    InvalidRequestError,
    NotPermittedError,
)


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


@pytest.mark.parametrize(
    ("method", "first"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 None\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
    ],
)
def test_a_response_that_nobody_asked_for_is_not_the_next_one(web, client, named, method, first):
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra"
    web.answers["/first"] = lambda handler: handler.wfile.write(first + extra)
    web.answers["/next"] = lambda handler: handler.respond(200, b"next")
    client.request(method, web.url("/first"), permit=named)
    assert client.request("GET", web.url("/next"), permit=named).body == b"next"
    assert web.connections == 2


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


# Settings


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("zenowasm.resources.http.client.find_spec", lambda name: None)
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
