"""The plugin host: finds plugins, loads them with their permissions, and calls their slots.

``Host`` is the way in. Source: the ABI document.
"""

from zenowasm.host.observer import BorderCall, Direction, Observer
from zenowasm.plugin.abi import Response, SlotDefinition
from zenowasm.plugin.environment import HostEnvironment, load_environment
from zenowasm.plugin.errors import PluginError, SlotFailedError
from zenowasm.plugin.host import Host
from zenowasm.plugin.limits import PluginLimits
from zenowasm.plugin.manager import PluginManager
from zenowasm.plugin.reports import Change, PluginChange, PluginProblem, ReloadReport, ShutdownReport
from zenowasm.plugin.services import HostServices, LogRecord, LogSink, log_to_logging
from zenowasm.plugin.slots import register_slots

__all__ = [
    "BorderCall",
    "Change",
    "Direction",
    "Host",
    "HostEnvironment",
    "HostServices",
    "LogRecord",
    "LogSink",
    "Observer",
    "PluginChange",
    "PluginError",
    "PluginLimits",
    "PluginManager",
    "PluginProblem",
    "ReloadReport",
    "Response",
    "ShutdownReport",
    "SlotDefinition",
    "SlotFailedError",
    "load_environment",
    "log_to_logging",
    "register_slots",
]
