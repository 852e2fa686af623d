"""Loads the plugins of a folder and calls their slots by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import frozen

from zenowasm.backends.protocol import Engine
from zenowasm.plugin.abi import Response, SlotDefinition
from zenowasm.plugin.errors import (
    AlreadyLoadedError,
    ClosedError,
    LoadError,
    NotLoadedError,
    PluginError,
    SlotConflictError,
    SlotNotFoundError,
)
from zenowasm.plugin.loaded import LoadedPlugin
from zenowasm.plugin.manifest import plugin_folders, read_manifest
from zenowasm.plugin.services import HostServices, LogRecord
from zenowasm.plugin.versions import ZENO_VERSION
from zenowasm.zenolang.scope import Scope


@frozen
class PluginProblem:
    """A plugin that could not be loaded: its folder, and why."""

    folder: Path
    error: PluginError


class PluginManager:
    """The plugins of one host. May be used by several threads; a context manager that closes itself.

    ``reserved`` tells the slot names that no plugin may claim, since the language has them.
    """

    def __init__(
        self, engine: Engine, services: HostServices | None = None, reserved: Callable[[str], bool] | None = None
    ) -> None:
        self.engine = engine
        self.services = HostServices() if services is None else services
        self.problems: list[PluginProblem] = []
        self._reserved = reserved
        self._plugins: dict[str, LoadedPlugin] = {}
        self._owners: dict[str, LoadedPlugin] = {}
        self._lock = threading.Lock()
        self._accepting = True
        self._closed = False
        self._pool: ThreadPoolExecutor | None = None
        self._pending = threading.BoundedSemaphore(self.services.limits.async_pending)

    @property
    def plugins(self) -> Mapping[str, LoadedPlugin]:
        """The loaded plugins by name, in the order in which they were loaded."""
        return dict(self._plugins)

    @property
    def slots(self) -> Mapping[str, tuple[LoadedPlugin, SlotDefinition]]:
        """Every slot with its plugin."""
        return {slot: (plugin, plugin.slots[slot]) for slot, plugin in self._owners.items()}

    def load_folder(self, folder: Path) -> None:
        """Load every plugin in the folders of ``folder``, in the order of their names.

        What is wrong with one is recorded in ``problems`` and logged, and the others go on. A folder that does not
        exist is logged and holds no plugins.
        """
        try:
            candidates = plugin_folders(folder)
        except (FileNotFoundError, NotADirectoryError):
            self._note("", "warn", f"Plugin directory does not exist: {folder}")
            return
        except OSError as error:
            raise LoadError(f"failed to read plugin directory: {folder}: {error.strerror}") from error
        limit = self.services.limits.plugins
        if len(candidates) > limit:
            raise LoadError(f"{folder} holds {len(candidates)} plugins, the limit is {limit}")
        for candidate in candidates:
            try:
                self.load(candidate)
            except PluginError as error:
                self.problems.append(PluginProblem(candidate, error))
                self._note(candidate.name, "error", f"Failed to load plugin: {error}")

    def load(self, folder: Path) -> LoadedPlugin:
        """Load the plugin in ``folder``.

        Raises ``ManifestError``, ``ConfigError``, ``LoadError``, ``AlreadyLoadedError``, and ``SlotConflictError``
        when one of its slots is taken.
        """
        manifest = read_manifest(folder, ZENO_VERSION)
        with self._lock:
            self._check_free(manifest.name)
        plugin = LoadedPlugin(manifest, self.engine, self.services)
        with self._lock:
            self._check_free(manifest.name)
            conflict = self._conflict(plugin)
            if conflict is None:
                self._plugins[plugin.name] = plugin
                self._owners.update(dict.fromkeys(plugin.slots, plugin))
                return plugin
        self._cleanup(plugin)
        raise SlotConflictError(conflict)

    def call(self, slot: str, parameters: Mapping[str, object] | None = None, scope: Scope | None = None) -> Response:
        """Call a slot of whichever plugin has it and return the plugin's answer, successful or not.

        Raises ``NotLoadedError`` or ``SlotNotFoundError`` when no plugin has the slot, ``ClosedError``, and what
        ``LoadedPlugin.execute`` raises.
        """
        if self._closed:
            raise ClosedError("the plugin host is closed")
        plugin = self._owners.get(slot)
        if plugin is None:
            name = slot.partition(".")[0]
            if name in self._plugins:
                raise SlotNotFoundError(f"slot {slot} not found in plugin {name}")
            raise NotLoadedError(f"plugin {name} not loaded")
        return plugin.execute(slot, parameters or {}, scope)

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work`` on the host's threads; waits while too much is pending. Raises ``ClosedError``.

        ``work`` reports its own errors. ``close`` waits for all of it.
        """
        self._pending.acquire()
        try:
            with self._lock:
                if not self._accepting:
                    raise ClosedError("the plugin host is closing")
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self.services.limits.async_threads, "zenowasm-async")
                future = self._pool.submit(work)
        except ClosedError:
            self._pending.release()
            raise
        future.add_done_callback(lambda _: self._pending.release())

    def close(self) -> None:
        """Wait for what runs on the host's threads, then run every plugin's cleanup, once; later calls are refused."""
        with self._lock:
            self._accepting = False
        if self._pool is not None:
            # What was accepted before may still call slots, so the host counts as closed only after it.
            self._pool.shutdown(wait=True)
        with self._lock:
            self._closed = True
        for plugin in self._plugins.values():
            self._cleanup(plugin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check_free(self, name: str) -> None:
        if not self._accepting:
            raise ClosedError("the plugin host is closed")
        if name in self._plugins:
            raise AlreadyLoadedError(f"plugin {name} already loaded")

    def _conflict(self, plugin: LoadedPlugin) -> str | None:
        for slot in plugin.slots:
            if self._reserved is not None and self._reserved(slot):
                return f"plugin {plugin.name} claims the slot {slot}, which is built in"
            owner = self._owners.get(slot)
            if owner is not None:
                return f"plugin {plugin.name} claims the slot {slot}, which plugin {owner.name} already has"
        return None

    def _cleanup(self, plugin: LoadedPlugin) -> None:
        try:
            plugin.close()
        except PluginError as error:
            self._note(plugin.name, "error", f"Failed to cleanup plugin: {error}")

    def _note(self, plugin: str, level: str, message: str) -> None:
        self.services.log(LogRecord(plugin, level, message))
