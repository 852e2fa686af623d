"""Errors of the debugger."""

from __future__ import annotations


class DebuggerError(Exception):
    """A request cannot be met; the message says what was expected and what there is."""


class DebuggerQuit(Exception):  # noqa: N818 - it ends the run, but nothing is wrong
    """The user ended the run: raised inside the execution, it propagates to the caller of the outermost call."""
