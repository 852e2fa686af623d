"""Manages the plugins of a host: loads and reloads them, calls their slots by name, and closes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from zenowasm.backends.protocol import Budget, Engine
from zenowasm.backends.variants import EngineVariants
from zenowasm.closing import Closing
from zenowasm.plugin.configuration.manifest import plugin_folders, read_manifest
from zenowasm.plugin.configuration.versions import ZENO_VERSION
from zenowasm.plugin.errors import (
    AlreadyLoadedError,
    BusyError,
    ClosedError,
    LoadError,
    NotListedError,
    PluginError,
    PluginFolderError,
    RetiredError,
)
from zenowasm.plugin.guest.abi import Response, SlotDefinition
from zenowasm.plugin.lifecycle.catalog import Catalog
from zenowasm.plugin.lifecycle.executor import HostThreads
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin, Retirement
from zenowasm.plugin.lifecycle.loading import Loader
from zenowasm.plugin.lifecycle.reloading import Step, plan_reload
from zenowasm.plugin.lifecycle.reports import Change, PluginProblem, ReloadReport, ShutdownReport
from zenowasm.plugin.lifecycle.slot_cache import SlotCache
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.services import HostServices, LogRecord
from zenowasm.plugin.worker import SlotRequest
from zenowasm.zenolang.scope import Scope

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class PluginManager(Closing):
    """The plugins of one host. Several threads may use it; it is a context manager that closes itself.

    An ``engine`` with variants counts fuel only for plugins for which a limit or a caller requires it. ``reserved``
    tells whether a slot name belongs to the language, so that no plugin may declare it. With a ``cache``, plugins with
    known slots are loaded by their first call.
    """

    def __init__(
        self,
        engine: Engine | EngineVariants,
        services: HostServices | None = None,
        reserved: Callable[[str], bool] | None = None,
        cache: SlotCache | None = None,
    ) -> None:
        engines = engine if isinstance(engine, EngineVariants) else EngineVariants(engine)
        self.engine = engines.usual
        self.services = HostServices() if services is None else services
        self.problems: list[PluginProblem] = []
        self._loader = Loader(engines, self.services, cache)
        self._reserved = reserved
        self._catalog = Catalog()
        self._folders: list[Path] = []
        self._listeners: list[Callable[[], None]] = []
        self._claimed: set[str] = set()
        self._retiring: set[LoadedPlugin] = set()
        self._changing = threading.Lock()
        self._changer: int | None = None
        self._closing = False
        self._report: ShutdownReport | None = None
        self._threads = HostThreads(self.services.limits.async_threads, self.services.limits.async_pending)

    @property
    def catalog(self) -> Catalog:
        """The current plugins and slots."""
        return self._catalog

    @property
    def plugins(self) -> Mapping[str, LoadedPlugin]:
        """The loaded plugins by name, in loading order."""
        return self._catalog.plugins

    @property
    def slots(self) -> Mapping[str, tuple[LoadedPlugin, SlotDefinition]]:
        """Every slot with its plugin."""
        return {slot: (plugin, plugin.slots[slot]) for slot, plugin in self._catalog.owners.items()}

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` without arguments after each loading, replacement or removal of plugins."""
        self._listeners.append(listener)

    def load_folder(self, folder: Path) -> None:
        """Load every plugin in the subfolders of ``folder``, in the order of their names.

        A plugin that cannot be loaded is recorded in ``problems`` and logged, and the others are still loaded. A plugin
        that is not on the whitelist is logged at ``info``. A missing folder is a problem, too; a later ``reload`` looks
        for it again.
        """
        if folder not in self._folders:
            self._folders.append(folder)
        candidates = self.candidates(folder)
        if candidates is None:
            missing = PluginFolderError(f"no plugin folder at {folder}: expected one subdirectory per plugin")
            self.problems.append(PluginProblem(folder, missing))
            self._note("", "warn", f"Plugin directory does not exist: {folder}")
        for candidate in candidates or ():
            try:
                self.load(candidate)
            except PluginError as error:
                self.problems.append(PluginProblem(candidate, error))
                if isinstance(error, NotListedError):
                    self._note(candidate.name, "info", str(error))
                else:
                    self._note(candidate.name, "error", f"Failed to load plugin: {error}")

    def candidates(self, folder: Path) -> list[Path] | None:
        """Return the subfolders that may contain a plugin, ``None`` if ``folder`` is missing; raises ``LoadError``."""
        try:
            found = plugin_folders(folder)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LoadError(f"failed to read plugin directory: {folder}: {error.strerror}") from error
        limit = self.services.limits.plugins
        if len(found) > limit:
            raise LoadError(f"{folder} holds {len(found)} plugins, the limit is {limit}")
        return found

    def load(self, folder: Path) -> LoadedPlugin:
        """Load the plugin in ``folder``.

        Raises ``ManifestError``, ``ConfigError``, ``LoadError``, ``AlreadyLoadedError``, ``SlotConflictError`` if one
        of its slots is already taken, ``ClosedError``, and ``BusyError`` inside another change by this thread.
        """
        manifest = read_manifest(folder, ZENO_VERSION)
        with self._change() as catalog:
            if manifest.name in catalog.plugins:
                raise AlreadyLoadedError(f"plugin {manifest.name} already loaded")
            plugin = self._loader.load(manifest)
            try:
                self._publish(catalog.replaced(None, plugin, self._is_reserved))
            except LoadError:
                plugin.retire(0)
                raise
        self._notify_listeners()
        return plugin

    def reload(self, name: str | None = None, *, drain_seconds: float | None = None) -> ReloadReport:
        """Replace the loaded plugins by the current files in their folders, and report the result.

        With ``name``, one plugin is reloaded. Otherwise all are, including new ones in a folder that was loaded and
        those whose folder is gone. New versions are first loaded and checked completely; then all valid ones take over
        in one step. Running calls finish in the version in which they began; this method waits for them, up to
        ``drain_seconds``, by default those of ``HostServices``. A version that cannot be loaded changes nothing. Raises
        ``NotLoadedError``, ``ClosedError``, ``LoadError`` for a folder that cannot be read, and ``BusyError`` inside
        another change by this thread.
        """
        with self._change() as catalog:
            loaded = list(catalog.plugins.values()) if name is None else [catalog.plugin(name)]
            folders = self._present_folders() if name is None else []
            plan = plan_reload(self._loader, catalog, loaded, folders, self._is_reserved, may_go=name is None)
            # Closing the host waits for calls that an earlier reload abandoned and that are still running.
            self._retiring = {old for old in self._retiring if old.calls_in_flight} | set(plan.replaced)
            self._publish(plan.catalog)
            self._note_problems(plan.steps)
        if plan.catalog is not catalog:
            self._notify_listeners()
        for plugin in plan.rejected:
            plugin.retire(0)
        end = monotonic() + self._drain_seconds(drain_seconds)
        endings = {plugin: self._retire(plugin, end) for plugin in plan.replaced}
        return ReloadReport(tuple(step.told(endings.get(step.old) if step.old else None) for step in plan.steps))

    def call(
        self,
        slot: str,
        parameters: Mapping[str, object] | None = None,
        scope: Scope | None = None,
        budget: Budget | None = None,
        *,
        started: float | None = None,
        shows_scope: bool = False,
    ) -> Response:
        """Call a slot of any plugin and return the plugin's response, successful or not.

        This is the only way to call a slot. ``started`` is the time, by ``time.monotonic``, from which the call's time
        counts, by default now. The other arguments are those of ``SlotRequest`` and ``LoadedPlugin.execute``. Raises
        ``NotLoadedError`` or ``SlotNotFoundError`` if no plugin has the slot, ``ClosedError``, and the errors of
        ``LoadedPlugin.execute``.
        """
        trace = CallTrace(slot=slot)
        plugin = self._begin(trace)
        try:
            request = SlotRequest(slot, parameters or {}, scope, budget, started or monotonic(), trace)
            return plugin.execute(request, shows_scope=shows_scope)
        finally:
            plugin.end(trace)

    def check(self, slot: str, parameters: Mapping[str, object]) -> None:
        """Check the parameters of a later call; raises ``InputError``, and the errors of ``call`` for an
        unknown slot.
        """
        trace = CallTrace(slot=slot)
        plugin = self._begin(trace)
        try:
            plugin.check(trace, parameters)
        finally:
            plugin.end(trace)

    def submit(self, work: Callable[[], T], *, wait: bool = True) -> Future[T]:
        """Run ``work`` on the host's threads; ``close`` waits for it.

        If too much work is pending, this waits, or without ``wait`` raises ``BusyError``. Raises ``ClosedError``.
        """
        return self._threads.submit(work, wait=wait)

    def close(self, drain_seconds: float | None = None) -> ShutdownReport:
        """Refuse new calls, wait up to ``drain_seconds`` for running ones, and run every cleanup once.

        ``drain_seconds`` is by default that of ``HostServices``. Work submitted before may still call slots. A second
        call returns the report of the first.
        """
        self._closing = True
        seconds = self._drain_seconds(drain_seconds)
        end = monotonic() + seconds
        cancelled = self._threads.close(seconds)
        with self._alone():
            if self._report is None:
                plugins = [*self._retiring, *self._catalog.plugins.values()]
                endings = [self._retire(plugin, end) for plugin in plugins]
                self._report = ShutdownReport(tuple(endings), cancelled)
            return self._report

    def _begin(self, call: CallTrace) -> LoadedPlugin:
        """Begin a call in the plugin that has its slot, and return the plugin."""
        while True:
            if self._closing and not self._threads.is_one:
                raise ClosedError("the plugin host is closed")
            catalog = self._catalog
            plugin = catalog.owners.get(call.slot) or catalog.owner(call.slot)
            try:
                plugin.begin(call)
            except RetiredError:
                if self._catalog is catalog:
                    raise
                continue  # a reload has replaced the plugin since
            return plugin

    @contextmanager
    def _change(self) -> Iterator[Catalog]:
        """Let one thread at a time change the plugins; yields the current catalog."""
        with self._alone():
            if self._closing:
                raise ClosedError("the plugin host is closed")
            yield self._catalog

    @contextmanager
    def _alone(self) -> Iterator[None]:
        thread = threading.get_ident()
        if self._changer == thread:
            raise BusyError("the plugins cannot be changed by a log sink or an observer while they are being changed")
        with self._changing:
            self._changer = thread
            try:
                yield
            finally:
                self._changer = None

    def _drain_seconds(self, given: float | None) -> float:
        return self.services.drain_seconds if given is None else given

    def _is_reserved(self, slot: str) -> bool:
        # The language also knows the slots of plugins, but these are not reserved.
        return self._reserved is not None and slot not in self._claimed and self._reserved(slot)

    def _publish(self, catalog: Catalog) -> None:
        """Make a new catalog visible to all later calls, in one step."""
        self._claimed.update(catalog.owners)
        self._catalog = catalog

    def _notify_listeners(self) -> None:
        for listener in self._listeners:
            listener()

    def _retire(self, plugin: LoadedPlugin, end: float) -> Retirement:
        ending = plugin.retire(max(end - monotonic(), 0.0))
        if ending.abandoned:
            self._note(plugin.name, "warn", f"{ending.abandoned} calls of version {plugin.version} are not waited for")
        return ending

    def _present_folders(self) -> list[Path]:
        return [candidate for folder in self._folders for candidate in self.candidates(folder) or ()]

    def _note_problems(self, steps: Sequence[Step]) -> None:
        """Update the problems of the plugins that a reload examined, and count the new ones."""
        looked_at = {step.folder for step in steps}
        self.problems[:] = [problem for problem in self.problems if problem.folder not in looked_at]
        for step in steps:
            if step.change in (Change.RELOADED, Change.FAILED):
                self.services.instrumentation.reloaded(step.name, failed=step.change is Change.FAILED)
            if step.error is not None:
                self.problems.append(PluginProblem(step.folder, step.error))
                self._note(step.name, "error", f"Failed to reload plugin: {step.error}")

    def _note(self, plugin: str, level: str, message: str) -> None:
        self.services.log(LogRecord(plugin, level, message))
