"""The services of a host for all its plugins: logs, environment, limits, clocks, and instrumentation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import define, field, frozen

from zenowasm.backends.protocol import Store
from zenowasm.display import visible
from zenowasm.host.observer import Observer
from zenowasm.plugin.access.policy import HostPolicy
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.watch import Watch

if TYPE_CHECKING:  # imported where one of them is made
    from logging import Logger

    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

T = TypeVar("T")

LOG_LEVELS = ("debug", "info", "warn", "error")
DRAIN_SECONDS = 10.0
"""How long a version that is replaced, or a host that is closed, waits for its calls unless told otherwise."""


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
    plugins, and make them at the first call; ``None`` means not available. ``watch`` sees every call. ``on_store``
    takes a plugin's name and each store made for it, before anything runs in it.
    """

    log: LogSink = log_to_logging
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    limits: PluginLimits = field(factory=PluginLimits)
    policy: HostPolicy = field(factory=HostPolicy)
    drain_seconds: float = DRAIN_SECONDS
    databases: Callable[[], Databases | None] = _nothing
    http: Callable[[], HttpClient | None] = _nothing
    files: Callable[[], Folder | None] = _nothing
    watch: Watch = field(factory=Watch)
    observer: Observer | None = None
    on_store: Callable[[str, Store], None] | None = None
    realtime: Callable[[], int] = time.time_ns
    monotonic: Callable[[], int] = time.monotonic_ns
    random: Callable[[int], bytes] = os.urandom
