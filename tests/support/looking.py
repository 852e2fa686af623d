"""What a debugger sees of a program's variables wherever it stops."""

from __future__ import annotations

from pathlib import Path

from attrs import define, field
from support.engines import Guest

from zenowasm.debugger import Action, Resume, Session, Stop, shown


@define
class Looker:
    """Notes the variables and expressions at each stop, and goes on."""

    expressions: tuple[str, ...]
    action: Action = Action.CONTINUE
    seen: list[dict[str, str]] = field(factory=list)
    lines: list[str] = field(factory=list)

    def stopped(self, session: Session, stop: Stop) -> Resume:
        view = session.frame()
        variables = {it.name: it.text for it in view.variables()}
        self.seen.append(variables | {text: shown(session.evaluate(text)) for text in self.expressions})
        self.lines.append(str(view.source_line))
        return Resume(self.action)


def look(
    binary: Path, location: str, *arguments: int, expressions: tuple[str, ...] = (), action: Action = Action.CONTINUE
) -> Looker:
    """Call ``run`` and look around wherever it stops at a location."""
    looker = Looker(expressions, action)
    session = Session(looker)
    session.add_breakpoint(location)
    guest = Guest(binary.read_bytes(), "reference")
    session.attach("program", guest.store)
    guest("run", *arguments)
    return looker
