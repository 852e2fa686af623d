"""The parts of a URL, and that no other parser sees another host in a text that is accepted."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zenowasm.resources.http.url import parse_url, without_password

PIECES = ["http", "https", "HTTP", "://", ":", "/", "//", "@", "?", "#", "\\", ".", "..", "%2e", "%40", "%2f", "[", "]",
          "::1", "a.com", "evil.org", "127.1", "0x7f.1", "80", "443", "8080", "0", "user", "\t", "\n", " ", ";", "&",
          "=", "_", "-", "ä", "。", "xn--a", "*", "|", "^", "`"]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.lists(
    st.sampled_from(PIECES) | st.text(max_size=2), max_size=8
).map(lambda pieces: "http://" + "".join(pieces))


@given(texts)
@example("http://a.com@evil.org/")
@example("http://a.com:80@evil.org:8080/?@a.com#@a.com")
@example("http://[::1]:80/")
@example("http://xn--a")
def test_no_other_parser_sees_another_host_or_port(text):
    url = parse_url(text)
    if url is None:
        return
    judged = (url.scheme, url.host.strip("[]"), url.port)
    default = {"http": 80, "https": 443}[url.scheme]
    with suppress(httpx.InvalidURL):  # a parser that refuses the text sees no other host
        other = httpx.URL(text)
        assert judged == (other.scheme, other.raw_host.decode(), other.port or default)
    split = urlsplit(text)
    assert judged == (split.scheme, split.hostname, split.port or default)


@given(texts)
def test_the_text_of_a_url_is_that_url_without_its_user(text):
    url = parse_url(text)
    if url is None:
        return
    again = parse_url(url.text)
    assert again is not None
    assert (again.origin, again.target, again.segments, again.user) == (url.origin, url.target, url.segments, None)


@pytest.mark.parametrize(
    ("text", "authority", "target"),
    [
        ("http://a.com", "a.com", "/"),
        ("HTTP://A.com:80/X?y#z", "a.com", "/X?y"),
        ("https://a.com:443", "a.com", "/"),
        ("https://a.com:80/%7e", "a.com:80", "/%7e"),
        ("http://u:p@a.com?q", "a.com", "/?q"),
        ("http://[0:0::1]:8080/", "[::1]:8080", "/"),
    ],
)
def test_authority_and_target(text, authority, target):
    url = parse_url(text)
    assert (url.authority, url.target) == (authority, target)


@pytest.mark.parametrize(
    "host", ["a" * 64 + ".com", ".".join(["a" * 50] * 6), "a..b", ".a", "a..", ".", "-a.com", "a.com-"]
)
def test_names_that_no_resolver_knows(host):
    assert parse_url(f"http://{host}/") is None


@pytest.mark.parametrize(("text", "host"), [("http://localhost./x", "localhost"), ("http://A.com.:8080", "a.com")])
def test_a_trailing_dot_says_that_the_name_is_whole(text, host):
    assert parse_url(text).host == host


def test_passwords_are_not_shown():
    assert "secret" not in repr(parse_url("http://user:secret@a.com/"))
    assert without_password("http://user:secret@a.com/@x") == "http://user:***@a.com/@x"
    assert without_password("http://user:se@cr:et@a.com/") == "http://user:***@a.com/"
    for text in ("http://a.com/x:y@z", "http://a.com:80/x@y", "http://a@b/", "http://a.com?x:y@z", "nonsense"):
        assert without_password(text) == text
