"""File permissions: by segment, inside the root, read-only where it says so."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.access.path_rules import PathRule, clean_path
from zenowasm.plugin.access.url_rules import RuleError


def allowed(rule: str, path: str, *, write: bool = False) -> bool:
    return PathRule.parse(rule).matches(path, write=write)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("data", "data"),
        ("data", "data/x"),
        ("data/*", "data/x/y"),
        ("./data/*", "data/x"),
        ("data/", "./data//x"),
        ("data", "other/../data/x"),
        ("*", "anything/at/all"),
        ("./*", "x"),
        ("a/b", "a/b/c"),
        ("data:ro", "data/x"),
        ("data/..x", "data/..x"),
    ],
)
def test_allowed(rule, path):
    assert allowed(rule, path)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("data", "database"),
        ("data", "database/x"),
        ("data/*", "data2/x"),
        ("data", "data/../secret"),
        ("data", "data/../../x"),
        ("data", "/data/x"),
        ("data", "Data/x"),
        ("data", "data\\..\\x"),
        ("data", "data\0/x"),
        ("data", ""),
        ("*", "../x"),
        ("*", "/etc/passwd"),
        ("*", "a/../.."),
        ("*", "."),
        ("*", "C:/x"),
        ("*", "x/" * 4000),
        ("a/b", "a"),
        ("a/b", "a/c"),
    ],
)
def test_refused(rule, path):
    assert not allowed(rule, path)
    assert not allowed(rule, path, write=True)


def test_read_only_and_read_write():
    assert not allowed("data:ro", "data/x", write=True)
    assert not allowed("data/*:ro", "data/x", write=True)
    assert allowed("data/*:ro", "data/x")
    for rule in ("data", "data:rw", "data/*:rw", "*"):
        assert allowed(rule, "data/x", write=True)


@pytest.mark.parametrize("rule", ["", "/tmp/x", "../x", "a/*/b", "*.txt", "/*", "a/../..", ":ro"])
def test_rules_that_can_grant_nothing_are_errors(rule):
    with pytest.raises(RuleError):
        PathRule.parse(rule)


parts = st.lists(st.sampled_from(["a", "b", "data", "..", ".", "", "x.y"]), max_size=6)


@given(parts)
def test_cleaning_agrees_with_posix(segments):
    path = "/".join(segments)
    cleaned = clean_path(path)
    normal = posixpath.normpath(path) if path else ""
    if not path or path.startswith("/") or normal.split("/")[0] == "..":
        assert cleaned is None
    elif cleaned is not None:
        assert "/".join(cleaned) == ("" if normal == "." else normal)
        assert ".." not in cleaned
    else:
        # A path that leaves the root and comes back is refused, though normpath forgives it.
        assert ".." in segments


@given(parts, parts)
def test_a_rule_covers_itself_and_what_is_below(base, below):
    rule = clean_path("/".join(base))
    path = clean_path("/".join(base + below))
    if rule and path:
        assert allowed("/".join(rule), "/".join(path)) == (path[: len(rule)] == rule)
