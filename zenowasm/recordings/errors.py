"""The errors of recordings and of their replay."""

from __future__ import annotations

from zenowasm.interp.errors import Trap, TrapCode, WasmError


class RecordingError(Exception):
    """Raised for a recording that cannot be written, read or replayed; the message is one sentence."""


class ReplayStopError(Trap):
    """Raised where a replay cannot go on.

    It is a trap, because only a trap stops a guest on every engine, and so that a debugger stops in the guest's frame.
    """

    def __init__(self, message: str) -> None:
        super().__init__(TrapCode.INTERRUPTED, message)

    def __str__(self) -> str:
        """Return the message alone: no guest has caused this trap."""
        return self.detail


class DivergenceError(ReplayStopError):
    """Raised where a guest does something else than it did when it was recorded.

    ``recorded`` and ``replayed`` describe both, and ``place`` the call in which they differ.
    """

    def __init__(self, place: str, recorded: str, replayed: str, reason: str = "") -> None:
        why = f"; {reason}" if reason else ""
        super().__init__(f"the replay diverges in {place}: recorded {recorded}, replayed {replayed}{why}")
        self.place = place
        self.recorded = recorded
        self.replayed = replayed


class CutError(ReplayStopError):
    """Raised inside a guest where a recording ends in the middle of a call."""


class RecordedHostError(WasmError):
    """Raised in a replay for an exception of a host function whose class belongs to that host.

    ``name`` is the class of the original exception.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message
