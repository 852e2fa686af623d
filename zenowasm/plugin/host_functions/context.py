"""The context that the host functions of one plugin instance share: identity, permissions, limits, running call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import define, field

from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.observing.trace import Decision
from zenowasm.plugin.services import HostServices


class RequestFailedError(Exception):
    """A host function failed. The guest receives the message."""

    decision: ClassVar = Decision.FAILED


class DeniedError(RequestFailedError):
    """The plugin's permissions or the host's policy deny a host call."""

    decision: ClassVar = Decision.DENIED


class NotAvailableError(RequestFailedError):
    """A host call is not available on this host or in this phase of the plugin's lifecycle."""

    decision: ClassVar = Decision.UNAVAILABLE


def text_field(request: Mapping[str, Any], key: str) -> str:
    """Return a request's text field, empty if it is missing; raises ``RequestFailedError``."""
    value = request.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestFailedError(f"invalid request JSON: {key} is not a string")
    return value or ""


@define(eq=False)
class HostContext:
    """The state of one plugin instance that its host functions use, for guests and sidecars alike.

    Identity and permissions belong to the instance, so they apply in every phase: while the module starts, in
    ``plugin_init``, in ``plugin_register_slots``, in a slot and in ``plugin_cleanup``. Each outermost call replaces
    ``call``.
    """

    plugin: str
    permissions: Permissions
    log: PluginLog
    services: HostServices
    limits: PluginLimits
    call: RunningCall = field(factory=RunningCall)
    redactor: Redactor = field(factory=Redactor)
