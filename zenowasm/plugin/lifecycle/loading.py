"""Loads a version of a plugin: immediately, or at its first call if its slots are cached."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from math import inf
from time import monotonic
from types import MappingProxyType
from typing import Final

from attrs import frozen

from zenowasm.backends.protocol import Capability, Engine
from zenowasm.backends.variants import EngineVariants
from zenowasm.plugin.configuration.config import resolve_config
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest, PluginType
from zenowasm.plugin.errors import LoadError, PluginError
from zenowasm.plugin.guest.code import PluginCode, load_code, read_binary
from zenowasm.plugin.guest.instance import PluginInstance
from zenowasm.plugin.lifecycle.loaded_plugin import Declaration, LoadedPlugin, Version
from zenowasm.plugin.lifecycle.pool import LONGEST_WAIT, SHORT
from zenowasm.plugin.lifecycle.slot_cache import SlotCache
from zenowasm.plugin.services import HostServices, LogRecord
from zenowasm.plugin.worker import Worker, WorkerMaker

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


@frozen
class Loader:
    """A loader of plugins for one engine; with a ``cache``, a known binary is not decoded before its first call.

    A plugin with a fuel limit is loaded onto the engine variant that counts fuel.
    """

    engines: EngineVariants
    services: HostServices
    cache: SlotCache | None = None

    def load(self, manifest: Manifest, *, now: bool = False) -> LoadedPlugin:
        """Return a version of a plugin that is ready for calls.

        If the plugin's slots are in the cache, its first call loads it, unless ``now`` is true. Otherwise this method
        loads it and keeps the first instance for calls. Raises ``ConfigError`` and ``LoadError``.
        """
        self.services.policy.check(manifest)
        resolve_config(manifest, self.services.environment)  # report errors now, not at the first call
        binary = read_binary(manifest, self.services.limits.binary_bytes)
        version = Version.of(manifest, binary)
        make_maker = _MAKERS[manifest.type]
        now = now or (manifest.type is PluginType.SIDECAR and manifest.sidecar.auto_start)
        limits = self.services.policy.plugin_limits(manifest, self.services.limits)
        counts_fuel = limits.fuel is not None and manifest.type is PluginType.WASM
        cache, engine = self.cache, self.engines.usual
        known = cache.get(version.sha256, engine) if cache is not None and not now else None
        if known is not None:
            late = _DeferredLoader(self, manifest, version, known, make_maker, counts_fuel=counts_fuel)
            return self._generation(manifest, version, known, limits, late)
        make, first = self.start(manifest, binary, make_maker, counts_fuel=counts_fuel)
        declaration = Declaration(first.metadata, first.slots)
        if cache is not None:
            cache.put(version.sha256, engine, declaration)
        return self._generation(manifest, version, declaration, limits, make, first)

    def current(self, manifest: Manifest) -> Version:
        """Return the version of a plugin that is in its folder; raises ``LoadError``."""
        return Version.of(manifest, read_binary(manifest, self.services.limits.binary_bytes))

    def start(
        self, manifest: Manifest, binary: bytes, make_maker: MakerFactory, *, counts_fuel: bool
    ) -> tuple[WorkerMaker, Worker]:
        """Return the maker of a plugin's workers, and the first worker; raises ``LoadError``."""
        with self.services.instrumentation.step("zenowasm.load", manifest.name):
            engine = self.engines.counting() if counts_fuel else self.engines.usual
            make = make_maker(manifest, binary, engine, self.services)
            return make, make()

    def _generation(
        self,
        manifest: Manifest,
        version: Version,
        declaration: Declaration,
        limits: PluginLimits,
        make: WorkerMaker,
        first: Worker | None = None,
    ) -> LoadedPlugin:
        def report(error: PluginError) -> None:
            self.services.log(LogRecord(manifest.name, "error", f"Failed to cleanup plugin: {error}"))

        counting = None
        if manifest.type is PluginType.WASM and self.engines.differ and limits.fuel is None:
            counting = _DeferredLoader(self, manifest, version, declaration, _MAKERS[manifest.type], counts_fuel=True)
        return LoadedPlugin(
            manifest,
            version,
            declaration,
            make,
            limits,
            report,
            first,
            self.services.instrumentation,
            in_turns_below=self._in_turns_below(manifest),
            make_counting=counting,
        )

    def _in_turns_below(self, manifest: Manifest) -> float:
        """Return the duration below which calls run in turns, because Python's global lock is their bottleneck."""
        if manifest.type is PluginType.SIDECAR:
            return 0.0
        return SHORT if Capability.PARALLEL in self.engines.usual.capabilities else inf


