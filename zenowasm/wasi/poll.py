"""``poll_oneoff``: sleeping, and streams that are always ready (``witx/wasi_snapshot_preview1.witx``)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.errno import Errno

MAX_SUBSCRIPTIONS: Final = 1024
_SUBSCRIPTION_BYTES: Final = 48
_EVENT_BYTES: Final = 32
MAX_SLEEP_NS: Final = 24 * 3600 * 10**9
"""The longest sleep of one call; a guest that asked for more wakes early, as POSIX permits."""
_CLOCK, _FD_READ, _FD_WRITE = 0, 1, 2
_REALTIME, _MONOTONIC = 0, 1
_ABSOLUTE: Final = 1


def poll(
    context: WasiContext,
    open_descriptors: Collection[int],
    memory: GuestMemory,
    subscriptions: int,
    events: int,
    count: int,
    stored: int,
) -> Errno:
    """Answer the ``count`` subscriptions of 48 bytes each, sleeping first when all of them are clocks.

    Writes events of 32 bytes each to ``events`` and their number as a u32 to ``stored``. Raises ``MemoryFaultError``
    for a bad pointer, before anything has been waited for.
    """
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        return Errno.INVAL
    table = memory.read(subscriptions, _SUBSCRIPTION_BYTES * count)
    memory.check(events, _EVENT_BYTES * count)
    memory.check(stored, 4)
    ready: list[bytes] = []
    timers: list[tuple[int, bytes]] = []
    for start in range(0, len(table), _SUBSCRIPTION_BYTES):
        entry = table[start : start + _SUBSCRIPTION_BYTES]
        kind = entry[8]
        if kind == _CLOCK:
            wait = _remaining(context, entry)
            if wait is None:
                ready.append(_event(entry, Errno.INVAL))
            else:
                timers.append((wait, _event(entry, Errno.SUCCESS)))
        elif kind in (_FD_READ, _FD_WRITE):
            known = _unsigned(entry, 16, 4) in open_descriptors
            ready.append(_event(entry, Errno.SUCCESS if known else Errno.BADF))
        else:
            return Errno.INVAL
    if timers and not ready:
        shortest = min(wait for wait, _ in timers)
        context.sleep(min(shortest, MAX_SLEEP_NS) / 1e9)
        ready = [event for wait, event in timers if wait <= shortest]
    memory.write(events, b"".join(ready))
    memory.write_unsigned(stored, len(ready), 4)
    return Errno.SUCCESS


def _remaining(context: WasiContext, entry: bytes) -> int | None:
    """Return the nanoseconds until a clock subscription is due, ``None`` when its clock is unknown."""
    clock = _unsigned(entry, 16, 4)
    timeout = _unsigned(entry, 24, 8)
    if clock not in (_REALTIME, _MONOTONIC):
        return None
    if not _unsigned(entry, 40, 2) & _ABSOLUTE:
        return timeout
    now = context.realtime() if clock == _REALTIME else context.monotonic()
    return max(timeout - now, 0)


def _event(entry: bytes, error: Errno) -> bytes:
    # userdata u64, error u16, type u8, padding, then bytes available and flags of a descriptor, both 0
    return entry[:8] + int(error).to_bytes(2, "little") + entry[8:9] + bytes(_EVENT_BYTES - 11)


def _unsigned(entry: bytes, offset: int, width: int) -> int:
    return int.from_bytes(entry[offset : offset + width], "little")
