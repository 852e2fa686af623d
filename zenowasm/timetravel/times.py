"""Times: positions in a replay, which are the same on every way to them."""

from __future__ import annotations

from typing import Final, NamedTuple

from zenowasm.interp.execution import Frame

DEEPEST: Final = 1 << 62
"""A depth of calls that none reaches."""


class Time(NamedTuple):
    """A position in a replay, ordered from its beginning to its end.

    ``fuel`` is what all guests have consumed before. Instructions that cost nothing only return or go forwards, so at
    equal fuel calls are nested less and less deep (``height`` is the negative depth), and in one of them ``pc`` grows.
    ``during`` is 1 in the middle of the instruction, as at a host call or at a trap.
    """

    fuel: int
    height: int
    pc: int
    during: int = 0

    def __str__(self) -> str:
        return str(self.fuel)

    @property
    def depth(self) -> int:
        """The number of active calls."""
        return -self.height

    @property
    def before(self) -> Time:
        """The time before the instruction."""
        return self._replace(during=0)

    @classmethod
    def of(cls, offset: int, frame: Frame, pc: int, *, during: bool = False) -> Time:
        """Return the time of a call that is at ``pc``; ``offset`` is the time at which its store's fuel was 0."""
        fuel = offset + frame.store.settled_fuel + frame.code.fuel_before[pc]
        return cls(fuel, -frame.depth, pc, int(during))

    @classmethod
    def end(cls, fuel: int) -> Time:
        """Return the end of a replay that has consumed ``fuel``."""
        return cls(fuel, 0, 0)
