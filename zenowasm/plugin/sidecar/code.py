"""The configuration of a plugin's process, resolved before it is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import LoadError
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.resolved import ResolvedPlugin
from zenowasm.plugin.services import HostServices

PROTOCOL: Final = "json-rpc"
_ALWAYS_PASSED: Final = ("PATH", "LANG", "LC_ALL", "TZ")
"""Variables that many programs need to run, or to run in the user's language; none of them contains secrets."""


@frozen
class SidecarCode:
    """The state that all processes of one plugin version share; ``environment`` is a process's complete environment."""

    plugin: ResolvedPlugin
    binary: Path
    environment: Mapping[str, str] = field(repr=False)
    log: PluginLog


def load_sidecar(manifest: Manifest, services: HostServices, version: str = "") -> SidecarCode:
    """Resolve the configuration of a plugin's processes without starting one; raises ``LoadError``, ``ConfigError``."""
    protocol = manifest.sidecar.protocol
    if protocol not in ("", PROTOCOL):
        raise LoadError(f"plugin {manifest.name}: sidecar.protocol: expected {PROTOCOL}, found {protocol!r}")
    plugin = ResolvedPlugin.of(manifest, services, version)
    environment = _environment(manifest, plugin.permissions, services.environment)
    return SidecarCode(plugin, manifest.binary_path.resolve(), environment, plugin.new_log())


def _environment(manifest: Manifest, permissions: Permissions, variables: Mapping[str, str]) -> dict[str, str]:
    """Return a process's environment: the variables that it needs to run, and those that the plugin may read."""
    passed = {name: os.environ[name] for name in _ALWAYS_PASSED if name in os.environ}
    passed.update(
        {
            name: variables[name]
            for name in manifest.permissions.env
            if permissions.may_read_env(name) and name in variables
        }
    )
    return {**passed, "ZENO_PLUGIN_NAME": manifest.name, "ZENO_SIDECAR": "true"}
