"""Determines a plugin's slots without giving it access to the host's resources."""

from __future__ import annotations

from attrs import evolve

from zenowasm.backends.variants import EngineVariants
from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.configuration.settings import Settings
from zenowasm.plugin.guest.abi import SlotDefinition
from zenowasm.plugin.lifecycle.loading import Loader
from zenowasm.plugin.services import HostServices, LogSink


def declared_slots(
    manifest: Manifest, engines: EngineVariants, settings: Settings, environment: HostEnvironment, log: LogSink
) -> tuple[SlotDefinition, ...]:
    """Load a plugin, and return the slots that it declares.

    The settings' limits apply. The plugin cannot access databases, network or files, whatever its manifest requests,
    and a sidecar is never started. Raises ``LoadError`` and ``ConfigError``.
    """
    services = HostServices(
        log=log,
        environment=environment.variables,
        limits=settings.host_limits(),
        policy=evolve(settings.policy(), allow_sidecars=False),
    )
    # Without the slot cache: the plugin might declare other slots if it could access a database.
    plugin = Loader(engines, services).load(manifest)
    plugin.retire(0)
    return tuple(plugin.slots.values())
