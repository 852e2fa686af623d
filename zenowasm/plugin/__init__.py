"""The plugin host: finds plugins, loads them with their permissions, and calls their slots.

``Host`` is the way in. Source: the ABI document.
"""

from zenowasm.host.observer import BorderCall, Direction, Observer
from zenowasm.plugin.abi import Response, SlotDefinition
from zenowasm.plugin.audit import AuditFile, AuditRecord, AuditSink, audit_to_logging
from zenowasm.plugin.environment import HostEnvironment, load_environment
from zenowasm.plugin.errors import PluginError, SlotFailedError
from zenowasm.plugin.host import Host
from zenowasm.plugin.limits import PluginLimits
from zenowasm.plugin.manager import PluginManager
from zenowasm.plugin.metrics import CallStats, HostStats, PluginStats, Times
from zenowasm.plugin.reports import Change, PluginChange, PluginProblem, ReloadReport, ShutdownReport
from zenowasm.plugin.services import HostServices, LogRecord, LogSink, log_to_logging
from zenowasm.plugin.slots import register_slots
from zenowasm.plugin.trace import Decision

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
