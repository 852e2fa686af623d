"""A plugin's manifest resolved by its host, for guests and sidecars alike."""

from __future__ import annotations

from typing import Self

from attrs import field, frozen

from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.configuration.config import resolve_config, secret_values
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.guest.jsonvalue import encode
from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.services import HostServices


@frozen
class ResolvedPlugin:
    """The state that all workers of one plugin version share.

    ``permissions`` and ``limits`` are those that the manifest requests and the host allows. ``request_context`` is the
    JSON ``context`` of every request, empty without configuration. ``version`` is for observers.
    """

    manifest: Manifest
    permissions: Permissions
    limits: PluginLimits
    redactor: Redactor
    request_context: bytes = field(repr=False)
    services: HostServices
    version: str = ""

    @classmethod
    def of(cls, manifest: Manifest, services: HostServices, version: str = "") -> Self:
        """Resolve a manifest on a host with these services; raises ``ConfigError``."""
        config = resolve_config(manifest, services.environment)
        return cls(
            manifest,
            permissions=services.policy.permissions(manifest),
            limits=services.policy.plugin_limits(manifest, services.limits),
            redactor=Redactor(secret_values(manifest, services.environment)),
            request_context=encode({"config": dict(config)}) if config else b"",
            services=services,
            version=version,
        )

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name

    def new_log(self) -> PluginLog:
        """Return a log of the plugin, which counts the messages of one call at a time."""
        return PluginLog(self.name, self.services.log, self.limits, self.redactor)

    def context(
        self, log: PluginLog, call: RunningCall | None = None, limits: PluginLimits | None = None
    ) -> HostContext:
        """Return the host functions' context for the plugin; ``limits`` default to the plugin's."""
        limits = self.limits if limits is None else limits
        call = RunningCall() if call is None else call
        return HostContext(self.name, self.permissions, log, self.services, limits, call, self.redactor)
