"""Variables as a client sees them: scopes, and the parts of structured values, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from attrs import frozen

from zenowasm.debugger import Cell, Cells, DebuggerError, FrameView, Variable, shown
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError

if TYPE_CHECKING:
    from zenowasm.debugger.expressions import Result
    from zenowasm.debuginfo.values import SourceValue

MOST_AT_ONCE: Final = 10_000
"""The maximum number of variables in one response."""
_INDEX: Final = re.compile(r"\[[0-9]{1,12}\]")


@frozen
class Entry:
    """A variable: its name, type and value as text, the expression that names it, its parts, and its address."""

    name: str
    type: str
    text: str
    expression: str | None = None
    parts: Container | None = None
    address: int | None = None


class Container(Protocol):
    """What has variables: a scope or a structured value. It shows their present values, also after changes."""

    @property
    def view(self) -> FrameView:
        """The frame to which it belongs."""
        ...

    @property
    def is_indexed(self) -> bool:
        """Whether its variables are elements, counted from 0."""
        ...

    def count(self) -> int:
        """Return how many variables it has."""
        ...

    def entries(self, start: int, count: int) -> Sequence[Entry]:
        """Return up to ``count`` of its variables from number ``start`` on."""
        ...


@frozen
class SourceScope:
    """The source variables that are visible in a frame."""

    view: FrameView
    is_indexed: bool = False

    def count(self) -> int:
        """Return how many variables are visible."""
        return len(self.view.variables())

    def entries(self, start: int, count: int) -> Sequence[Entry]:
        """Return visible variables, those of inner blocks first."""
        return [self._entry(it.name, it.type, it.text) for it in self.view.variables()[start : start + count]]

    def _entry(self, name: str, type_: str, text: str) -> Entry:
        try:
            return entry_of(name, self.view.value(name), name, self.view)
        except (DebuggerError, DebugInfoError, UnavailableError):
            return Entry(name, type_, text)  # the text says why there is no value


@frozen
class OwnScope:
    """WebAssembly's own variables in a frame: locals, operands or globals. ``group`` is empty for locals."""

    view: FrameView
    group: str
    variables: Callable[[], Sequence[Variable]]
    is_indexed: bool = False

    def count(self) -> int:
        """Return how many there are."""
        return len(self.variables())

    def entries(self, start: int, count: int) -> Sequence[Entry]:
        """Return the variables in order of their index."""
        return [self._entry(it) for it in self.variables()[start : start + count]]

    def _entry(self, it: Variable) -> Entry:
        name = f"[{it.index}]" if self.group else it.label
        return Entry(name, str(it.type), it.text, f"${self.group}[{it.index}]" if self.group else it.label)


@frozen
class CellScope:
    """A group of WebAssembly's own values with an expression for each: results of a call, arguments of a host call."""

    view: FrameView
    group: str
    cells: Sequence[Cell]
    is_indexed: bool = False

    def count(self) -> int:
        """Return how many there are."""
        return len(self.cells)

    def entries(self, start: int, count: int) -> Sequence[Entry]:
        """Return the values in order."""
        numbered = list(enumerate(self.cells))[start : start + count]
        return [entry_of(f"[{index}]", it, f"${self.group}[{index}]", self.view) for index, it in numbered]


@frozen
class ValueParts:
    """The parts of a structured value, which ``expression`` names."""

    value: SourceValue
    expression: str
    view: FrameView

    @property
    def is_indexed(self) -> bool:
        """Whether the parts are elements."""
        return self.value.has_elements()

    def count(self) -> int:
        """Return the number of parts."""
        return self.value.part_count()

    def entries(self, start: int, count: int) -> Sequence[Entry]:
        """Return parts in order."""
        # `(*p)[0]` and not `*p[0]`: what comes after a name binds more strongly than what comes before it.
        whole = f"({self.expression})" if self.expression.startswith("*") else self.expression
        found = []
        for it in self.value.again().parts(start, count):
            if isinstance(it.value, str):
                found.append(Entry(it.name, "", f"<{it.value}>"))
            else:
                found.append(entry_of(it.name, it.value, f"{it.before}{whole}{it.after}", self.view))
        return found


def entry_named(container: Container, name: str) -> Entry | None:
    """Return the entry of a container with that name."""
    start = int(name[1:-1]) if container.is_indexed and _INDEX.fullmatch(name) else 0
    return next((it for it in container.entries(start, MOST_AT_ONCE) if it.name == name), None)


def entry_of(name: str, result: Result, expression: str, view: FrameView) -> Entry:
    """Return the entry for the value of an expression."""
    if isinstance(result, int | float | Cell | Cells):
        type_ = str(result.type) if isinstance(result, Cell) else ""
        return Entry(name, type_, shown(result, view.program), expression)
    parts = ValueParts(result, expression, view) if result.part_count() else None
    pointed = result.number() if result.is_pointer and not result.missing else None
    address = pointed if isinstance(pointed, int) else result.address
    return Entry(name, result.type.name, result.text(), expression, parts, address)
