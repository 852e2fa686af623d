"""``sock_*``: no guest is ever given a socket, so every descriptor is something else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State


def _no_socket(state: State, _: GuestMemory, fd: int, *_arguments: int) -> None:
    """Answer ``BADF`` for what is not open, else ``NOTSOCK``."""
    state.descriptors.get(fd)
    raise WasiError(Errno.NOTSOCK)


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    dict.fromkeys(("sock_accept", "sock_recv", "sock_send", "sock_shutdown"), _no_socket)
)
