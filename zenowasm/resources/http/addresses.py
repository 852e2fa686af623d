"""Classifies public addresses, and resolves names in bounded time."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Condition, Thread
from time import monotonic
from typing import Final

Lookup = Callable[[str, int], Sequence[str]]
"""A function from a host and a port to at least one address, in the order to try; raises ``OSError``."""
Resolve = Callable[[str, int, float], Sequence[str]]
"""Such a function with a deadline, a time of ``time.monotonic``; raises ``OSError``, including ``TimeoutError``."""

# The IANA registries of special-purpose addresses. Python's ``is_global`` uses different tables in each release, and
# considers NAT64 and multicast addresses global.
_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "169.254.0.0/16",  # link-local, RFC 3927; cloud metadata services
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved, RFC 1112; limited broadcast, RFC 919
    )
)
# Global unicast is 2000::/3 (RFC 4291). Loopback, mapped IPv4, NAT64, unique local, link-local and multicast addresses
# are all outside it.
_GLOBAL_UNICAST_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments and Teredo, RFC 2928 and RFC 4380
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, which can contain any IPv4 address, RFC 3056
        "3fff::/20",  # documentation, RFC 9637
    )
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is a single public host, in none of the special-purpose registries."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)


def not_public(addresses: Sequence[str]) -> str | None:
    """Return the lowest of the addresses that are not public, ``None`` if all are public."""
    found = [parsed for parsed in map(ip_address, addresses) if not is_public(parsed)]
    return str(min(found, key=lambda address: (address.version, int(address)))) if found else None


def time_left(deadline: float) -> float:
    """Return the seconds until ``deadline``, a time of ``time.monotonic``; raises ``TimeoutError`` if it has passed."""
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def system_lookup(host: str, port: int) -> Sequence[str]:
    """Call the system's resolver, which also accepts numeric forms such as ``0x7f.1``; raises ``OSError``."""
    # As bytes, because Python first encodes text with IDNA, whose errors are not OSErrors.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Resolver:
    """A resolver with deadlines that uses at most ``threads`` threads, a quarter of them for one owner.

    The system's resolver cannot be interrupted. If a caller times out, its thread stays occupied until the lookup ends.
    A DNS server that does not answer therefore occupies at most these threads, and only the share of the affected
    owner. A literal address needs no lookup.
    """

    def __init__(self, threads: int, lookup: Lookup = system_lookup) -> None:
        self._threads = threads
        self._share = max(1, threads // 4)
        self._busy: Counter[str] = Counter()
        self._freed = Condition()
        self._lookup = lookup

    def addresses(self, host: str, port: int, deadline: float, owner: str = "") -> Sequence[str]:
        """Return the addresses of ``host``; raises ``OSError``, including ``TimeoutError`` at the deadline."""
        if _is_address(host):
            return [host]
        with self._freed:
            if not self._freed.wait_for(lambda: self._has_place(owner), time_left(deadline)):
                raise TimeoutError
            self._busy[owner] += 1
        answer: Future[Sequence[str]] = Future()
        # A daemon, so that a hanging lookup does not keep the process from ending.
        thread = Thread(target=self._run, args=(answer, host, port, owner), name="zenowasm-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no thread can be started
            self._free(owner)
            raise OSError(f"the name cannot be looked up: {error}") from error
        return answer.result(timeout=time_left(deadline))

    def _has_place(self, owner: str) -> bool:
        return self._busy[owner] < self._share and self._busy.total() < self._threads

    def _run(self, answer: Future[Sequence[str]], host: str, port: int, owner: str) -> None:
        try:
            answer.set_result(self._lookup(host, port))
        except OSError as error:
            answer.set_exception(error)
        except Exception as error:  # noqa: BLE001 - a replaced resolver may raise anything; the caller receives it
            answer.set_exception(OSError(f"the name cannot be looked up: {type(error).__name__}: {error}"))
        finally:
            self._free(owner)

    def _free(self, owner: str) -> None:
        with self._freed:
            self._busy[owner] -= 1
            if not self._busy[owner]:
                del self._busy[owner]
            self._freed.notify_all()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
