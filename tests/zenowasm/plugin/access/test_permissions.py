"""Permissions as a whole: denied by default, by kind, by equality where it is equality."""

from __future__ import annotations

import pytest

from zenowasm.plugin.access.permissions import NetworkGrant, Permissions
from zenowasm.plugin.access.url_rules import RuleError


def test_everything_is_denied_by_default():
    none = Permissions()
    assert none.network_grant("https://a.com/") is None
    assert not none.may_access_file("x", write=False)
    assert not none.may_read_env("HOME")
    assert not none.may_use_database("default")
    assert not none.may_read_scope
    assert not none.may_write_scope


def test_each_kind_grants_only_itself():
    some = Permissions.of(env=["KEY"], database=["default"], scope=["read"], filesystem=["data:ro"])
    assert some.may_read_env("KEY")
    assert not some.may_read_env("KEY2")
    assert not some.may_read_env("key")
    assert not some.may_read_env("KE")
    assert some.may_use_database("default")
    assert not some.may_use_database("default2")
    assert some.may_read_scope
    assert not some.may_write_scope
    assert some.may_access_file("data/x", write=False)
    assert not some.may_access_file("data/x", write=True)
    assert not Permissions.of(env=["*"]).may_read_env("KEY")
    assert not Permissions.of(database=["*"]).may_use_database("default")
    assert not Permissions.of(scope=["*"]).may_read_scope


def test_a_grant_tells_whether_the_host_is_named():
    both = Permissions.of(network=["*", "http://localhost:8042/*"])
    assert both.network_grant("http://localhost:8042/x") == NetworkGrant(literal_host=True)
    assert both.network_grant("http://other/") == NetworkGrant(literal_host=False)
    assert both.network_grant("nonsense") is None
    assert Permissions.of(network=["https://a.com/*"]).network_grant("https://b.com/") is None


def test_a_rule_that_grants_nothing_is_an_error():
    with pytest.raises(RuleError):
        Permissions.of(network=["a.com"])
