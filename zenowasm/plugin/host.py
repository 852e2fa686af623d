"""The plugin host as a Python program uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from zenowasm.backends import registry as backends
from zenowasm.backends.protocol import Budget, Engine, Store
from zenowasm.backends.variants import EngineVariants
from zenowasm.display import nearest
from zenowasm.host.observer import Observer
from zenowasm.plugin.configuration.environment import HostEnvironment, load_environment
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.settings import Settings, read_settings
from zenowasm.plugin.errors import ClosedError, ScriptFileError, SlotFailedError
from zenowasm.plugin.guest.abi import Response, SlotDefinition
from zenowasm.plugin.guest.code import check_limits
from zenowasm.plugin.guest.jsonvalue import JSONValue
from zenowasm.plugin.lifecycle.folder_watch import FolderWatch
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.reports import PluginProblem, ReloadReport, ShutdownReport
from zenowasm.plugin.lifecycle.slot_cache import SlotCache
from zenowasm.plugin.observing.audit import AuditSink
from zenowasm.plugin.observing.metrics import HostStats
from zenowasm.plugin.observing.watching import make_watch
from zenowasm.plugin.provisions import Provisions
from zenowasm.plugin.services import DRAIN_SECONDS, HostServices, LogRecord, LogSink, given, log_to_logging
from zenowasm.plugin.slots import register_slots
from zenowasm.zenolang import Evaluator, Scope, SlotRegistry, default_registry, parse

if TYPE_CHECKING:
    from zenowasm.plugin.observing.telemetry import Telemetry
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

MAX_SCRIPT_BYTES = 1 << 24


class Host:
    """A plugin host: the plugins of a folder on an engine, called by their slots' names.

    May be used by several threads and event loops at once. A context manager, ``async with`` included, that closes
    itself::

        with Host("plugins") as host:
            host.call("hello.greet", name="World")
    """

    def __init__(
        self,
        plugin_dir: Path | str | None = None,
        *,
        backend: str | Engine = backends.DEFAULT,
        lazy: bool = True,
        environment: HostEnvironment | None = None,
        limits: PluginLimits | None = None,
        log: LogSink = log_to_logging,
        slots: SlotRegistry | None = None,
        config: Path | str | Settings | None = None,
        allow_sidecars: bool | None = None,
        watch: bool = False,
        databases: Databases | None = None,
        http: HttpClient | None = None,
        files: Folder | None = None,
        audit: AuditSink | Path | str | None = None,
        telemetry: Telemetry | None = None,
        observer: Observer | None = None,
        on_store: Callable[[str, Store], None] | None = None,
    ) -> None:
        """Open a host and load its plugins.

        With ``plugin_dir`` the plugins in its folders are loaded; without it, those of ``ZENO_PLUGIN_DIR`` if
        ``ZENO_PLUGINS_ENABLED`` or the settings say so. ``lazy`` remembers the slots of each binary in a cache (in
        ``ZENO_CACHE_DIR``, else where the platform keeps caches), and decodes a binary that it knows only when one of
        its slots is called. ``environment`` defaults to the process's variables and ``.env``. ``slots`` are the words
        that scripts know, those of the language unless given; the plugins' are added. ``config`` are the settings or
        their file, by default as ``read_settings`` finds it; ``limits``, ``databases``, ``http`` and ``files`` stand in
        the place of what it says, and the host does not close what it is given; so does ``allow_sidecars``, which lets
        plugins run that are native processes. With ``watch`` plugins are reloaded when something changes in their
        folders (``FolderWatch``). The rest is as in ``HostServices``.
        ``audit`` takes a record of each call of a host function: a sink, or the file to which they are written.
        ``telemetry`` tells OpenTelemetry. Plugins that cannot be loaded, and a ``plugin_dir`` that does not exist, are
        in ``problems``, and logged. Raises
        ``BackendError`` for an engine that is unknown or not installed, ``PluginError`` when the folder, the settings
        or ``.env`` cannot be read, and ``TypeError`` for ``limits`` of another type.
        """
        if limits is not None and not isinstance(limits, PluginLimits):
            raise TypeError(f"limits must be PluginLimits, such as PluginLimits(seconds=2), found {limits!r}")
        environment = load_environment() if environment is None else environment
        if not isinstance(config, Settings):
            config = read_settings(environment, None if config is None else Path(config))
        limits = config.host_limits() if limits is None else limits
        if isinstance(backend, str):
            engines = EngineVariants.named(backend, config.engine_options(environment, limits))
        else:
            engines = EngineVariants(backend)
        policy = config.policy()
        check_limits(policy.engine_limits(limits), engines.counting() if limits.fuel is not None else engines.usual)
        self._resources = ExitStack()
        observed = make_watch(config, engines.usual.name, audit, telemetry, self._resources)
        try:
            self._provisions = Provisions(config, environment.variables)
        except BaseException:
            self._resources.close()
            raise
        self._resources.callback(self._provisions.close)
        services = HostServices(
            log=log,
            environment=environment.variables,
            limits=limits,
            policy=policy if allow_sidecars is None else evolve(policy, allow_sidecars=allow_sidecars),
            drain_seconds=DRAIN_SECONDS if config.drain_seconds is None else config.drain_seconds,
            databases=self._provisions.databases if databases is None else given(databases),
            http=self._provisions.http if http is None else given(http),
            files=self._provisions.files if files is None else given(files),
            watch=observed,
            observer=observer,
            on_store=on_store,
        )
        cache = SlotCache.of(environment.variables, services.limits.slots, config.cache.enabled) if lazy else None
        self._folder_watch: FolderWatch | None = None
        self._environment = environment.variables
        self._registry = default_registry() if slots is None else slots
        self.manager = PluginManager(engines, services, self._registry.__contains__, cache)
        if plugin_dir is None and config.plugins_enabled(environment):
            plugin_dir = config.plugin_folder(environment)
        try:
            if plugin_dir is not None:
                self.manager.load_folder(Path(plugin_dir))
            register_slots(self.manager, self._registry)
            self._warn_of_unknown_plugins(config)
            if watch and plugin_dir is not None:
                self._folder_watch = FolderWatch(self.manager, Path(plugin_dir))
        except BaseException:
            self.close(0)
            raise

    @property
    def plugins(self) -> Mapping[str, LoadedPlugin]:
        """The loaded plugins by name, in the order in which they were loaded."""
        return self.manager.plugins

    @property
    def slots(self) -> Mapping[str, SlotDefinition]:
        """The plugins' slots by name."""
        return {name: definition for name, (_, definition) in self.manager.slots.items()}

    @property
    def problems(self) -> tuple[PluginProblem, ...]:
        """The plugins that could not be loaded, and why."""
        return tuple(self.manager.problems)

    def stats(self) -> HostStats:
        """Return what the plugins have done since the host was opened: calls, failures, times, fuel, host functions."""
        return self.manager.services.watch.stats()

    def call(
        self,
        slot: str,
        parameters: Mapping[str, object] | None = None,
        /,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        **more: object,
    ) -> dict[str, JSONValue]:
        """Call a slot and return the data that it answers, empty when there is none.

        Parameters are given by name, or in a mapping where a name is no Python word or is one of these. They are
        checked against the slot's declared inputs, as a script's are. ``timeout`` (seconds) and ``fuel`` bound this
        call; where the plugin's own limits are stricter, those do. Raises ``SlotFailedError`` with the plugin's message
        when the slot does not succeed, ``InputError``, ``NotLoadedError``, ``SlotNotFoundError``, ``ClosedError``,
        what ``LoadedPlugin.execute`` raises, and ``ValueError`` for a bound that is not greater than 0.
        """
        given = {**parameters, **more} if parameters else more
        return _data(slot, self.manager.call(slot, given, None, _budget(timeout, fuel)))

    async def call_async(
        self,
        slot: str,
        parameters: Mapping[str, object] | None = None,
        /,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        **more: object,
    ) -> dict[str, JSONValue]:
        """Call a slot on the host's threads, while the event loop goes on; as ``call`` otherwise.

        Waiting for a thread is part of ``timeout``. When the awaiting task is cancelled, a call that has not begun
        never does, and one that has begun ends by itself, with its answer lost. Raises ``BusyError`` when
        ``async_pending`` calls are waiting already.
        """
        import asyncio  # few programs need it, and it takes as long to import as a sixth of the host

        given, budget = {**(parameters or {}), **more}, _budget(timeout, fuel)
        call = partial(self.manager.call, slot, given, None, budget, started=monotonic())
        future = self.manager.submit(call, wait=False)
        try:
            return _data(slot, await asyncio.wrap_future(future))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise ClosedError("the plugin host was closed before the call began") from None

    def run_script(
        self,
        script: Path | str,
        variables: Mapping[str, object] | None = None,
        *,
        output: Callable[[str], None] = print,
    ) -> dict[str, object]:
        """Run a ZenoLang script with the plugins' slots and return its variables.

        ``script`` is a path, or a string: the name of a file when it is one line that ends in ``.zl``, else the script
        itself. ``variables`` are there from the beginning; ``output`` gets each line that is logged or printed. Raises
        ``ZenoError``, and ``ScriptFileError`` for a file that cannot be read.
        """
        if isinstance(script, str) and not (script.endswith(".zl") and "\n" not in script):
            program, folder = parse(script, "script"), Path()
        else:
            program, folder = parse(_read(Path(script)), os.fspath(script)), Path(script).parent
        scope = Scope(variables)
        Evaluator(self._registry, output=output, environment=self._environment, base_directory=folder).run(
            program, scope
        )
        return scope.variables()

    def reload(self, name: str | None = None, *, drain_seconds: float | None = None) -> ReloadReport:
        """Put what lies in the plugins' folders in the place of what is loaded; see ``PluginManager.reload``."""
        return self.manager.reload(name, drain_seconds=drain_seconds)

    def close(self, drain_seconds: float | None = None) -> ShutdownReport:
        """Let the calls under way end, let each plugin clean up, and take no more; see ``PluginManager.close``."""
        if self._folder_watch is not None:
            self._folder_watch.close()
        try:
            return self.manager.close(drain_seconds)
        finally:
            self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def _known_names(self) -> list[str]:
        return [*self.manager.plugins, *(problem.folder.name for problem in self.manager.problems)]

    def _warn_of_unknown_plugins(self, config: Settings) -> None:
        """Log each plugin that only the settings know: its limits hold for nobody, perhaps for a slip of the pen."""
        known = self._known_names()
        for name in config.plugins:
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean {near}?" if near else ""
                message = f"{config.file}: wasm.plugins.{name}: no plugin of that name was found{hint}"
                self.manager.services.log(LogRecord("", "warn", message))


def _data(slot: str, response: Response) -> dict[str, JSONValue]:
    """Return the data of an answer; raises ``SlotFailedError`` for one without success."""
    if not response.success:
        raise SlotFailedError(slot, response.error or "the slot did not say why", response.data)
    return response.data or {}


def _budget(timeout: float | None, fuel: int | None) -> Budget | None:
    if timeout is None and fuel is None:
        return None
    for name, value, unit in (("timeout", timeout, "seconds"), ("fuel", fuel, "units")):
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number of {unit}, found {value!r}")
        if not value > 0:
            raise ValueError(f"{name} must be greater than 0, found {value}")
    return Budget(fuel, timeout)


def _read(file: Path) -> str:
    try:
        return read_bounded(file, MAX_SCRIPT_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise ScriptFileError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScriptFileError(f"{file}: expected a script in UTF-8, found other bytes at {error.start}") from error
