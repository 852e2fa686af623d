"""Breakpoints: they can be set before a module is loaded, and are resolved in every module that has the location."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from attrs import define, frozen

from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import Expression, parse
from zenowasm.debugger.program import Program

ENTRY = -1
"""The position of a breakpoint at a function's entry, which a branch back to the first instruction does not reach."""


@frozen
class Condition:
    """A breakpoint's condition: an expression and its source text."""

    text: str
    expression: Expression


@define(eq=False)
class Breakpoint:
    """A breakpoint. ``location`` is the user's text: ``FUNCTION``, ``FUNCTION+PC`` or ``FILE:LINE``.

    It stops if it has no ``condition`` or the condition is true, after it was reached more than ``ignored`` times.
    ``hits`` counts the stops; ``resolved`` says whether a module that ran has the location.
    """

    number: int
    location: str
    condition: Condition | None = None
    ignored: int = 0
    hits: int = 0
    resolved: bool = False
    problem: str | None = None
    """Why the condition could not be evaluated the last time the breakpoint was reached."""


@frozen
class Site:
    """A position in a module: a function, and an instruction index or ``ENTRY``."""

    function: int
    pc: int


def sites(program: Program, location: str) -> list[Site]:
    """Return the positions of a location in a module; an empty list if the module does not have it."""
    functions = program.find(location)
    if functions:
        # Where the debugging information says at which instruction a function has its arguments, stop there.
        first = [program.first_statement(function) for function in functions]
        return [Site(f, ENTRY if pc is None else pc) for f, pc in zip(functions, first, strict=True)]
    path, colon, number = location.rpartition(":")
    if colon and path and not path.endswith(":") and _is_number(number):
        found = [program.instruction_at(place) for place in program.source.places(path, int(number))]
        # At a function's first instruction, its arguments are not yet where the debugging information locates them.
        return [Site(f, pc or program.first_statement(f) or 0) for f, pc in found]
    name, plus, digits = location.rpartition("+")
    if not plus or not _is_number(digits):
        return []
    pc = int(digits)
    return [Site(f, pc) for f in program.find(name) if 0 <= pc < len(program.function(f).lines)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


class Breakpoints:
    """All breakpoints of a session, by number."""

    def __init__(self) -> None:
        self._breakpoints: dict[int, Breakpoint] = {}
        self._next = 1
        self._sites: WeakKeyDictionary[Program, dict[str, list[Site]]] = WeakKeyDictionary()

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(list(self._breakpoints.values()))

    def __len__(self) -> int:
        return len(self._breakpoints)

    def add(self, location: str, condition: str | None = None) -> Breakpoint:
        """Add a breakpoint; raises ``DebuggerError`` if the location is empty or the condition cannot be parsed."""
        location = location.strip().removeprefix("$")
        if not location:
            raise DebuggerError("expected a function or a line, such as greet, 12, greet+4 or plugin.c:20")
        found = Breakpoint(self._next, location, None if condition is None else Condition(condition, parse(condition)))
        self._breakpoints[self._next] = found
        self._next += 1
        return found

    def delete(self, number: int) -> None:
        """Delete a breakpoint; raises ``DebuggerError`` if no breakpoint has that number."""
        self.of(number)
        del self._breakpoints[number]

    def of(self, number: int) -> Breakpoint:
        """Return the breakpoint with that number; raises ``DebuggerError`` if there is none."""
        found = self._breakpoints.get(number)
        if found is None:
            known = ", ".join(map(str, self._breakpoints)) or "none"
            raise DebuggerError(f"there is no breakpoint {number}: expected one of {known}")
        return found

    def resolve(self, program: Program) -> None:
        """Mark the breakpoints that have a position in a module as resolved."""
        for breakpoint_ in self:
            if not breakpoint_.resolved:
                breakpoint_.resolved = bool(self._sites_of(program, breakpoint_.location))

    def _sites_of(self, program: Program, location: str) -> list[Site]:
        known = self._sites.setdefault(program, {})
        if location not in known:  # looked up again on every function entry
            known[location] = sites(program, location)
        return known[location]

    def within(self, program: Program, function: int) -> Mapping[int, list[Breakpoint]]:
        """Return the breakpoints inside a function, by instruction index or ``ENTRY``."""
        found: dict[int, list[Breakpoint]] = {}
        for breakpoint_ in self:
            for site in self._sites_of(program, breakpoint_.location):
                if site.function == function:
                    found.setdefault(site.pc, []).append(breakpoint_)
        return found
