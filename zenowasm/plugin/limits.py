"""Bounds on plugins: on what they may use while they run, and on what they may hand over."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen, validators

from zenowasm.interp.limits import MIB

_POSITIVE: Any = validators.optional(validators.gt(0))


@frozen
class PluginLimits:
    """Bounds on every plugin of a host, each with a default that ends a runaway guest without any configuration.

    Sizes are in bytes. ``seconds`` is the wall clock of one slot call (of one phase while loading), ``fuel`` its
    units of the instruction table or ``None`` for no bound. ``reply_bytes`` bounds what is read of a guest's JSON and
    cannot be less than 1 MiB (ABI document, section "Guest exports").
    """

    seconds: float | None = field(default=10.0, validator=_POSITIVE)
    fuel: int | None = field(default=None, validator=_POSITIVE)
    memory_bytes: int = field(default=100 * MIB, validator=validators.ge(0))
    binary_bytes: int = 256 * MIB
    reply_bytes: int = field(default=MIB, validator=validators.ge(MIB))
    request_bytes: int = 16 * MIB
    """Of one call's request, and of one reply of a host function."""
    host_request_bytes: int = 16 * MIB
    """Of the JSON that a guest passes to a host function."""
    key_bytes: int = 64 * 1024
    """Of a key, a path or a name that a guest passes to a host function."""
    log_message_bytes: int = 64 * 1024
    """Of one log message; a longer one is cut, and says so."""
    log_bytes: int = MIB
    """Of all log messages of one call together; what comes after is dropped, and one message says so."""
    plugins: int = 1_000
    slots: int = 1_000
    """Of one plugin."""
    async_threads: int = field(default=4, validator=validators.ge(1))
    async_pending: int = field(default=1_000, validator=validators.ge(1))
