"""The plugin host: finds plugins, loads them with their permissions, and calls their slots.

``open_host`` is the way in. Source: the ABI document.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zenowasm.backends import registry as backends
from zenowasm.backends.protocol import Store
from zenowasm.host.observer import BorderCall, Direction, Observer
from zenowasm.plugin.abi import Response, SlotDefinition
from zenowasm.plugin.environment import HostEnvironment, load_environment
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.limits import PluginLimits
from zenowasm.plugin.manager import PluginManager, PluginProblem
from zenowasm.plugin.services import HostServices, LogRecord, LogSink, log_to_logging
from zenowasm.plugin.slots import register_slots
from zenowasm.zenolang.slots import SlotRegistry

__all__ = [
    "BorderCall",
    "Direction",
    "HostEnvironment",
    "HostServices",
    "LogRecord",
    "LogSink",
    "Observer",
    "PluginError",
    "PluginLimits",
    "PluginManager",
    "PluginProblem",
    "Response",
    "SlotDefinition",
    "load_environment",
    "open_host",
    "register_slots",
]


def open_host(
    backend: str = backends.DEFAULT,
    plugin_dir: Path | str | None = None,
    *,
    environment: HostEnvironment | None = None,
    log: Callable[[LogRecord], None] = log_to_logging,
    limits: PluginLimits | None = None,
    observer: Observer | None = None,
    on_store: Callable[[str, Store], None] | None = None,
    slots: SlotRegistry | None = None,
) -> PluginManager:
    """Open a plugin host on an engine and load its plugins; close it when done, or use it as a context manager.

    With ``plugin_dir`` the plugins in its folders are loaded; without it, those of ``ZENO_PLUGIN_DIR`` if
    ``ZENO_PLUGINS_ENABLED`` says so. ``environment`` defaults to the process's variables and ``.env``. With ``slots``
    the plugins' slots are registered there, for scripts to use. ``observer`` and ``on_store`` are those of
    ``HostServices``. Plugins that cannot be loaded are in the result's
    ``problems``. Raises ``BackendError`` for an engine that is unknown or not installed, ``PluginError`` when the
    folder or ``.env`` cannot be read.
    """
    environment = load_environment() if environment is None else environment
    services = HostServices(
        log=log,
        environment=environment.variables,
        limits=PluginLimits() if limits is None else limits,
        observer=observer,
        on_store=on_store,
    )
    manager = PluginManager(backends.engine(backend), services, reserved=None if slots is None else slots.__contains__)
    if plugin_dir is not None:
        manager.load_folder(Path(plugin_dir))
    elif environment.plugins_enabled:
        manager.load_folder(environment.plugin_dir)
    if slots is not None:
        register_slots(manager, slots)
    return manager
