"""The plugin host: finds plugins, loads them with their permissions, and calls their slots.

``Host`` is the entry point. Source: the ABI document.
"""

from zenowasm.host.observer import BorderCall, Direction, Observer
from zenowasm.plugin.configuration.environment import HostEnvironment, load_environment
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import PluginError, SlotFailedError
from zenowasm.plugin.guest.abi import Response, SlotDefinition
from zenowasm.plugin.host import Host
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.reports import Change, PluginChange, PluginProblem, ReloadReport, ShutdownReport
from zenowasm.plugin.observing.audit import AuditFile, AuditRecord, AuditSink, audit_to_logging
from zenowasm.plugin.observing.metrics import CallStats, HostStats, PluginStats, Times
from zenowasm.plugin.observing.trace import Decision
from zenowasm.plugin.services import HostServices, LogRecord, LogSink, log_to_logging
from zenowasm.plugin.slots import register_slots

__all__ = [
    "AuditFile",
    "AuditRecord",
    "AuditSink",
    "BorderCall",
    "CallStats",
    "Change",
    "Decision",
    "Direction",
    "Host",
    "HostEnvironment",
    "HostServices",
    "HostStats",
    "LogRecord",
    "LogSink",
    "Observer",
    "PluginChange",
    "PluginError",
    "PluginLimits",
    "PluginManager",
    "PluginProblem",
    "PluginStats",
    "ReloadReport",
    "Response",
    "ShutdownReport",
    "SlotDefinition",
    "SlotFailedError",
    "Times",
    "audit_to_logging",
    "load_environment",
    "log_to_logging",
    "register_slots",
]
