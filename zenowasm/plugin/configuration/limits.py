"""Limits on plugins: on the resources that they use and on the data that they pass.

Three places can set a limit: the settings file (see ``settings``) sets it for a host, a manifest's ``limits`` can
lower it for its plugin, and a caller can lower it for one call. The strictest applies. Each limit records its source,
so that an error can say where to raise it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, fields, frozen, validators

from zenowasm.backends.protocol import Budget, CompileLimits
from zenowasm.interp.limits import MIB
from zenowasm.plugin.configuration.units import Count, Duration, OutputSize, Share, Size, show_duration, show_size

_POSITIVE: Any = validators.optional(validators.gt(0))
CONFIG_FILE: Final = "config/plugins.yaml"


class LimitSource(Enum):
    """The source of a limit. If two sources set the same limit, error messages name the earlier member."""

    DEFAULT = "default"
    CONFIG = "config"
    PLUGIN_CONFIG = "config of the plugin"
    COMMAND = "command line"
    MANIFEST = "manifest"
    SIDECAR = "sidecar.concurrency"
    CALL = "call"


_ORDER = tuple(LimitSource)
_KEY: Final = "key"
_UNIT: Final = "unit"
TIME_LIMITS: Final = ("max_execution_time", "max_cpu")
"""The keys of limits for which a guest must be interrupted while it runs."""
_REMEDIES = {
    LimitSource.DEFAULT: "to raise it, set wasm.limits.{key} in {file}",
    LimitSource.CONFIG: "to raise it, change wasm.limits.{key} in {file}",
    LimitSource.PLUGIN_CONFIG: "to raise it, change wasm.plugins.{plugin}.limits.{key} in {file}",
    LimitSource.COMMAND: "it was given on the command line",
    LimitSource.MANIFEST: "to raise it, change limits.{key} in manifest.yaml",
    LimitSource.SIDECAR: "to raise it, change sidecar.concurrency in manifest.yaml",
    LimitSource.CALL: "it was given with the call",
}


def _limit(key: str, unit: Any, default: Any, validator: Any = None) -> Any:
    """Declare a field of ``PluginLimits`` that documents set by ``key``, with a value of the type ``unit``."""
    return field(default=default, validator=validator, metadata={_KEY: key, _UNIT: unit})


@frozen
class PluginLimits:
    """The limits on every plugin of a host. The defaults end a runaway guest without any configuration.

    Sizes are in bytes. ``seconds`` is the wall-clock time of one slot call (or of one phase while loading), host
    functions included. ``fuel`` is in units of the instruction table. ``cpu`` is the share of one core, so the CPU time
    is at most ``cpu * seconds``. ``None`` means no limit. ``reply_bytes`` bounds the bytes read of a guest's JSON and
    cannot be less than 1 MiB (ABI document, section "Guest exports").
    """

    memory_bytes: int = _limit("max_memory", Size, 100 * MIB, validators.ge(0))
    seconds: float | None = _limit("max_execution_time", Duration, 10.0, _POSITIVE)
    cpu: float | None = _limit("max_cpu", Share, None, _POSITIVE)
    fuel: int | None = _limit("max_fuel", Count, None, _POSITIVE)
    request_bytes: int = _limit("max_request", Size, 16 * MIB)
    """The size of one call's request, and of one reply of a host function."""
    reply_bytes: int = _limit("max_output", OutputSize, MIB, validators.ge(MIB))
    log_bytes: int = _limit("max_log", Size, MIB)
    """The total size of one call's log messages; later messages are dropped, and one message says so."""
    call_depth: int = _limit("max_call_depth", Count, 10_000, validators.ge(1))
    """The nesting depth of guest calls. The reference engine counts them. wasmtime ignores this limit and bounds its
    stack at 512 KiB, which holds about as many calls with small frames."""
    host_calls: int = _limit("max_host_calls", int, 100_000, validators.ge(0))
    """The number of host calls in one slot call, WASI calls excluded."""
    open_files: int = _limit("max_open_files", int, 64, validators.ge(0))
    """The number of open WASI descriptors in one instance, the three standard streams included; beyond it, a guest
    receives the error number ``mfile``."""
    instances: int = _limit("max_instances", Count, 4, validators.ge(1))
    """The number of one plugin's instances, for concurrent calls."""
    idle_instances: int | None = _limit("max_idle_instances", int, None, validators.optional(validators.ge(0)))
    """The number of one plugin's idle instances to keep. ``None`` keeps all; with 0 every call has a new instance."""
    calls_per_instance: int | None = _limit("max_calls_per_instance", Count, None, _POSITIVE)
    """The number of calls after which an instance is replaced; ``None`` keeps it until it traps or fills its memory."""
    compile_memory_bytes: int = _limit("max_compile_memory", Size, CompileLimits().memory_bytes, validators.ge(0))
    """The memory for decoding, validating and compiling the binary."""
    compile_seconds: float = _limit("max_compile_time", Duration, CompileLimits().seconds, validators.gt(0))
    """The wall-clock time for the same, if the binary has half a MiB or more; smaller ones have less
    (``CompileLimits``)."""
    binary_bytes: int = 256 * MIB
    host_request_bytes: int = 16 * MIB
    """The size of the JSON that a guest passes to a host function."""
    key_bytes: int = 64 * 1024
    """The size of a key, a path or a name that a guest passes to a host function."""
    log_message_bytes: int = 64 * 1024
    """The size of one log message; a longer one is truncated, and says so."""
    plugins: int = 1_000
    slots: int = 1_000
    """The number of slots of one plugin."""
    async_threads: int = field(default=4, validator=validators.ge(1))
    async_pending: int = field(default=1_000, validator=validators.ge(1))
    sources: Mapping[str, LimitSource] = field(factory=dict, hash=False, kw_only=True)
    """The known sources of the fields that differ from the defaults."""

    @property
    def cpu_seconds(self) -> float | None:
        """The CPU time that one slot call may use; ``None`` means no limit besides ``seconds``."""
        return None if self.cpu is None or self.seconds is None else self.cpu * self.seconds

    @property
    def compiling(self) -> CompileLimits:
        """The limits on compiling the binary."""
        return CompileLimits(self.compile_memory_bytes, self.compile_seconds)

    def source(self, name: str) -> LimitSource:
        """Return the source of the field ``name``."""
        return self.sources.get(name, LimitSource.DEFAULT)

    def remedy(self, name: str, plugin: str) -> str:
        """Return how to raise the field ``name`` for a plugin, as part of an error message."""
        return _REMEDIES[self.source(name)].format(key=_KEYS[name], plugin=plugin, file=CONFIG_FILE)

    def overridden(
        self, settings: LimitSettings, source: LimitSource, *, keep: LimitSource | None = None
    ) -> PluginLimits:
        """Return these limits, overridden by the limits in ``settings``, higher or lower.

        Limits whose source is ``keep`` are unchanged.
        """
        asked = {name: getattr(settings, key) for key, name in FIELDS.items() if self.source(name) is not keep}
        said = {name: value for name, value in asked.items() if value is not None}
        if not said:
            return self
        return evolve(self, **said, sources={**self.sources, **dict.fromkeys(said, source)})

    def restricted(self, settings: LimitSettings, source: LimitSource) -> PluginLimits:
        """Return these limits, lowered to those in ``settings`` that are stricter."""
        return self.stricter(self.overridden(settings, source))

    def within(self, budget: Budget) -> PluginLimits:
        """Return these limits, lowered to the budget of one call where that is stricter.

        Raises ``ValueError`` if the budget is not greater than 0.
        """
        asked: dict[str, Any] = {"fuel": budget.fuel, "seconds": budget.seconds}
        given = {name: value for name, value in asked.items() if value is not None}
        return self.stricter(evolve(self, **given, sources={**self.sources, **dict.fromkeys(given, LimitSource.CALL)}))

    def stricter(self, other: PluginLimits) -> PluginLimits:
        """Return the lower of each limit; of two equal limits, the one whose source is first in ``LimitSource``."""
        values: dict[str, Any] = {}
        sources: dict[str, LimitSource] = {}
        for name in _names():
            value, source = min(
                ((getattr(limits, name), limits.source(name)) for limits in (self, other)), key=_strictness
            )
            values[name] = value
            if source is not LimitSource.DEFAULT:
                sources[name] = source
        return PluginLimits(**values, sources=sources)


