"""What the panes show of a stopped guest: the source, and what commands of the debugger's terminal print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from zenowasm.debugger import DebuggerError, Resume, Session
from zenowasm.display import visible
from zenowasm.frontends.terminal import find_command, source_text

SOURCE: Final = "Source"
MEMORY: Final = "Memory"
_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Code": "disassemble 200",
        "Variables": "locals",
        "Calls": "backtrace",
        "Operands": "stack",
        "Globals": "globals",
        MEMORY: "memory {address} 512",
    }
)
NAMES: Final = (SOURCE, *_COMMANDS)
"""The panes, in order."""
CURRENT: Final = ("=>", "*")
"""How the line of a pane begins that is current: the next instruction or line, or the selected call."""
_AROUND: Final = 500
"""The number of source lines before and after the current one."""
_TAB: Final = 4

Panes: TypeAlias = Mapping[str, Sequence[str]]
"""The lines of each pane, by its name."""


def panes(session: Session, address: str) -> Panes:
    """Return what the panes show of the selected frame; the memory is from ``address`` on."""
    found = {name: _printed(session, command.format(address=address)) for name, command in _COMMANDS.items()}
    return {SOURCE: _source(session), **found}


def _source(session: Session) -> Sequence[str]:
    try:
        return [visible(source_text(it).expandtabs(_TAB)) for it in session.source_listing(_AROUND)]
    except DebuggerError as error:
        return [visible(str(error))]


def _printed(session: Session, line: str) -> Sequence[str]:
    name, *words = line.split()
    try:
        outcome = find_command(name).run(session, words)
        return [] if isinstance(outcome, Resume) else [visible(it) for it in outcome]
    except DebuggerError as error:
        return [visible(str(error))]
