"""URL permissions: what they admit, and every known way around a prefix match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.access.url_rules import RuleError, UrlRule
from zenowasm.resources.http.url import parse_url


def allowed(rule: str, url: str) -> bool:
    parsed = parse_url(url)
    return parsed is not None and UrlRule.parse(rule).matches(parsed)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("*", "https://anything.example/at/all?q#f"),
        ("*", "http://user:password@host/"),
        ("*", "https://a.com/x/../y"),
        ("https://a.com/*", "https://a.com"),
        ("https://a.com/*", "https://a.com/"),
        ("https://a.com/*", "https://a.com/v1/charges?limit=3#x"),
        ("https://a.com/*", "HTTPS://A.COM:443/v1"),
        ("https://a.com/*", "https://a.com?q=1"),
        ("https://a.com/v1/*", "https://a.com/v1/charges"),
        ("https://a.com/v1/*", "https://a.com/v1"),
        ("https://a.com/v1/*", "https://a.com/%761/charges"),
        ("http://localhost:8042/*", "http://localhost:8042/instances"),
        ("https://a.com/x", "https://a.com/x"),
        ("https://a.com", "https://a.com/"),
        ("https://a.com/x?q=1", "https://a.com/x?q=1"),
        ("http://[::1]:80/*", "http://[0:0:0:0:0:0:0:1]/x"),
    ],
)
def test_allowed(rule, url):
    assert allowed(rule, url)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("https://a.com/*", "https://a.com.evil/"),
        ("https://a.com/*", "https://a.com@evil/"),
        ("https://a.com/*", "https://a.com:x@evil/"),
        ("https://a.com/*", "https://user@a.com/"),
        ("https://a.com/*", "https://a.comevil/"),
        ("https://a.com/*", "https://evil.a.com/"),
        ("https://a.com/*", "https://a.com:8443/"),
        ("https://a.com/*", "http://a.com/"),
        ("https://a.com/*", "https://a.com../"),
        ("https://a.com/*", "https://a.com\\@evil/"),
        ("https://a.com/*", "https://evil\\.a.com/"),
        ("https://a.com/*", "https://a.com\t.evil/"),
        ("https://a.com/*", "https://a.com\n/"),
        ("https://a.com/*", " https://a.com/"),
        ("https://a.com/*", "https:/a.com/"),
        ("https://a.com/*", "https:a.com/"),
        ("https://a.com/*", "//a.com/"),
        ("https://a.com/*", "https://a%2ecom/"),
        ("https://a.com/*", "https://a。com/"),
        ("https://a.com/*", "https://evil/https://a.com/"),
        ("https://a.com/*", "https://evil?https://a.com/"),
        ("https://a.com/*", "https://evil#@a.com/"),
        ("https://a.com/v1/*", "https://a.com/v10"),
        ("https://a.com/v1/*", "https://a.com/v1/../admin"),
        ("https://a.com/v1/*", "https://a.com/v1/%2e%2e/admin"),
        ("https://a.com/v1/*", "https://a.com/v1/.%2E/admin"),
        ("https://a.com/v1/*", "https://a.com/v1/%252e%252e/admin"),
        ("https://a.com/v1/*", "https://a.com/v1/..;/admin"),
        ("https://a.com/v1/*", "https://a.com/v1/..%2fadmin"),
        ("https://a.com/v1/*", "https://a.com/v1/x%5c..%5cadmin"),
        ("https://a.com/v1/*", "https://a.com/V1/x"),
        ("https://a.com/v1/*", "https://a.com//v1/x"),
        ("https://a.com/v1/*", "https://a.com/"),
        ("https://a.com/x", "https://a.com/x/y"),
        ("https://a.com/x", "https://a.com/x?q=1"),
        ("https://a.com", "https://a.com/x"),
        ("*", "ftp://a.com/"),
        ("*", "file:///etc/passwd"),
        ("*", "javascript:alert(1)"),
        ("*", "https://"),
        ("*", "https://a.com:0/"),
        ("*", "https://a.com:99999/"),
        ("*", "https://a.com:443x/"),
        ("*", "https://[::1"),
        ("*", "https://[1.2.3.4]/"),
        ("*", "https://a..b/"),
        ("*", "https://a.com/" + "x" * 20_000),
        ("*", ""),
    ],
)
def test_refused(rule, url):
    assert not allowed(rule, url)


@pytest.mark.parametrize(
    "rule",
    ["", "a.com", "a.com/*", "https://*.a.com/*", "https://a.com/*/x", "ftp://a.com/*", "**", "https://u@a.com/*",
     "https://a.com/../*", "https://a.com/?q/*", "/*", "https://*"],
)  # fmt: skip
def test_rules_that_can_grant_nothing_are_errors(rule):
    with pytest.raises(RuleError):
        UrlRule.parse(rule)


hosts = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){0,2}", fullmatch=True)
segments = st.lists(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True), max_size=4)


@given(hosts, segments, hosts, segments)
def test_a_prefix_rule_is_about_host_and_segments(host, base, other, path):
    rule = "https://" + "/".join([host, *base]) + "/*"
    url = "https://" + "/".join([other, *path])
    assert allowed(rule, url) == (host == other and path[: len(base)] == base)


@given(hosts, st.text(max_size=20))
def test_nothing_after_the_host_changes_the_host(host, tail):
    parsed = parse_url(f"https://{host}/{tail}")
    assert parsed is None or parsed.host == host


@given(hosts, st.text(min_size=1, max_size=10))
def test_only_the_host_itself_matches(host, tail):
    parsed = parse_url(f"https://{host}{tail}")
    if parsed is not None and UrlRule.parse(f"https://{host}/*").matches(parsed):
        assert tail.removeprefix(".")[0] in "/?#" or tail.removeprefix(".").startswith(":443")
