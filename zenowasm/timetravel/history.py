"""The snapshots of a replay, from which it runs to any time between them, and its branches, which the user changed."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from attrs import define, field, frozen

from zenowasm.recordings.replaying import SavedRun
from zenowasm.timetravel.times import Time

MIB = 1 << 20


@frozen(eq=False)
class Snapshot:
    """A saved run, and its time. A root is a run that the user has changed: no other snapshot leads to it."""

    time: Time
    run: SavedRun
    is_root: bool = False


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
        while self._is_full and len(spared := self._thinned()) < len(self._kept):
            self._kept = spared
            self.distance *= 2

    @property
    def _is_full(self) -> bool:
        return len(self._kept) > self.limits.snapshots or self.memory > self.limits.memory

    def _thinned(self) -> list[Snapshot]:
        """Return every second snapshot, the first one, and those that cannot be made again."""
        return [it for number, it in enumerate(self._kept) if number % 2 == 0 or it.is_root]

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

    def changed(self, root: Snapshot) -> History:
        """Return the history of a run that is changed at a time: before, it is this one."""
        other = History(self.limits)
        other.distance = self.distance
        other._kept = [*(it for it in self._kept if it.time <= root.time), root]
        return other

    def replace_root(self, root: Snapshot) -> None:
        """Replace the last root after another change at its time, with the snapshots to which it led."""
        del self._kept[max(number for number, it in enumerate(self._kept) if it.is_root) :]
        self._kept.append(root)
        self._near = None


def _time(snapshot: Snapshot) -> Time:
    return snapshot.time


@define(eq=False)
class Branch:
    """A course of events: the recorded one, or one that ``changes`` at the time ``begins`` made of another."""

    number: int
    history: History
    parent: Branch | None = None
    begins: Time | None = None
    changes: list[str] = field(factory=list)

    def __str__(self) -> str:
        if self.parent is None:
            return f"{self.number}: as recorded"
        return f"{self.number}: from branch {self.parent.number} at time {self.begins}: {', '.join(self.changes)}"

    def at(self, time: Time) -> Branch:
        """Return the branch to which an earlier time belongs: this one, or one from which it came."""
        branch = self
        while branch.parent is not None and branch.begins is not None and time < branch.begins:
            branch = branch.parent
        return branch
