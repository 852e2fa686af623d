"""Breakpoints: they can be set before a module is loaded, and are resolved in every module that has the location."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from attrs import define, field, frozen

from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import Expression, parse
from zenowasm.debugger.program import Program

ENTRY = -1
"""The position of a breakpoint at a function's entry, which a branch back to the first instruction does not reach."""

_HOST: Final = "host:"
_SLOT: Final = "slot:"
_EXECUTE: Final = "plugin_execute"
"""The export that runs a slot; its first two arguments are the address and length of the slot's name (plugin ABI)."""
_EXPRESSIONS: Final = re.compile(r"\{([^{}]*)\}")


@frozen
class Condition:
    """A breakpoint's condition: an expression and its source text."""

    text: str
    expression: Expression


@frozen
class Message:
    """A logpoint's message: its text, and the expressions in braces with the text before each of them."""

    text: str
    parts: Sequence[tuple[str, Expression]]
    end: str

    @classmethod
    def of(cls, text: str) -> Message:
        """Parse a message such as ``n is {n}``; raises ``DebuggerError``."""
        pieces = _EXPRESSIONS.split(text)
        pairs = zip(pieces[:-1:2], pieces[1::2], strict=True)
        return cls(text, [(before, parse(expression)) for before, expression in pairs], pieces[-1])


@define(eq=False)
class Breakpoint:
    """A breakpoint. ``location`` is the user's text.

    It is ``FUNCTION``, ``FUNCTION+PC``, ``FILE:LINE``, ``*OFFSET`` (in bytes of the module, of an instruction or of a
    function's locals, where it begins), ``host:MODULE.NAME`` for calls of an imported host function, or ``slot:NAME``
    for calls of a plugin's slot.

    It stops if it is enabled and has no ``condition`` or the condition is true, after it was reached more than
    ``ignored`` times. With a ``message``, it reports that instead of stopping. ``hits`` counts the stops and reports;
    ``resolved`` says whether a module that ran has the location. A ``temporary`` one is deleted by its first stop. One
    with a ``program`` is in that module only.
    """

    number: int
    location: str
    condition: Condition | None = None
    ignored: int = 0
    message: Message | None = None
    temporary: bool = False
    program: Program | None = None
    enabled: bool = True
    hits: int = 0
    resolved: bool = False
    problem: str | None = None
    """Why the condition could not be evaluated the last time the breakpoint was reached."""

    @property
    def host_function(self) -> str | None:
        """The two-level name of the host function at whose calls it stops."""
        return self.location.removeprefix(_HOST) if self.location.startswith(_HOST) else None

    @property
    def slot(self) -> str | None:
        """The name of the slot at whose calls it stops."""
        return self.location.removeprefix(_SLOT) if self.location.startswith(_SLOT) else None


@frozen
class Site:
    """A position in a module: a function, and an instruction index or ``ENTRY``."""

    function: int
    pc: int


Sites: TypeAlias = Mapping[int, Mapping[int, Sequence[Breakpoint]]]
"""By function, by instruction index or ``ENTRY``: the breakpoints there."""


def sites(program: Program, location: str) -> list[Site]:
    """Return the positions of a location in a module; an empty list if the module does not have it."""
    if location.startswith(_HOST):
        return []
    if location.startswith(_SLOT):
        return [Site(function, ENTRY) for function in program.exported(_EXECUTE)]
    if location.startswith("*"):
        at = _offset(location[1:])
        if at is None:
            return []
        entered = [Site(function, ENTRY) for function in program.function_at(at)]
        return entered or [Site(*it) for it in program.instruction_with(at)]
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


def _offset(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


@define(eq=False)
class Breakpoints:
    """All breakpoints of a session, by number, and their positions in the modules that run."""

    _breakpoints: dict[int, Breakpoint] = field(factory=dict, init=False)
    _known: WeakKeyDictionary[Program, dict[str, list[Site]]] = field(factory=WeakKeyDictionary, init=False)
    _sites: WeakKeyDictionary[Program, Sites] = field(factory=WeakKeyDictionary, init=False)

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(list(self._breakpoints.values()))

    def __len__(self) -> int:
        return len(self._breakpoints)

    def add(
        self,
        number: int,
        location: str,
        condition: str | None = None,
        message: str | None = None,
        program: Program | None = None,
    ) -> Breakpoint:
        """Add a breakpoint; raises ``DebuggerError`` if a text is empty or cannot be parsed."""
        location = location.strip().removeprefix("$")
        if not location.removeprefix(_HOST).removeprefix(_SLOT).removeprefix("*"):
            raise DebuggerError("expected a function or a line, such as greet, 12, greet+4 or plugin.c:20")
        if location.startswith("*") and _offset(location[1:]) is None:
            raise DebuggerError(f"expected the offset of an instruction in the module, such as *0x1f3, not {location}")
        found = Breakpoint(
            number,
            location,
            None if condition is None else Condition(condition, parse(condition)),
            message=None if message is None else Message.of(message),
            program=program,
        )
        self._breakpoints[number] = found
        self._sites.clear()
        return found

    def find(self, number: int) -> Breakpoint | None:
        """Return the breakpoint with that number."""
        return self._breakpoints.get(number)

    def delete(self, number: int) -> None:
        """Delete a breakpoint if there is one with that number."""
        self._breakpoints.pop(number, None)
        self._sites.clear()

    def of_host_function(self, name: str) -> list[Breakpoint]:
        """Return the breakpoints at calls of a host function."""
        return [it for it in self if it.host_function == name]

    @property
    def any_of_host_functions(self) -> bool:
        """Whether there are breakpoints at calls of host functions."""
        return any(it.host_function is not None for it in self._breakpoints.values())

    def resolve(self, program: Program) -> None:
        """Mark the breakpoints that have a position in a module as resolved."""
        for breakpoint_ in self:
            if not breakpoint_.resolved:
                name = breakpoint_.host_function
                breakpoint_.resolved = name in program.imports or bool(self._sites_of(program, breakpoint_))

    def _sites_of(self, program: Program, breakpoint_: Breakpoint) -> list[Site]:
        if breakpoint_.program not in (None, program):
            return []
        location = breakpoint_.location
        known = self._known.setdefault(program, {})
        if location not in known:
            known[location] = sites(program, location)
        return known[location]

    def within(self, program: Program, function: int) -> Mapping[int, Sequence[Breakpoint]]:
        """Return the breakpoints inside a function, by instruction index or ``ENTRY``."""
        found = self._sites.get(program)
        if found is None:
            found = self._sites[program] = self._all_in(program)
        return found.get(function, {})

    def _all_in(self, program: Program) -> Sites:
        found: dict[int, dict[int, list[Breakpoint]]] = {}
        for breakpoint_ in self:
            for site in self._sites_of(program, breakpoint_):
                found.setdefault(site.function, {}).setdefault(site.pc, []).append(breakpoint_)
        return found
