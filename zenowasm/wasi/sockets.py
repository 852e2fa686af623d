"""``sock_*``: guests never receive a socket, so every call fails."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State


def _no_socket(state: State, _: GuestMemory, fd: int, *_arguments: int) -> None:
    """Fail with ``BADF`` if the descriptor is not open, else with ``NOTSOCK``."""
    state.descriptors.get(fd)
    raise WasiError(Errno.NOTSOCK)


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    dict.fromkeys(("sock_accept", "sock_recv", "sock_send", "sock_shutdown"), _no_socket)
)
