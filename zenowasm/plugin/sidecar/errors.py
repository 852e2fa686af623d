"""The errors of a sidecar, in addition to those of every plugin."""

from __future__ import annotations

import signal

from zenowasm.plugin.errors import CallError, LoadError


class SidecarStartError(LoadError):
    """The process cannot be started: ``failed to start sidecar: E``."""


class SidecarGaveUpError(LoadError):
    """The process has crashed consecutively more often than ``sidecar.max_retries`` allows."""


class SidecarExitedError(CallError):
    """The process ended during a call. ``code`` is its exit code, the negative number of the signal that killed it, or
    ``None`` if it closed its stdout but continued to run.
    """

    def __init__(self, plugin: str, function: str, code: int | None) -> None:
        super().__init__(plugin, function, f"the sidecar {how_it_ended(code)}")
        self.code = code


class SidecarProtocolError(CallError):
    """The process wrote a line to its stdout that is not a valid message."""


def how_it_ended(code: int | None) -> str:
    """Describe an exit code in words."""
    if code is None:
        return "closed its stdout"
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
