"""Errors of the debugger."""

from __future__ import annotations


class DebuggerError(Exception):
    """Raised when a request cannot be met; the message says what was expected and what was found."""


class DebuggerQuit(Exception):  # noqa: N818 - it ends the run, but nothing is wrong
    """Raised inside the execution when the user ends the run; propagates to the caller of the outermost call."""