class _DeferredLoader:
    """A worker maker that loads a plugin at its first call, and checks that the plugin matches the cached declaration.

    After a failure, later calls fail with the same error during a pause, which doubles with each failure: a broken
    plugin must not be compiled for every call.
    """

    def __init__(
        self,
        loader: Loader,
        manifest: Manifest,
        version: Version,
        known: Declaration,
        make_maker: MakerFactory,
        *,
        counts_fuel: bool,
    ) -> None:
        self._loader = loader
        self._manifest = manifest
        self._version = version
        self._known = known
        self._make_maker = make_maker
        self._counts_fuel = counts_fuel
        self._make: WorkerMaker | None = None
        self._lock = threading.Lock()
        self._failure = ""
        self._pause = _FIRST_PAUSE
        self._again_at = 0.0

    def __call__(self) -> Worker:
        if self._make is None and (first := self._load_once()) is not None:
            return first
        make = self._make
        assert make is not None
        return make()

    def _load_once(self) -> Worker | None:
        """Load the plugin and return its first worker; return ``None`` if another thread has already loaded it."""
        # Two plugins whose first calls wait for each other, through a log sink, must not wait forever.
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            raise LoadError(f"plugin {self._manifest.name} is still being loaded after {LONGEST_WAIT:g} s")
        try:
            if self._make is not None:
                return None
            self._refuse_too_soon()
            try:
                self._make, first = self._load()
            except PluginError as error:
                self._note(error)
                raise
            return first
        finally:
            self._lock.release()

    def _load(self) -> tuple[WorkerMaker, Worker]:
        loader, name = self._loader, self._manifest.name
        binary = read_binary(self._manifest, loader.services.limits.binary_bytes)
        if Version.of(self._manifest, binary) != self._version:
            raise LoadError(f"plugin {name} has changed since its slots were read: reload it")
        make, first = loader.start(self._manifest, binary, self._make_maker, counts_fuel=self._counts_fuel)
        if (first.metadata, first.slots) != (self._known.metadata, self._known.slots):
            if loader.cache is not None:
                loader.cache.forget(self._version.sha256, loader.engines.usual)
            first.cleanup()
            raise LoadError(f"plugin {name} declares other slots than it did when they were cached: reload it")
        return make, first

    def _refuse_too_soon(self) -> None:
        seconds = self._again_at - monotonic()
        if seconds > 0:
            raise LoadError(f"{self._failure} (the next attempt is in {seconds:.0f} s at the earliest)")

    def _note(self, error: PluginError) -> None:
        self._failure = str(error)
        self._again_at = monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


MakerFactory = Callable[[Manifest, bytes, Engine, HostServices], WorkerMaker]
"""A function from a manifest, its binary, an engine and the host's services to a maker of workers; raises
``LoadError``."""


def _instances(manifest: Manifest, binary: bytes, engine: Engine, services: HostServices) -> WorkerMaker:
    code: PluginCode = load_code(manifest, engine, services, binary)
    return lambda: PluginInstance(code)


def _processes(manifest: Manifest, binary: bytes, engine: Engine, services: HostServices) -> WorkerMaker:
    from zenowasm.plugin.sidecar.worker import sidecars  # few hosts allow sidecars

    return sidecars(manifest, services, str(Version.of(manifest, binary)))


_MAKERS: Final[Mapping[PluginType, MakerFactory]] = MappingProxyType(
    {PluginType.WASM: _instances, PluginType.SIDECAR: _processes}
)
"""The maker of workers for each type of plugin."""
