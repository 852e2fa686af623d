"""The snapshots of a replay, from which it runs to any time between them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from attrs import define, field, frozen

from zenowasm.recordings.replaying import SavedRun
from zenowasm.timetravel.times import Time

MIB = 1 << 20


@frozen(eq=False)
class Snapshot:
    """A saved run, and its time."""

    time: Time
    run: SavedRun


@frozen
class HistoryLimits:
    """The bounds of a history: its snapshots, their memory in bytes, and the least fuel between two of them.

    When one of the first two is exceeded, every second snapshot goes, and the distance is doubled.
    """

    snapshots: int = 64
    memory: int = 512 * MIB
    distance: int = 200_000


@define(eq=False)
class History:
    """Snapshots in the order of their times; the first one is kept for ever, and one more where one has been last."""

    limits: HistoryLimits = field(factory=HistoryLimits)
    distance: int = field(init=False)
    _kept: list[Snapshot] = field(factory=list, init=False)
    _near: Snapshot | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.distance = self.limits.distance

    def __len__(self) -> int:
        return len(self._kept) + (self._near is not None)

    def __iter__(self) -> Iterator[Snapshot]:
        yield from sorted([*self._kept, *([] if self._near is None else [self._near])], key=_time)

    @property
    def memory(self) -> int:
        """The bytes that all snapshots hold together."""
        pages = {
            id(page): len(page)
            for snapshot in self
            for player in snapshot.run.players.values()
            if player.store is not None
            for memory in player.store.state.memories.values()
            for page in memory
        }
        return sum(pages.values())

    def due(self, fuel: int) -> bool:
        """Return whether a snapshot is due at a time."""
        return not self._kept or fuel >= self.next

    @property
    def next(self) -> int:
        """The fuel at which the next snapshot is due, when the replay gets there."""
        return self._kept[-1].time.fuel + self.distance if self._kept else 0

    def add(self, snapshot: Snapshot) -> None:
        """Add a snapshot; the limits may let others go."""
        insort(self._kept, snapshot, key=_time)
        while len(self._kept) > 2 and (len(self._kept) > self.limits.snapshots or self.memory > self.limits.memory):
            self._kept = self._kept[::2]
            self.distance *= 2

    def add_near(self, snapshot: Snapshot) -> None:
        """Add a snapshot close to a time at which somebody looks; it replaces the one before."""
        self._near = snapshot

    def latest(self, time: Time) -> Snapshot:
        """Return the last snapshot that is not after a time, or the first one."""
        found = [it for it in self if it.time <= time]
        return found[-1] if found else next(iter(self))

    def before(self, time: Time) -> Iterator[Snapshot]:
        """Yield the snapshots before a time, the last one first."""
        yield from reversed([it for it in self if it.time < time])

    def forget_after(self, time: Time) -> None:
        """Forget the snapshots that are not before a time."""
        del self._kept[max(bisect_left(self._kept, time, key=_time), 1) :]
        self._near = None


def _time(snapshot: Snapshot) -> Time:
    return snapshot.time
