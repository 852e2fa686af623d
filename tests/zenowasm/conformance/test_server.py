"""The server of the scenarios, asked by a client that is not ours."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from zenowasm.conformance.server import web_server


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


@pytest.fixture(scope="module")
def url():
    with web_server() as url:
        yield url


def ask(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_echo(url):
    status, _, body = ask(f"{url}/echo", "PUT", b"body", {"Content-Type": "text/x", "X-A": "1", "Other": "2"})
    heard = {"method": "PUT", "type": "text/x", "headers": {"X-A": "1"}, "body": "body"}
    assert (status, json.loads(body)) == (200, heard)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/text?say=hello", 200, b"hello"),
        ("/bytes/5", 200, b"xxxxx"),
        ("/binary", 200, b"\xff\xfe\x00"),
        ("/status/418", 418, b'{"code":418}'),
        ("/status/204", 204, b""),
        ("/nowhere", 404, b"not found"),
    ],
)
def test_fixed_answers(url, path, status, body):
    found_status, _, found = ask(url + path)
    assert (found_status, found) == (status, body)


def test_redirects(url):
    status, headers, _ = ask(f"{url}/redirect/307?to=/text")
    assert (status, headers["Location"]) == (307, "/text")


def test_a_bomb_is_small_on_the_wire(url):
    status, headers, body = ask(f"{url}/bomb")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert len(body) < 100_000


def test_it_ends_at_once_while_it_is_answering_slowly():
    with web_server() as url, pytest.raises(OSError, match="timed out"):
        urllib.request.urlopen(f"{url}/slow", timeout=0.05)
