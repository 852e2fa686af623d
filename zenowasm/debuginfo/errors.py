"""Errors in debugging information."""

from __future__ import annotations


class DebugInfoError(Exception):
    """Raised when a module's debugging information is malformed or lacks the requested entry."""


class UnavailableError(Exception):
    """Raised when a variable has no value here: it was optimised out, or its expression is not supported."""
