"""``poll_oneoff``: waits for clocks and descriptors (``witx/wasi_snapshot_preview1.witx``)."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import define, frozen

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.clocks import now
from zenowasm.wasi.descriptors import FileDescriptor, InputDescriptor, OutputDescriptor
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State
from zenowasm.wasi.types import Clock, Rights

MAX_SUBSCRIPTIONS: Final = 1024
_CLOCK, _FD_READ, _FD_WRITE = 0, 1, 2
_SUBSCRIPTION: Final = struct.Struct("<QB7xI4xQQH6x")
"""User data; kind; clock or descriptor; and, for a clock, timeout, precision and flags."""
_EVENT: Final = struct.Struct("<QHB5xQH6x")
_ABSOLUTE: Final = 1


@frozen
class _Subscription:
    """One event that a guest waits for. ``number`` is the number of a clock or a descriptor."""

    userdata: int
    kind: int
    number: int
    timeout: int
    flags: int

    def event(self, error: Errno = Errno.SUCCESS, size: int = 0) -> bytes:
        return _EVENT.pack(self.userdata, error, self.kind, size, 0)


@define
class _Poll:
    """The state of one poll: ``events`` that are ready, and ``due`` clocks with their waits in nanoseconds."""

    state: State
    events: list[bytes]
    due: list[tuple[int, _Subscription]]
    waiting: list[tuple[int, _Subscription]]
    """The host's descriptors that may not be ready yet."""

    def add_clock(self, entry: _Subscription) -> None:
        if entry.number not in (Clock.REALTIME, Clock.MONOTONIC):
            self.events.append(entry.event(Errno.INVAL))
            return
        wait = entry.timeout
        if entry.flags & _ABSOLUTE:
            wait = max(wait - now(self.state, Clock(entry.number)), 0)
        self.due.append((wait, entry))

    def add_descriptor(self, entry: _Subscription) -> None:
        try:
            descriptor = self.state.descriptors.get(entry.number, Rights.POLL_FD_READWRITE)
        except WasiError as error:
            self.events.append(entry.event(error.errno))
            return
        reading = entry.kind == _FD_READ
        if isinstance(descriptor, InputDescriptor if reading else OutputDescriptor) and descriptor.host is not None:
            self.waiting.append((descriptor.host, entry))
        elif isinstance(descriptor, FileDescriptor) and reading:
            left = os.fstat(descriptor.number).st_size - os.lseek(descriptor.number, 0, os.SEEK_CUR)
            self.events.append(entry.event(size=max(left, 0)))
        elif isinstance(descriptor, InputDescriptor):
            self.events.append(entry.event(size=descriptor.stream.available()))
        else:
            self.events.append(entry.event())

    def wait(self) -> None:
        """Wait until a subscription is ready, unless one already is, and add the events of all that are."""
        shortest = min((wait for wait, _ in self.due), default=None)
        patience = 0 if self.events else shortest
        if self.waiting:
            self._select(None if patience is None else patience / 1e9)
        elif patience is not None and not self.events:
            self.state.context.sleep(self.state.longest_wait(patience / 1e9))
        elapsed = 0 if self.events else shortest
        self.events += [entry.event() for wait, entry in self.due if elapsed is not None and wait <= elapsed]

    def _select(self, seconds: float | None) -> None:
        reading = {host for host, entry in self.waiting if entry.kind == _FD_READ}
        writing = {host for host, entry in self.waiting if entry.kind == _FD_WRITE}
        readable, writable = self.state.wait_for(reading, writing, seconds)
        for host, entry in self.waiting:
            if host in (readable if entry.kind == _FD_READ else writable):
                self.events.append(entry.event(size=1))


def poll_oneoff(state: State, memory: GuestMemory, subscriptions: int, events: int, count: int, stored: int) -> None:
    """Wait until at least one of ``count`` subscriptions of 48 bytes each is ready.

    Writes events of 32 bytes each to ``events`` and their number as a u32 to ``stored``. Pointers are checked before
    the wait. If the running call's time runs out, there may be no event.
    """
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(Errno.INVAL)
    table = memory.read(subscriptions, _SUBSCRIPTION.size * count)
    memory.check(events, _EVENT.size * count)
    memory.check(stored, 4)
    poll = _Poll(state, [], [], [])
    for userdata, kind, number, timeout, _precision, flags in _SUBSCRIPTION.iter_unpack(table):
        entry = _Subscription(userdata, kind, number, timeout, flags)
        if kind == _CLOCK:
            poll.add_clock(entry)
        elif kind in (_FD_READ, _FD_WRITE):
            poll.add_descriptor(entry)
        else:
            raise WasiError(Errno.INVAL)
    poll.wait()
    memory.write(events, b"".join(poll.events))
    memory.write_unsigned(stored, len(poll.events), 4)


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType({"poll_oneoff": poll_oneoff})
