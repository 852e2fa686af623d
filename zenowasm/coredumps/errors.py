"""Errors of coredumps."""

from __future__ import annotations

from zenowasm.interp.errors import WasmError


class CoredumpError(Exception):
    """Raised for a coredump that cannot be written, read or opened; the message is one sentence."""


class DumpedError(WasmError):
    """The error that ended the guest of a coredump; its message is the original's."""
