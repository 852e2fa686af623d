"""The plugin host for Python programs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zenowasm.backends import registry as backends
from zenowasm.backends.protocol import Budget, Engine, Store
from zenowasm.backends.variants import EngineVariants
from zenowasm.closing import Closing
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
from zenowasm.plugin.services import HostServices, LogRecord, LogSink, log_to_logging
from zenowasm.plugin.slots import register_slots
from zenowasm.zenolang import Evaluator, Program, Scope, SlotRegistry, default_registry, parse

if TYPE_CHECKING:
    from zenowasm.coredumps.writing import CoredumpWriter
    from zenowasm.plugin.observing.telemetry import Telemetry
    from zenowasm.recordings.recorder import Recorder
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

MAX_SCRIPT_BYTES = 1 << 24


class Host(Closing):
    """A plugin host: the plugins of a folder on one engine, called by the names of their slots.

    Several threads and event loops may use a host at once. It is a context manager, also for ``async with``, that
    closes itself.

    >>> with Host("examples/plugins") as host:
    ...     host.call("hello.greet", name="World")
    {'message': 'Hello, World!'}
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
        reload_on_change: bool = False,
        watch: bool = False,
        databases: Databases | None = None,
        http: HttpClient | None = None,
        files: Folder | None = None,
        audit: AuditSink | Path | str | None = None,
        telemetry: Telemetry | None = None,
        observer: Observer | None = None,
        on_store: Callable[[str, Store], None] | None = None,
        record: Recorder | Path | str | None = None,
        coredump: CoredumpWriter | Path | str | None = None,
    ) -> None:
        """Open a host and load its plugins.

        - ``plugin_dir`` is the folder with one subfolder per plugin. Without it, the host loads the folder
          ``ZENO_PLUGIN_DIR`` if ``ZENO_PLUGINS_ENABLED`` or the settings enable plugins.
        - ``backend`` is the engine, or its name.
        - ``lazy`` caches the slots of each binary, and decodes a known binary only when one of its slots is called.
        - ``environment`` defaults to the process environment and ``.env``.
        - ``slots`` are the slots that scripts can use, by default the language's; those of the plugins are added.
        - ``config`` are the settings or their file, by default the one that ``read_settings`` finds.
        - ``limits``, ``databases``, ``http``, ``files`` and ``allow_sidecars`` (native processes) override
          the settings. The host does not close the objects that it is given.
        - ``reload_on_change`` reloads plugins when their files change (``FolderWatch``); ``watch`` is its former name.
        - ``audit`` takes a record of each host call: a sink, or the path of a file.
        - ``telemetry`` reports calls to OpenTelemetry.
        - ``record`` records all calls across the border of the plugins, except sidecars, for a replay: the path of a
          file, or a ``Recorder``.
        - ``coredump`` is a file that gets a coredump whenever a plugin traps, with the plugin's memory, but without the
          values from the environment; or a ``CoredumpWriter``. The engine must be able to step, such as ``reference``.
        - ``log``, ``observer`` and ``on_store`` are those of ``HostServices``.

        Plugins that cannot be loaded, and a ``plugin_dir`` that does not exist, are logged and listed in ``problems``.
        Raises ``BackendError`` for an engine that is unknown or not installed, ``PluginError`` if the folder, the
        settings or ``.env`` cannot be read, ``RecordingError`` and ``CoredumpError`` if the recording or the coredump
        cannot be written, and ``TypeError`` for ``limits`` of another type.
        """
        if watch:
            warnings.warn("Host(watch=True) is now Host(reload_on_change=True)", DeprecationWarning, stacklevel=2)
            reload_on_change = True
        if limits is not None and not isinstance(limits, PluginLimits):
            raise TypeError(f"limits must be PluginLimits, such as PluginLimits(seconds=2), found {limits!r}")
        environment = load_environment() if environment is None else environment
        settings = _settings(config, environment)
        limits = settings.host_limits() if limits is None else limits
        if isinstance(backend, str):
            engines = EngineVariants.named(backend, settings.engine_options(environment, limits))
        else:
            engines = EngineVariants(backend)
        counting = engines.counting() if limits.fuel is not None else engines.usual
        check_limits(settings.policy().engine_limits(limits), counting)
        if coredump is not None:
            from zenowasm.coredumps.writing import check_engine  # few hosts write coredumps

            check_engine(counting)
        cache = SlotCache.of(environment.variables, limits.slots, settings.cache.enabled) if lazy else None
        self._folder_watch: FolderWatch | None = None
        self._registry = default_registry() if slots is None else slots
        self._services = HostServices.from_settings(
            settings,
            environment.variables,
            limits,
            engines.usual.name,
            allow_sidecars=allow_sidecars,
            databases=databases,
            http=http,
            files=files,
            audit=audit,
            telemetry=telemetry,
            log=log,
            observer=observer,
            on_store=on_store,
            record=record,
            coredump=coredump,
        )
        if self._services.recorder is not None:
            engines = engines.wrapped(self._services.recorder.engine)
        self.manager = PluginManager(engines, self._services, self._registry.__contains__, cache)
        if plugin_dir is None and settings.plugins_enabled(environment):
            plugin_dir = settings.plugin_folder(environment)
        try:
            if plugin_dir is not None:
                self.manager.load_folder(Path(plugin_dir))
            register_slots(self.manager, self._registry)
            self._warn_of_unknown_plugins(settings)
            if reload_on_change and plugin_dir is not None:
                self._folder_watch = FolderWatch(self.manager, Path(plugin_dir))
        except BaseException:
            self.close(0)
            raise

    @property
    def plugins(self) -> Mapping[str, LoadedPlugin]:
        """The loaded plugins by name, in loading order."""
        return self.manager.plugins

    @property
    def slots(self) -> Mapping[str, SlotDefinition]:
        """The plugins' slots by name."""
        return {name: definition for name, (_, definition) in self.manager.slots.items()}

    @property
    def problems(self) -> tuple[PluginProblem, ...]:
        """The plugins that could not be loaded, with the reasons."""
        return tuple(self.manager.problems)

    def stats(self) -> HostStats:
        """Return the plugins' statistics since the host was opened: calls, failures, times, fuel and host calls."""
        return self._services.instrumentation.stats()

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
        """Call a slot and return its data, which is empty if the slot returns none.

        Pass parameters by name, or in a mapping if a name is not a Python identifier or is one of this method's
        arguments. They are checked against the slot's declared inputs. ``timeout`` (in seconds) and ``fuel`` limit this
        call, unless the plugin's own limits are stricter. Raises ``SlotFailedError`` with the plugin's message if the
        slot fails, ``InputError``, ``NotLoadedError``, ``SlotNotFoundError``, ``ClosedError``, the errors of
        ``LoadedPlugin.execute``, and ``ValueError`` for a limit that is not greater than 0.
        """
        given = {**parameters, **more} if parameters else more
        budget = None if timeout is None and fuel is None else _budget(timeout, fuel)
        return _data(slot, self.manager.call(slot, given, None, budget))

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
        """Call a slot on the host's threads, without blocking the event loop; otherwise like ``call``.

        Waiting for a thread counts towards ``timeout``. If the awaiting task is cancelled, a call that has not begun is
        dropped, and a running call finishes without a result. Raises ``BusyError`` if ``async_pending`` calls are
        already waiting.
        """
        import asyncio  # few programs need it, and importing it takes a sixth of the host's import time

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
        script: Path | str | Program,
        variables: Mapping[str, object] | None = None,
        *,
        output: Callable[[str], None] = print,
    ) -> dict[str, object]:
        """Run a ZenoLang script with the plugins' slots and return its variables.

        ``script`` is a path, a parsed ``Program``, or a string: a file name if it is a single line that ends in
        ``.zl``, otherwise the script itself. ``variables`` are set before the script runs. ``output`` takes each logged
        or printed line. Raises ``ZenoError``, and ``ScriptFileError`` for a file that cannot be read.
        """
        program = script if isinstance(script, Program) else _program(script)
        folder = Path(program.file).parent
        scope = Scope(variables)
        Evaluator(self._registry, output=output, environment=self._services.environment, base_directory=folder).run(
            program, scope
        )
        return scope.variables()

    def reload(self, name: str | None = None, *, drain_seconds: float | None = None) -> ReloadReport:
        """Replace the loaded plugins by the current files in their folders; see ``PluginManager.reload``."""
        return self.manager.reload(name, drain_seconds=drain_seconds)

    def close(self, drain_seconds: float | None = None) -> ShutdownReport:
        """Finish running calls, clean up each plugin, and accept no new calls; see ``PluginManager.close``."""
        if self._folder_watch is not None:
            self._folder_watch.close()
        try:
            return self.manager.close(drain_seconds)
        finally:
            self._services.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def _known_names(self) -> list[str]:
        return [*self.manager.plugins, *(problem.folder.name for problem in self.manager.problems)]

    def _warn_of_unknown_plugins(self, settings: Settings) -> None:
        """Log each plugin that exists only in the settings, since its name may be misspelt."""
        known = self._known_names()
        for name in settings.plugins:
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean {near}?" if near else ""
                message = f"{settings.file}: wasm.plugins.{name}: no plugin of that name was found{hint}"
                self._services.log(LogRecord("", "warn", message))


def _settings(config: Path | str | Settings | None, environment: HostEnvironment) -> Settings:
    if isinstance(config, Settings):
        return config
    return read_settings(environment, None if config is None else Path(config))


def _data(slot: str, response: Response) -> dict[str, JSONValue]:
    """Return the data of a response; raises ``SlotFailedError`` for a failure."""
    if not response.success:
        raise SlotFailedError(slot, response.error or "the plugin gave no error message", response.data)
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


def _program(script: Path | str) -> Program:
    if isinstance(script, str) and not (script.endswith(".zl") and "\n" not in script):
        return parse(script, "script")
    return parse(_read(Path(script)), os.fspath(script))


def _read(file: Path) -> str:
    try:
        return read_bounded(file, MAX_SCRIPT_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise ScriptFileError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScriptFileError(f"{file}: expected a script in UTF-8, found other bytes at {error.start}") from error