_DOCUMENTED: Final = tuple(it for it in fields(PluginLimits) if _KEY in it.metadata)
FIELDS: Final[Mapping[str, str]] = MappingProxyType({it.metadata[_KEY]: it.name for it in _DOCUMENTED})
"""The field of ``PluginLimits`` for each key of a document."""
_UNITS: Final[Mapping[str, Any]] = MappingProxyType({it.metadata[_KEY]: it.metadata[_UNIT] for it in _DOCUMENTED})
_KEYS = {name: key for key, name in FIELDS.items()}


_with_keys: Final = frozen(these={key: field(default=None, type=unit | None) for key, unit in _UNITS.items()})


@_with_keys
class LimitSettings:
    """The limits that one document sets, ``None`` for the others. Manifests and settings have the same keys.

    ``max_memory`` and the other sizes are in bytes (``100MB``, ``64KiB``), times in seconds (``30s``, ``500ms``), and
    ``max_cpu`` is a share of one core. The keys are derived from ``PluginLimits``, which describes each limit.
    """

    if TYPE_CHECKING:

        def __init__(self, **limits: float | None) -> None: ...
        def __getattr__(self, key: str) -> Any: ...


def show_limit(key: str, value: float | None) -> str:
    """Format a limit in the notation of documents; ``key`` is the document's key."""
    if value is None:
        return "unlimited"
    unit = _UNITS[key]
    if unit in (Size, OutputSize):
        return show_size(int(value))
    return show_duration(value) if unit is Duration else f"{value:g}" if unit is Share else str(value)


def _names() -> Iterable[str]:
    return (it.name for it in fields(PluginLimits) if it.name != "sources")


def _strictness(limit: tuple[float | None, LimitSource]) -> tuple[bool, float, int]:
    value, source = limit
    return value is None, value or 0, _ORDER.index(source)
