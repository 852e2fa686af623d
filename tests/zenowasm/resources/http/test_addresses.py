"""Which addresses are public: every entry of the IANA registries from both ends, and names that hide them."""

from __future__ import annotations

from ipaddress import ip_address
from threading import Event
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.resources.http.addresses import Resolver, is_public, not_public, system_lookup, time_left


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
     "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
     "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860::8888",
     "2003::1", "2a00::1"],
)  # fmt: skip
def test_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
     "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.8", "192.0.2.1",
     "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9",
     "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8",
     "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1",
     "2001:0:4136:e378::", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1",
     "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1"],
)  # fmt: skip
def test_not_public(address):
    assert not is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_no_spelling_of_an_ipv4_address_as_ipv6_is_public(address):
    number = int(address)
    for prefix, shift in ((0xFFFF << 32, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80), (0, 0)):
        assert not is_public(ip_address((prefix | number << shift).to_bytes(16, "big")))


@given(st.ip_addresses())
def test_what_is_public_is_global_to_python_too(address):
    # Python's tables let more through than these, in some releases, but nothing that these refuse.
    assert address.is_global or not is_public(address)


def test_the_lowest_address_that_is_not_public_is_named():
    assert not_public(["::1", "8.8.8.8", "10.0.0.2", "10.0.0.1"]) == "10.0.0.1"
    assert not_public(["8.8.8.8", "fe80::1"]) == "fe80::1"
    assert not_public(["8.8.8.8"]) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_numeric_spellings_are_what_the_system_makes_of_them(host):
    assert system_lookup(host, 80) == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["a" * 63 + ".invalid", "xn--a.invalid", "no.such.host.invalid"])
def test_a_host_without_addresses_is_an_os_error(host):
    with pytest.raises(OSError, match=r"."):
        system_lookup(host, 80)


def test_a_moment_that_has_passed_leaves_no_time():
    assert 0 < time_left(monotonic() + 60) <= 60
    with pytest.raises(TimeoutError):
        time_left(monotonic())


class Hanging:
    """A lookup that hangs for names with ``slow`` in them, until it is released."""

    def __init__(self):
        self.release, self.entered = Event(), []

    def __call__(self, host, port):
        self.entered.append(host)
        if "slow" in host:
            self.release.wait()
        return ["192.0.2.1"]


def test_lookups_that_hang_cost_no_more_than_their_threads():
    lookup = Hanging()
    resolver = Resolver(8, lookup)
    for owner in "abcd":
        for _ in range(2):
            with pytest.raises(TimeoutError):
                resolver.addresses("slow", 80, monotonic() + 0.05, owner)
    with pytest.raises(TimeoutError):  # no thread is free, so the ninth is not even begun
        resolver.addresses("slow", 80, monotonic() + 0.05, "e")
    assert lookup.entered == ["slow"] * 8
    lookup.release.set()
    assert resolver.addresses("fast", 80, monotonic() + 60, "a") == ["192.0.2.1"]


def test_lookups_that_hang_cost_their_owner_alone():
    lookup = Hanging()
    resolver = Resolver(16, lookup)
    for number in range(16):
        with pytest.raises(TimeoutError):
            resolver.addresses(f"slow{number}", 80, monotonic() + 0.05, "greedy")
    assert len(lookup.entered) == 4
    assert resolver.addresses("fast", 80, monotonic() + 60, "other") == ["192.0.2.1"]
    lookup.release.set()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2001:db8::2"])
def test_a_literal_address_needs_no_lookup(host):
    def lookup(host, port):
        raise AssertionError(host)

    assert Resolver(1, lookup).addresses(host, 80, monotonic() + 60) == [host]


def test_whatever_a_resolver_raises_is_one_error_at_once(capfd):
    def lookup(host, port):
        raise LookupError("patched")

    began = monotonic()
    with pytest.raises(OSError, match="the name cannot be looked up: LookupError: patched"):
        Resolver(1, lookup).addresses("a", 80, began + 60)
    assert monotonic() - began < 30
    assert capfd.readouterr().err == ""


def test_a_failed_lookup_frees_its_thread():
    def lookup(host, port):
        raise OSError("no")

    resolver = Resolver(1, lookup)
    for _ in range(3):
        with pytest.raises(OSError, match="no"):
            resolver.addresses("a", 80, monotonic() + 60)
