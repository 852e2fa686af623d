"""The operator's policy, which manifests cannot override."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.configuration.limits import CONFIG_FILE, LimitSettings, LimitSource, PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest, PluginType
from zenowasm.plugin.errors import NotAdmittedError, NotListedError

SIDECAR_SECONDS: Final = 30.0
"""The default time limit of one sidecar call, in seconds (ABI document, section "Lifecycle")."""


@frozen
class HostPolicy:
    """The rules of one host. With the defaults, manifests decide.

    ``whitelist`` holds the names of the plugins that may load, ``None`` for all plugins; ``whitelist_place`` is its
    file, line and key. ``limits`` maps a plugin's name to limits that override the host's. If ``interruptible`` is
    false, plugins on an engine have no time limit unless a setting sets one. ``settings.Security`` describes the other
    fields.
    """

    whitelist: frozenset[str] | None = None
    whitelist_place: str = "the whitelist"
    strict: bool = False
    allow_network: bool = True
    allow_filesystem: bool = True
    allow_sidecars: bool = False
    interruptible: bool = True
    limits: Mapping[str, LimitSettings] = field(factory=dict)

    def check(self, manifest: Manifest) -> None:
        """Raise ``NotListedError`` if the plugin is not whitelisted, ``NotAdmittedError`` if another rule denies it."""
        name = manifest.name
        if self.whitelist is not None and name not in self.whitelist:
            raise NotListedError(f"plugin {name} is not on the whitelist: add it at {self.whitelist_place}")
        if manifest.type is PluginType.SIDECAR and not (self.allow_network and self.allow_filesystem):
            what = "allow_filesystem" if self.allow_network else "allow_network"
            raise NotAdmittedError(
                f"plugin {name} is a process of its own, which cannot be kept from network and files: "
                f"it needs wasm.security.{what}"
            )
        if manifest.type is PluginType.SIDECAR and not self.allow_sidecars:
            raise NotAdmittedError(
                f"plugin {name} is a process of its own, without a sandbox and with the rights of its "
                f"host: to allow it, set wasm.security.allow_sidecar in {CONFIG_FILE}"
            )
        if self.strict and manifest.warnings:
            first = manifest.warnings[0]
            raise NotAdmittedError(
                f"failed to parse manifest: {manifest.file}:{first.line}: {first.field}: {first.message} "
                "(an error in wasm.security.strict_mode)"
            )

    def permissions(self, manifest: Manifest) -> Permissions:
        """Return the permissions that the manifest grants and the host allows."""
        granted = manifest.granted()
        allowed = {"network": self.allow_network, "filesystem": self.allow_filesystem}
        withheld = [kind for kind, allowed_here in allowed.items() if not allowed_here and getattr(granted, kind)]
        return evolve(
            granted,
            network=granted.network if self.allow_network else (),
            filesystem=granted.filesystem if self.allow_filesystem else (),
            withheld=frozenset(withheld),
        )

    def engine_limits(self, host: PluginLimits) -> PluginLimits:
        """Return the limits of the ``host`` for plugins that run on its engine."""
        return host if self.interruptible or not _has_default_time(host) else evolve(host, seconds=None)

    def plugin_limits(self, manifest: Manifest, host: PluginLimits) -> PluginLimits:
        """Return the limits of a plugin: the host's, overridden by the policy's for this plugin, and lowered by the
        manifest's.
        """
        is_process = manifest.type is PluginType.SIDECAR
        if not is_process:
            host = self.engine_limits(host)
        elif _has_default_time(host):
            host = evolve(host, seconds=SIDECAR_SECONDS)
        own = self.limits.get(manifest.name, LimitSettings())
        # A limit from the command line applies to all plugins.
        limits = host.overridden(own, LimitSource.PLUGIN_CONFIG, keep=LimitSource.COMMAND)
        limits = limits.restricted(manifest.limits, LimitSource.MANIFEST)
        if not is_process:
            return limits
        sources = {**limits.sources, "instances": LimitSource.SIDECAR}
        return limits.stricter(evolve(limits, instances=manifest.sidecar.concurrency, sources=sources))


def _has_default_time(host: PluginLimits) -> bool:
    return host.seconds == PluginLimits().seconds and host.source("seconds") is LimitSource.DEFAULT
