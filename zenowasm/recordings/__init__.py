"""Recordings of guests' runs: everything that crossed the border between host and guest, and its replay without a host.

``Recorder`` writes a recording on any engine, ``Recording`` reads it, and ``replay`` runs it again on any engine.
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenowasm.recordings.errors import CutError as CutError
    from zenowasm.recordings.errors import DivergenceError as DivergenceError
    from zenowasm.recordings.errors import RecordingError as RecordingError
    from zenowasm.recordings.recorder import Recorder as Recorder
    from zenowasm.recordings.recording import Recording as Recording
    from zenowasm.recordings.replaying import Replay as Replay
    from zenowasm.recordings.replaying import Replayed as Replayed
    from zenowasm.recordings.replaying import replay as replay

_HOMES = MappingProxyType(
    {
        "errors": ("CutError", "DivergenceError", "RecordingError"),
        "recorder": ("Recorder",),
        "recording": ("Recording",),
        "replaying": ("Replay", "Replayed", "replay"),
    }
)
_HOME = MappingProxyType({name: home for home, names in _HOMES.items() for name in names})
__all__ = sorted(_HOME)  # noqa: PLE0605 - they are strings


def __getattr__(name: str) -> Any:
    """Import a public name on first use: every run imports the errors, and few are recorded."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
