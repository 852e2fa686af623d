"""Reloads plugins when files in their folders change; needs the extra ``watch``."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from zenowasm.plugin.configuration.manifest import plugin_folders
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.reports import Change, ReloadReport
from zenowasm.plugin.services import LogRecord

DEBOUNCE_MILLISECONDS: Final = 400
"""The time for which changes are collected, so that a build that writes several files counts as one change."""
_WAKE_MILLISECONDS: Final = 250


class WatchError(PluginError):
    """A folder cannot be watched."""


class FolderWatch:
    """A thread that watches a plugin folder until it is closed.

    It calls ``PluginManager.reload`` to reload plugins whose folders have changed, to load new plugins, and to remove
    plugins whose folders no longer exist. If a version cannot be loaded, for example because its binary is still being
    written, the old version stays in use until the next change.
    """

    def __init__(self, manager: PluginManager, folder: Path) -> None:
        """Begin to watch ``folder``; raises ``WatchError`` if it does not exist or the extra is not installed."""
        check_watchable()
        self._manager = manager
        self._folder = folder.resolve()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="zenowasm-watch", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise WatchError(f"cannot watch {folder}: {self._failure}") from self._failure

    def close(self) -> None:
        """Stop watching, and wait for a running reload."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._follow_folders(self._folders())
        except (OSError, RuntimeError) as error:  # errors of the library
            self._failure = error
            self._note("", "error", f"No longer watching {self._folder}: {error}")
        finally:
            self._ready.set()

    def _folders(self) -> list[Path]:
        """Return the folders to watch: the plugin folder, each plugin's own, and the one with its binary.

        They are watched one by one, because a recursive watch would follow links out of the tree.
        """
        folders = {self._folder, *plugin_folders(self._folder)}
        folders.update(plugin.manifest.binary_path.parent for plugin in self._manager.plugins.values())
        return sorted(folder for folder in folders if folder.is_dir())

    def _follow_folders(self, folders: Sequence[Path]) -> None:
        """Handle changes in these folders until the set of folders to watch may have changed."""
        from watchfiles import watch

        changes = watch(
            *folders,
            debounce=DEBOUNCE_MILLISECONDS,
            rust_timeout=_WAKE_MILLISECONDS,
            stop_event=self._stop,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
        )
        next(changes, None)  # the watch has begun
        self._reload(None)  # changes since loading were not seen
        self._ready.set()
        if self._folders() != folders:
            return
        for found in changes:
            if not found:
                continue
            paths = {Path(path) for _, path in found}
            self._reload_changed(paths)
            if any(path.parent == self._folder for path in paths) or self._folders() != folders:
                return

    def _reload_changed(self, paths: Iterable[Path]) -> None:
        known = {plugin.manifest.folder.resolve(): name for name, plugin in self._manager.plugins.items()}
        changed = {folder for path in paths if (folder := self._top(path)) is not None}
        if all(folder in known and folder.exists() for folder in changed):
            for folder in sorted(changed):
                self._reload(known[folder])
        else:
            self._reload(None)

    def _top(self, path: Path) -> Path | None:
        """Return the direct subfolder of the watched folder that contains a path."""
        try:
            parts = path.relative_to(self._folder).parts
        except ValueError:
            return None
        return (self._folder / parts[0]).resolve() if parts else self._folder

    def _reload(self, name: str | None) -> None:
        try:
            self._tell(self._manager.reload(name))
        except PluginError as error:  # the host is being closed, or the plugin has been removed since
            self._note(name or "", "warn", f"Not reloaded after a change of its folder: {error}")

    def _tell(self, report: ReloadReport) -> None:
        for change in report.changes:
            if change.change not in (Change.UNCHANGED, Change.FAILED):  # failures are logged where they happen
                self._note(change.plugin, "info", f"Followed a change of its folder: {change}")

    def _note(self, plugin: str, level: str, message: str) -> None:
        self._manager.services.log(LogRecord(plugin, level, message))


def check_watchable() -> None:
    """Raise ``WatchError`` unless the extra is installed."""
    if find_spec("watchfiles") is None:
        raise WatchError("watching folders needs watchfiles: pip install 'zenowasm[watch]'")
