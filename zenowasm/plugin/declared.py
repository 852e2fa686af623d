"""Asks a plugin which slots it has, without giving it anything of the host's."""

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

    The settings' limits hold. No database, network or file is reachable, whatever the manifest asks for, and a sidecar
    is never started. Raises ``LoadError`` and ``ConfigError``.
    """
    services = HostServices(
        log=log,
        environment=environment.variables,
        limits=settings.host_limits(),
        policy=evolve(settings.policy(), allow_sidecars=False),
    )
    # Without the cache of slots: what a plugin declares here might not be what it declares with a database.
    plugin = Loader(engines, services).load(manifest)
    plugin.retire(0)
    return tuple(plugin.slots.values())
