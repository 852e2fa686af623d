"""The debugger's engine: sessions, breakpoints, stepping and inspection, for any frontend and any steppable store."""

from zenowasm.debugger.breakpoints import Breakpoint
from zenowasm.debugger.cells import Cell, Cells
from zenowasm.debugger.errors import DebuggerError, DebuggerQuit
from zenowasm.debugger.fronts import Front, Timeline
from zenowasm.debugger.inspection import FrameView, HostView, Variable, shown, value_text
from zenowasm.debugger.session import Session
from zenowasm.debugger.stepping import Action, Event, Reason, Resume, Stop
from zenowasm.debugger.viewer import CodeLine, SourceText
from zenowasm.debugger.watchpoints import Change, Watchpoint

__all__ = [
    "Action",
    "Breakpoint",
    "Cell",
    "Cells",
    "Change",
    "CodeLine",
    "DebuggerError",
    "DebuggerQuit",
    "Event",
    "FrameView",
    "Front",
    "HostView",
    "Reason",
    "Resume",
    "Session",
    "SourceText",
    "Stop",
    "Timeline",
    "Variable",
    "Watchpoint",
    "shown",
    "value_text",
]
