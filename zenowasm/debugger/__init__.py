"""The debugger's engine: sessions, breakpoints, stepping and inspection, for any frontend and any steppable store."""

from zenowasm.debugger.breakpoints import Breakpoint
from zenowasm.debugger.errors import DebuggerError, DebuggerQuit
from zenowasm.debugger.expressions import shown
from zenowasm.debugger.inspection import FrameView, HostView, Variable, value_text
from zenowasm.debugger.session import CodeLine, Front, Session, SourceText
from zenowasm.debugger.stepping import Action, Reason, Resume, Stop

__all__ = [
    "Action",
    "Breakpoint",
    "CodeLine",
    "DebuggerError",
    "DebuggerQuit",
    "FrameView",
    "Front",
    "HostView",
    "Reason",
    "Resume",
    "Session",
    "SourceText",
    "Stop",
    "Variable",
    "shown",
    "value_text",
]
