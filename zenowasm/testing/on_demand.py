"""A host for tests, which loads a plugin when one of its slots is called, and engines that compile a binary once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from zenowasm.backends import registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import Capability, CompileLimits, Engine, EngineOptions, ExecutionLimits, Module, Store
from zenowasm.plugin import Host
from zenowasm.plugin.configuration.manifest import read_manifest
from zenowasm.plugin.configuration.versions import ZENO_VERSION
from zenowasm.plugin.guest.abi import SlotDefinition
from zenowasm.plugin.guest.jsonvalue import JSONValue
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin
from zenowasm.plugin.lifecycle.reports import PluginProblem, ReloadReport
from zenowasm.zenolang import Slot, SlotRegistry, default_registry


@define(eq=False)
class CompilingOnce:
    """An engine that compiles each binary once and gives the same module to all of its stores."""

    engine: Engine
    _modules: dict[tuple[bytes, CompileLimits | None], Module] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def name(self) -> str:
        """The engine's name in the registry."""
        return self.engine.name

    @property
    def version(self) -> str:
        """The version of the engine's software."""
        return self.engine.version

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The engine's capabilities."""
        return self.engine.capabilities

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> Module:
        """Compile a binary, or return its module from an earlier call."""
        key = binary, limits
        with self._lock:
            if key not in self._modules:
                self._modules[key] = self.engine.compile(binary, limits)
            return self._modules[key]

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store."""
        return self.engine.new_store(limits)


@define(eq=False)
class Engines:
    """The engines of one pytest run, by name."""

    _made: dict[str, Engine] = field(factory=dict)

    def __getitem__(self, name: str) -> Engine:
        """Return the run's only instance of an engine; raises ``BackendError``."""
        if name not in self._made:
            self._made[name] = CompilingOnce(registry.engine(name, _options()))
        return self._made[name]


def _options() -> EngineOptions:
    """Return the options of test engines: they count fuel, so that it can be compared."""
    return EngineOptions(ModuleCache.of(os.environ), fuel=True)


class _Words(SlotRegistry):
    """A script's slot names; looking up an unknown slot loads the plugin that defines it."""

    def __init__(self, need: Callable[[str], None]) -> None:
        super().__init__(tuple(default_registry()))
        self._need = need

    def get(self, name: str) -> Slot | None:
        """The slot with that name, or ``None``."""
        found = super().get(name)
        if found is None:
            self._need(name)
            found = super().get(name)
        return found


class OnDemandHost(Host):
    """A host of the plugins in some folders, each loaded when one of its slots is called.

    The host first loads the plugin named like the slot's first word, then others until one has the slot. Reading the
    list of plugins or slots loads all plugins. Loading a plugin raises the errors of that plugin.
    """

    def __init__(self, folders: Iterable[Path], **options: Any) -> None:
        """Open a host; ``options`` are the options of ``Host``. Raises ``ManifestError``."""
        self._pending = {read_manifest(folder, ZENO_VERSION).name: folder for folder in folders}
        self._loading = threading.RLock()
        super().__init__(None, slots=_Words(self.need), **options)

    def need(self, slot: str) -> None:
        """Load the plugin that has a slot, or every plugin if none has it."""
        with self._loading:
            self._load(slot.partition(".")[0])
            while slot not in self.manager.catalog.owners and self._pending:
                self._load(next(iter(self._pending)))

    def need_all(self) -> None:
        """Load every plugin."""
        with self._loading:
            while self._pending:
                self._load(next(iter(self._pending)))

    def call(self, slot: str, parameters: Mapping[str, object] | None = None, /, **more: Any) -> dict[str, JSONValue]:
        """Call a slot (see ``Host.call``)."""
        self.need(slot)
        return super().call(slot, parameters, **more)

    async def call_async(
        self, slot: str, parameters: Mapping[str, object] | None = None, /, **more: Any
    ) -> dict[str, JSONValue]:
        """Call a slot on the host's threads (see ``Host.call_async``)."""
        self.need(slot)
        return await super().call_async(slot, parameters, **more)

    @property
    def plugins(self) -> Mapping[str, LoadedPlugin]:
        """All plugins, by name."""
        self.need_all()
        return super().plugins

    @property
    def slots(self) -> Mapping[str, SlotDefinition]:
        """The slots of all plugins, by name."""
        self.need_all()
        return super().slots

    @property
    def problems(self) -> tuple[PluginProblem, ...]:
        """The problems of all plugins."""
        self.need_all()
        return super().problems

    def reload(self, name: str | None = None, *, drain_seconds: float | None = None) -> ReloadReport:
        """Reload one plugin or all (see ``Host.reload``)."""
        self.need_all()
        return super().reload(name, drain_seconds=drain_seconds)

    def _load(self, name: str) -> None:
        if name in self._pending:
            self.manager.load(self._pending[name])
            del self._pending[name]

    def _known_names(self) -> list[str]:
        return [*super()._known_names(), *self._pending]
