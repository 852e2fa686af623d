"""Everything that is known of a plugin's process before it is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.configuration.config import resolve_config, secret_values
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import LoadError
from zenowasm.plugin.guest.jsonvalue import encode
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.services import HostServices

PROTOCOL: Final = "json-rpc"
_ALWAYS_PASSED: Final = ("PATH", "LANG", "LC_ALL", "TZ")
"""Variables without which many programs do not run, or not in the user's language; none of them holds secrets."""


@frozen
class SidecarCode:
    """What all processes of one version of a plugin share.

    ``permissions`` and ``limits`` are what the manifest asks for and the host lets it have; ``environment`` is all that
    the process gets; ``request_context`` is the JSON that every request carries, empty without configuration;
    ``version`` is shown to those who watch the host.
    """

    manifest: Manifest
    binary: Path
    permissions: Permissions
    limits: PluginLimits
    environment: Mapping[str, str] = field(repr=False)
    redactor: Redactor
    request_context: bytes = field(repr=False)
    services: HostServices
    log: PluginLog
    version: str = ""

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def load_sidecar(manifest: Manifest, services: HostServices, version: str = "") -> SidecarCode:
    """Resolve what a plugin's processes need; nothing is started. Raises ``LoadError`` and ``ConfigError``."""
    protocol = manifest.sidecar.protocol
    if protocol not in ("", PROTOCOL):
        raise LoadError(f"plugin {manifest.name}: sidecar.protocol: expected {PROTOCOL}, found {protocol!r}")
    config = resolve_config(manifest, services.environment)
    limits = services.policy.plugin_limits(manifest, services.limits)
    redactor = Redactor(secret_values(manifest, services.environment))
    permissions = services.policy.permissions(manifest)
    return SidecarCode(
        manifest,
        manifest.binary_path.resolve(),
        permissions,
        limits,
        _environment(manifest, permissions, services.environment),
        redactor,
        encode({"config": dict(config)}) if config else b"",
        services,
        PluginLog(manifest.name, services.log, limits, redactor),
        version,
    )


def _environment(manifest: Manifest, permissions: Permissions, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a process: what it needs to run, and what the plugin may read anyway."""
    passed = {name: os.environ[name] for name in _ALWAYS_PASSED if name in os.environ}
    passed.update(
        {
            name: variables[name]
            for name in manifest.permissions.env
            if permissions.may_read_env(name) and name in variables
        }
    )
    return {**passed, "ZENO_PLUGIN_NAME": manifest.name, "ZENO_SIDECAR": "true"}
