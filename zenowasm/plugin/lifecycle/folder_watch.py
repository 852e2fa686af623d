"""Reloads plugins when something changes in their folders; needs the extra ``watch``."""

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
"""How long changes are collected, so that a build which writes several files is one change."""
_WAKE_MILLISECONDS: Final = 250


class WatchError(PluginError):
    """A folder cannot be watched."""


class FolderWatch:
    """A thread that follows what happens in a folder of plugins until it is closed.

    A plugin in whose folder something has changed is reloaded, new ones are loaded, and those whose folder is gone are
    removed; ``manager`` does all of that as ``PluginManager.reload`` says. A version that cannot be loaded, such as a
    file that is written at the moment, leaves the old one in place and is tried again at the next change.
    """

    def __init__(self, manager: PluginManager, folder: Path) -> None:
        """Begin to watch ``folder``; raises ``WatchError`` when it is not there, or the extra is not."""
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
        """Stop watching, and wait until a reload under way is over."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._follow_folders(self._folders())
        except (OSError, RuntimeError) as error:  # what the library raises
            self._failure = error
            self._note("", "error", f"No longer watching {self._folder}: {error}")
        finally:
            self._ready.set()

    def _folders(self) -> list[Path]:
        """Return the folders in which a change matters: each plugin's, its binary's, and the one that holds them all.

        They are watched one by one, since a watch of a whole tree would follow links out of it.
        """
        folders = {self._folder, *plugin_folders(self._folder)}
        folders.update(plugin.manifest.binary_path.parent for plugin in self._manager.plugins.values())
        return sorted(folder for folder in folders if folder.is_dir())

    def _follow_folders(self, folders: Sequence[Path]) -> None:
        """Follow what happens in these folders until there may be others to watch."""
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
        self._reload(None)  # what changed between loading and now was not seen
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
        """Return which of the folders in the watched one a path is, or lies in."""
        try:
            parts = path.relative_to(self._folder).parts
        except ValueError:
            return None
        return (self._folder / parts[0]).resolve() if parts else self._folder

    def _reload(self, name: str | None) -> None:
        try:
            self._tell(self._manager.reload(name))
        except PluginError as error:  # the host is being closed, or the plugin has gone since
            self._note(name or "", "warn", f"Not reloaded after a change of its folder: {error}")

    def _tell(self, report: ReloadReport) -> None:
        for change in report.changes:
            if change.change not in (Change.UNCHANGED, Change.FAILED):  # failures are noted where they happen
                self._note(change.plugin, "info", f"Followed a change of its folder: {change}")

    def _note(self, plugin: str, level: str, message: str) -> None:
        self._manager.services.log(LogRecord(plugin, level, message))


def check_watchable() -> None:
    """Raise ``WatchError`` unless the extra is installed."""
    if find_spec("watchfiles") is None:
        raise WatchError("watching folders needs watchfiles: pip install 'zenowasm[watch]'")
