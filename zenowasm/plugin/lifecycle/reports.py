"""What a host says after it has changed its plugins."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from attrs import frozen

from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.lifecycle.loaded_plugin import Retirement, Version


class Change(Enum):
    """What became of a plugin in a reload."""

    RELOADED = "reloaded"
    UNCHANGED = "unchanged"
    ADDED = "added"
    REMOVED = "removed"
    FAILED = "failed"


@frozen
class PluginChange:
    """What a reload made of one plugin.

    ``before`` and ``after`` are its versions, ``None`` where there was or is none. After a failure, whose cause is
    ``error``, both are the version that was there before and goes on serving. ``retirement`` says how the replaced
    version ended.
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
    """What a reload did, one entry a plugin that it looked at."""

    changes: tuple[PluginChange, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(change.change is not Change.FAILED for change in self.changes)

    def __str__(self) -> str:
        return "\n".join(str(change) for change in self.changes) or "no plugins"


@frozen
class ShutdownReport:
    """How a host ended: one entry a plugin version, and how many asynchronous calls were ``cancelled`` in the queue."""

    retirements: tuple[Retirement, ...]
    cancelled: int = 0

    @property
    def clean(self) -> bool:
        """Whether every call ended and every cleanup succeeded."""
        return not self.cancelled and all(it.clean for it in self.retirements)


@frozen
class PluginProblem:
    """A plugin that could not be loaded: its folder, and why."""

    folder: Path
    error: PluginError
