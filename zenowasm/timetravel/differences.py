"""The differences between two saved states of a replay: bytes of memories, globals, elements of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Final

from attrs import frozen

from zenowasm.debugger.watchpoints import comparable
from zenowasm.interp.execution.state import Pages, State
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.runtime.values import Aggregate, ExceptionInstance
from zenowasm.recordings.replaying import SavedRun

MOST: Final = 1_000
"""The maximum number of differences."""
_NEAR: Final = 8
"""Equal bytes between two differing ranges that are shown as one."""
_SHOWN: Final = 32


@frozen
class Difference:
    """A place with two contents."""

    place: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.place}: {self.before} became {self.after}"

    def json(self) -> Mapping[str, object]:
        """Return it as the keys of a JSON object."""
        return {"place": self.place, "before": self.before, "after": self.after}


def differences(first: SavedRun, second: SavedRun) -> list[Difference]:
    """Return up to ``MOST`` differences."""
    found: list[Difference] = []
    for number, player in first.players.items():
        other = second.players[number]
        if player.store is not None and other.store is not None:
            found += _of_states(player.store.state, other.store.state)
    return found[:MOST]


def _of_states(first: State, second: State) -> Iterator[Difference]:
    for number, (memory, pages) in enumerate(first.memories.items()):
        yield from _of_memories(f"memory {number}", pages, second.memories.get(memory, ()))
    for number, (global_, value) in enumerate(first.globals.items()):
        after = second.globals.get(global_)
        if not _are_equal(value, after):
            yield Difference(f"global {number}", _shown(value), _shown(after))
    for number, (table, elements) in enumerate(first.tables.items()):
        for at, (before, now) in enumerate(zip_longest(elements, second.tables.get(table, ()))):
            if not _are_equal(before, now):
                yield Difference(f"table {number}[{at}]", _shown(before), _shown(now))


def _of_memories(name: str, first: Pages, second: Pages) -> Iterator[Difference]:
    if len(first) != len(second):
        yield Difference(f"{name}, pages", str(len(first)), str(len(second)))
    for page, (before, after) in enumerate(zip(first, second, strict=False)):
        if before is not after and before != after:
            for start, end in _ranges(before, after):
                at = page * PAGE_SIZE + start
                yield Difference(
                    f"{name}, 0x{at:x}, {end - start} bytes", _hex(before[start:end]), _hex(after[start:end])
                )


def _ranges(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = end = -1
    for at, (one, other) in enumerate(zip(before, after, strict=True)):
        if one != other:
            if start >= 0 and at - end > _NEAR:
                yield start, end
                start = -1
            start, end = (at if start < 0 else start), at + 1
    if start >= 0:
        yield start, end


def _are_equal(first: object, second: object) -> bool:
    """Return whether two values have the same bits, or refer to objects with equal fields: each state has its own."""
    waiting, compared = [(first, second)], set()
    while waiting:
        one, other = waiting.pop()
        if isinstance(one, Aggregate | ExceptionInstance) and type(one) is type(other):
            pair = id(one), id(other)
            if pair not in compared:
                compared.add(pair)
                if len(one.fields) != len(other.fields):
                    return False
                waiting += zip(one.fields, other.fields, strict=True)
        elif comparable(one) != comparable(other):
            return False
    return True


def _hex(data: bytes) -> str:
    return data[:_SHOWN].hex(" ") + (" ..." if len(data) > _SHOWN else "")


def _shown(value: object) -> str:
    return str(value) if value is None or isinstance(value, int | float) else type(value).__name__
