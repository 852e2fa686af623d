"""Breakpoints: named before the module that they are for is loaded, found again in every module that has the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, frozen

from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.program import Program

ENTRY = -1
"""The place of a breakpoint at a function's entry, which a branch back to the first instruction does not reach."""


@define(eq=False)
class Breakpoint:
    """Where to stop. ``location`` is what the user wrote: ``FUNCTION`` or ``FUNCTION+PC``.

    ``hits`` counts the stops; ``resolved`` says whether a module that ran has such a place.
    """

    number: int
    location: str
    hits: int = 0
    resolved: bool = False


@frozen
class Site:
    """A place in a module: a function, and an instruction's index or ``ENTRY``."""

    function: int
    pc: int


def sites(program: Program, location: str) -> list[Site]:
    """Return the places that a location names in a module; none when the module does not have it."""
    functions = program.find(location)
    if functions:
        return [Site(function, ENTRY) for function in functions]
    name, plus, digits = location.rpartition("+")
    if not plus or not digits.isascii() or not digits.isdigit():
        return []
    pc = int(digits) if len(digits) < 10 else ENTRY
    return [Site(f, pc) for f in program.find(name) if 0 <= pc < len(program.function(f).lines)]


class Breakpoints:
    """All breakpoints of a session, by number."""

    def __init__(self) -> None:
        self._breakpoints: dict[int, Breakpoint] = {}
        self._next = 1

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(list(self._breakpoints.values()))

    def __len__(self) -> int:
        return len(self._breakpoints)

    def add(self, location: str) -> Breakpoint:
        """Add a breakpoint; raises ``DebuggerError`` when the location is empty."""
        location = location.strip().removeprefix("$")
        if not location:
            raise DebuggerError("expected a function's name or index, such as greet, 12 or greet+4")
        found = Breakpoint(self._next, location)
        self._breakpoints[self._next] = found
        self._next += 1
        return found

    def delete(self, number: int) -> None:
        """Delete a breakpoint; raises ``DebuggerError`` when there is none of that number."""
        if self._breakpoints.pop(number, None) is None:
            known = ", ".join(map(str, self._breakpoints)) or "none"
            raise DebuggerError(f"there is no breakpoint {number}: expected one of {known}")

    def resolve(self, program: Program) -> None:
        """Note which breakpoints have a place in a module."""
        for breakpoint_ in self:
            if not breakpoint_.resolved:
                breakpoint_.resolved = bool(sites(program, breakpoint_.location))

    def within(self, program: Program, function: int) -> Mapping[int, list[Breakpoint]]:
        """Return the breakpoints inside one function, by instruction index or ``ENTRY``."""
        found: dict[int, list[Breakpoint]] = {}
        for breakpoint_ in self:
            for site in sites(program, breakpoint_.location):
                if site.function == function:
                    found.setdefault(site.pc, []).append(breakpoint_)
        return found
