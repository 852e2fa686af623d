"""The reports of a host on changes of its plugins."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from attrs import frozen

from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.lifecycle.loaded_plugin import Retirement, Version


class Change(Enum):
    """The result of a reload for one plugin."""

    RELOADED = "reloaded"
    UNCHANGED = "unchanged"
    ADDED = "added"
    REMOVED = "removed"
    FAILED = "failed"


@frozen
class PluginChange:
    """The effect of a reload on one plugin.

    ``before`` and ``after`` are its versions, ``None`` if there was or is none. After a failure, ``error`` is the
    cause, and both are the earlier version, which stays in use. ``retirement`` describes the end of the replaced
    version.
    """

    plugin: str
    change: Change
    before: Version | None = None
    after: Version | None = None
    error: PluginError | None = None
    retirement: Retirement | None = None

    def __str__(self) -> str:
        if self.error is not None:
            kept = "" if self.before is None else f"; {self.before} goes on serving"
            return f"{self.plugin}: {self.change.value}: {self.error}{kept}"
        versions = [str(version) for version in (self.before, self.after) if version is not None]
        if self.change is Change.UNCHANGED:
            versions = versions[:1]
        ending = self.retirement
        left = f", {ending.abandoned} calls still run in the old version" if ending and ending.abandoned else ""
        return f"{self.plugin}: {self.change.value}: {' -> '.join(versions)}{left}"


@frozen
class ReloadReport:
    """The effects of a reload, with one entry per plugin that it examined."""

    changes: tuple[PluginChange, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(change.change is not Change.FAILED for change in self.changes)

    def __str__(self) -> str:
        return "\n".join(str(change) for change in self.changes) or "no plugins"


@frozen
class ShutdownReport:
    """The end of a host, with one entry per plugin version, and the number of ``cancelled`` calls in the queue."""

    retirements: tuple[Retirement, ...]
    cancelled: int = 0

    @property
    def clean(self) -> bool:
        """Whether every call ended and every cleanup succeeded."""
        return not self.cancelled and all(it.clean for it in self.retirements)


@frozen
class PluginProblem:
    """A plugin that could not be loaded: its folder and the reason."""

    folder: Path
    error: PluginError
