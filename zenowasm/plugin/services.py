"""The services of a host for all its plugins: logs, environment, limits, clocks, and instrumentation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from attrs import define, evolve, field, frozen

from zenowasm.backends.protocol import Store
from zenowasm.display import visible
from zenowasm.host.observer import Observer
from zenowasm.plugin.access.policy import HostPolicy
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.instrumentation import Instrumentation

if TYPE_CHECKING:  # imported only if one of them is created
    from logging import Logger

    from zenowasm.coredumps.writing import CoredumpWriter
    from zenowasm.plugin.configuration.settings import Settings
    from zenowasm.plugin.observing.audit import AuditSink
    from zenowasm.plugin.observing.telemetry import Telemetry
    from zenowasm.recordings.recorder import Recorder
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

T = TypeVar("T")

LOG_LEVELS = ("debug", "info", "warn", "error")
DRAIN_SECONDS = 10.0
"""The default time in seconds for which a replaced version or a closing host waits for running calls."""


@define(hash=True)
class LogRecord:
    """One message from a plugin, or from the host about a plugin. ``level`` is one of ``LOG_LEVELS``."""

    plugin: str
    level: str
    message: str


LogSink = Callable[[LogRecord], None]


def log_to_logging(record: LogRecord) -> None:
    """Pass a record to the ``logging`` logger ``zenowasm.plugin``, as one line."""
    logger, levels = _logger()
    logger.log(levels[record.level], "[%s] %s", visible(record.plugin), visible(record.message))


@cache
def _logger() -> tuple[Logger, Mapping[str, int]]:
    import logging

    levels = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
    return logging.getLogger("zenowasm.plugin"), levels


def given(resource: T) -> Callable[[], T]:
    """Provide an existing resource."""
    return lambda: resource


_nothing: Final = given(None)


@frozen
class HostServices:
    """The host's side of every plugin. All plugins and threads share it, so the given objects must be thread-safe.

    ``environment`` has the variables for configuration and for permitted ``host_env_get`` calls. ``limits`` apply to
    every plugin, and ``policy`` overrides all manifests. Clocks are in nanoseconds. ``drain_seconds`` is how long
    reloads and shutdown wait for running calls. ``databases``, ``http`` and ``files`` return the resources of permitted
    plugins, and make them at the first call; ``None`` means not available. ``instrumentation`` sees every call.
    ``on_store`` takes a plugin's name and each store made for it, before anything runs in it. ``recorder`` records the
    stores of its engines. ``coredumps`` writes a coredump when a guest traps.
    """

    log: LogSink = log_to_logging
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    limits: PluginLimits = field(factory=PluginLimits)
    policy: HostPolicy = field(factory=HostPolicy)
    drain_seconds: float = DRAIN_SECONDS
    databases: Callable[[], Databases | None] = _nothing
    http: Callable[[], HttpClient | None] = _nothing
    files: Callable[[], Folder | None] = _nothing
    instrumentation: Instrumentation = field(factory=Instrumentation)
    observer: Observer | None = None
    on_store: Callable[[str, Store], None] | None = None
    recorder: Recorder | None = None
    coredumps: CoredumpWriter | None = None
    realtime: Callable[[], int] = time.time_ns
    monotonic: Callable[[], int] = time.monotonic_ns
    random: Callable[[int], bytes] = os.urandom
    close: Callable[[], None] = _nothing

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        environment: Mapping[str, str],
        limits: PluginLimits,
        backend: str,
        *,
        allow_sidecars: bool | None = None,
        databases: Databases | None = None,
        http: HttpClient | None = None,
        files: Folder | None = None,
        audit: AuditSink | Path | str | None = None,
        telemetry: Telemetry | None = None,
        record: Recorder | Path | str | None = None,
        coredump: CoredumpWriter | Path | str | None = None,
        **more: Any,
    ) -> Self:
        """Return the services that the settings specify; ``close`` closes the resources opened for them.

        Keywords override the settings. Raises ``AuditError``, ``CoredumpError``, ``RecordingError`` and
        ``SettingsError``.
        """
        from zenowasm.plugin.provisions import Provisions  # plugins that are only described need no resources

        policy = settings.policy()
        with ExitStack() as stack:
            instrumentation = Instrumentation.from_settings(settings, backend, audit, telemetry, stack)
            provisions = Provisions(settings, environment)
            stack.callback(provisions.close)
            return cls(
                environment=environment,
                limits=limits,
                policy=policy if allow_sidecars is None else evolve(policy, allow_sidecars=allow_sidecars),
                drain_seconds=DRAIN_SECONDS if settings.drain_seconds is None else settings.drain_seconds,
                databases=provisions.databases if databases is None else given(databases),
                http=provisions.http if http is None else given(http),
                files=provisions.files if files is None else given(files),
                instrumentation=instrumentation,
                recorder=None if record is None else _recorder(record, stack),
                coredumps=None if coredump is None else _coredumps(coredump),
                close=stack.pop_all().close,
                **more,
            )


def _recorder(record: Recorder | Path | str, stack: ExitStack) -> Recorder:
    """Return a recorder, which ``stack`` closes unless it was given; raises ``RecordingError``."""
    from zenowasm.recordings.recorder import Recorder  # few hosts record

    return record if isinstance(record, Recorder) else stack.enter_context(Recorder(record))


def _coredumps(coredump: CoredumpWriter | Path | str) -> CoredumpWriter:
    """Return a writer of coredumps; raises ``CoredumpError``."""
    from zenowasm.coredumps.writing import CoredumpWriter  # few hosts write them

    return coredump if isinstance(coredump, CoredumpWriter) else CoredumpWriter(coredump)
