"""The breakpoints that a client has set, and the session's breakpoints for them.

A client sets all breakpoints of a kind at once, again and again, also before there is a session and for the next one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from zenowasm.debugger import Breakpoint, DebuggerError, Session, Watchpoint
from zenowasm.frontends.dap.arguments import DataBreakpoint
from zenowasm.frontends.dap.errors import RequestError

_MOST: Final = 1_000
"""The maximum number of breakpoints of a kind."""
_HITS: Final = re.compile(r"(?P<sign>>=|>|)\s*(?P<number>[0-9]{1,9})")


@frozen
class FileLine:
    """A line of a file at its present path."""

    path: str
    line: int

    def location(self, source_map: Mapping[str, str]) -> str:
        """Return the line as a location, with the path that the file had at compile time."""
        path = Path(self.path)
        for old, new in source_map.items():
            if path.is_relative_to(Path(new).absolute()):
                return f"{old.rstrip('/')}/{path.relative_to(Path(new).absolute())}:{self.line}"
        return f"{path}:{self.line}"


@define(eq=False)
class Wanted:
    """A breakpoint that the client wants. ``wish`` is what it asked for, to recognise it when it is sent again.

    ``number`` is the session's, ``problem`` why the session has none. ``told`` is the last description for the client.
    """

    id: int
    place: FileLine | str
    wish: Any
    number: int | None = None
    problem: str | None = None
    told: Mapping[str, Any] = field(factory=dict)

    def location(self, source_map: Mapping[str, str]) -> str:
        """Return its place as a location of a session."""
        return self.place.location(source_map) if isinstance(self.place, FileLine) else self.place

    def add_to(self, session: Session, source_map: Mapping[str, str]) -> None:
        """Set the breakpoint in a session."""
        self.number = self.problem = None
        try:
            if isinstance(self.wish, DataBreakpoint):
                self._watch(session, self.wish)
            else:
                skipped = _skipped(self.wish.hit_condition)
                log = getattr(self.wish, "log_message", None) or None
                added = session.add_breakpoint(self.location(source_map), self.wish.condition or None, log=log)
                self.number = added.number
                session.ignore(added.number, skipped)
        except DebuggerError as error:
            self.problem = str(error)

    def _watch(self, session: Session, wish: DataBreakpoint) -> None:
        if wish.condition or wish.hit_condition or wish.access_type != "write":
            raise DebuggerError("a data breakpoint stops at every change, and at nothing else")
        level, _, expression = wish.data_id.partition(" ")
        if not re.fullmatch("[0-9]{1,9}", level):
            raise DebuggerError(f"{wish.data_id[:60]!r} names no data: ask for it by dataBreakpointInfo")
        if not session.backtrace():
            raise DebuggerError("data can be watched only from a stop on")
        session.select(int(level))
        self.number = session.add_watchpoint(expression).number


def _skipped(hits: str | None) -> int:
    """Return how many hits a hit condition skips; raises ``DebuggerError``."""
    if hits is None or not hits.strip():
        return 0
    found = _HITS.fullmatch(hits.strip())
    if found is None:
        raise DebuggerError(f"expected the number of the hit that stops first, such as 5 or >= 5, found {hits[:40]!r}")
    return max(int(found["number"]) - (found["sign"] != ">"), 0)


class ClientBreakpoints:
    """All breakpoints of a client, by kind: each source has a kind of its own."""

    def __init__(self) -> None:
        self._kinds: dict[object, list[Wanted]] = {}
        self._ids = count(1)
        self._session: Session | None = None
        self._source_map: Mapping[str, str] = {}
        self._lock = threading.Lock()
        """Breakpoints are set by the thread that reads requests, and looked at by the guest's."""

    def attach(self, session: Session, source_map: Mapping[str, str]) -> None:
        """Set all breakpoints in a new session; ``source_map`` maps source folders to their present paths."""
        with self._lock:
            self._session, self._source_map = session, source_map
            for wanted in self._all():
                wanted.add_to(session, source_map)

    def _all(self) -> Iterable[Wanted]:
        return (wanted for kind in self._kinds.values() for wanted in kind)

    def replace(self, kind: object, wishes: Sequence[tuple[FileLine | str, Any]]) -> list[dict[str, Any]]:
        """Replace the breakpoints of a kind, and describe the new ones in order.

        A wish is a place, which may be any location of a session, and the client's arguments. A breakpoint that the
        client wants as before stays, with its hits. Raises ``RequestError`` if there are too many.
        """
        if len(wishes) > _MOST:
            raise RequestError(f"expected at most {_MOST} breakpoints, found {len(wishes)}")
        with self._lock:
            former = self._kinds.get(kind, [])
            found = []
            for place, wish in wishes:
                same = next((it for it in former if (it.place, it.wish) == (place, wish)), None)
                if same is not None:
                    former.remove(same)
                    found.append(same)
                    continue
                wanted = Wanted(next(self._ids), place, wish)
                found.append(wanted)
                if self._session is not None:
                    wanted.add_to(self._session, self._source_map)
            for gone in former:
                self._remove(gone)
            self._kinds[kind] = found
            return [self._tell(wanted) for wanted in found]

    def _remove(self, wanted: Wanted) -> None:
        if self._session is not None and self._known(wanted) is not None and wanted.number is not None:
            self._session.delete_breakpoint(wanted.number)

    def _known(self, wanted: Wanted) -> Breakpoint | Watchpoint | None:
        """Return the session's breakpoint, which a watchpoint's end or a command in the console may have deleted."""
        session = self._session
        if session is None or wanted.number is None:
            return None
        known = next((it for it in session.breakpoints if it.number == wanted.number), None)
        return known or session.watchpoints.get(wanted.number)

    def changed(self) -> list[dict[str, Any]]:
        """Describe the breakpoints of which the client has another description."""
        with self._lock:
            return [self._tell(it) for it in self._all() if self._described(it) != it.told]

    def unresolved(self) -> list[str]:
        """Describe the breakpoints for which no module had a place."""
        with self._lock:
            told = (self._described(it) for it in self._all())
            return [f"breakpoint {it['id']} {it['message']}" for it in told if not it["verified"]]

    def ids(self, numbers: Iterable[int]) -> list[int]:
        """Return the client's numbers of breakpoints of the session."""
        wanted = set(numbers)
        with self._lock:
            return [it.id for it in self._all() if it.number in wanted]

    def _tell(self, wanted: Wanted) -> dict[str, Any]:
        wanted.told = self._described(wanted)
        return dict(wanted.told)

    def _described(self, wanted: Wanted) -> dict[str, Any]:
        found: dict[str, Any] = {"id": wanted.id, "verified": False}
        if isinstance(wanted.place, FileLine):
            found["line"] = wanted.place.line
        if wanted.problem is not None:
            return {**found, "message": wanted.problem}
        session, known = self._session, self._known(wanted)
        if isinstance(known, Watchpoint):
            return {**found, "verified": True}
        if session is not None and known is None:
            return {**found, "message": "deleted, or ended with the call to which the data belong"}
        if known is None or not known.resolved:
            location = wanted.location(self._source_map)
            near = None if session is None else session.nearest_function(location)
            hint = f"; did you mean {near}?" if near and near != location else ""
            return {**found, "message": f"waits: no module seen so far has {location}{hint}"}
        if known.problem is not None:
            return {**found, "verified": True, "message": f"the condition {wanted.wish.condition}: {known.problem}"}
        return {**found, "verified": True}
