"""A plugin's binary: compiled once, with its exports checked against the ABI and its imports against the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from zenowasm.backends.compiling import bounded
from zenowasm.backends.protocol import Capability, Engine, Module
from zenowasm.host.linker import HostFunction, Linker
from zenowasm.interp.errors import CompileLimitError, CompileResource, WasmError
from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.configuration.limits import FIELDS, TIME_LIMITS, PluginLimits, show_limit
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import FunctionNotFoundError, LoadPhase, UnsupportedLimitError
from zenowasm.plugin.guest.abi import export_problems
from zenowasm.plugin.guest.exports import Guest
from zenowasm.plugin.host_functions.binding import functions
from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.host_functions.port import GuestPort
from zenowasm.plugin.lifecycle.loaded_plugin import Version
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.resolved import ResolvedPlugin
from zenowasm.plugin.services import HostServices
from zenowasm.wasi.signatures import MODULE as WASI

if TYPE_CHECKING:  # imported only for plugins that use WASI
    from zenowasm.wasi.context import WasiContext

_COMPILE_LIMITS: Final = {
    CompileResource.MEMORY: ("max_compile_memory", "compile_memory_bytes"),
    CompileResource.TIME: ("max_compile_time", "compile_seconds"),
}
"""The key and the field of each limit on compiling."""
_MEANS: Final = {**dict.fromkeys(TIME_LIMITS, Capability.INTERRUPTS), "max_fuel": Capability.FUEL}
"""The capability that an engine needs to enforce each limit."""
_REMEDIES: Final = {
    Capability.INTERRUPTS: "drop `interruptible: false`",
    Capability.FUEL: "make it with EngineOptions(fuel=True)",
}


@frozen
class PluginCode:
    """The compiled module and other state that all instances of one plugin share."""

    plugin: ResolvedPlugin
    engine: Engine
    module: Module


def make_linker(context: HostContext, port: GuestPort, make_wasi: Callable[[], WasiContext]) -> Linker:
    """Return a linker with all imports that this host offers to one plugin instance: the ABI's functions and WASI."""

    def wasi() -> Iterable[HostFunction]:
        from zenowasm.wasi.preview1 import Preview1

        return Preview1(make_wasi()).functions()

    linker = Linker(deferred={WASI: wasi})
    linker.define(functions(context, port))
    return linker


def interface() -> Linker:
    """Return a linker for checking imports; its functions belong to no plugin and deny every call."""
    services = HostServices()
    log = PluginLog("", services.log, services.limits)
    context = HostContext("", Permissions(), log, services, services.limits)
    return make_linker(context, GuestPort(Guest("", None), services.limits), _no_wasi)


def _no_wasi() -> WasiContext:
    from zenowasm.wasi.context import WasiContext

    return WasiContext()


def read_binary(manifest: Manifest, limit: int) -> bytes:
    """Read the plugin's binary, at most ``limit`` bytes; raises ``LoadError``: ``failed to load WASM module: E``."""
    try:
        path = manifest.binary_path.resolve(strict=True)
        # Reading the manifest checked this, but links may have changed since.
        if not path.is_relative_to(manifest.folder.resolve()):
            raise LoadPhase.MODULE.failed(f"{manifest.binary}: is outside the plugin's folder")
        return read_bounded(path, limit)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        reason = getattr(error, "strerror", None) or str(error)
        raise LoadPhase.MODULE.failed(f"{manifest.binary_path}: {reason}") from error


def check_limits(limits: PluginLimits, engine: Engine) -> None:
    """Raise ``UnsupportedLimitError`` if the engine, with its options, cannot enforce a limit."""
    for key, needed in _MEANS.items():
        value = getattr(limits, FIELDS[key])
        if value is not None and needed not in engine.capabilities:
            said = f"{key} is {show_limit(key, value)} ({limits.source(FIELDS[key]).value})"
            raise UnsupportedLimitError(
                f"{said}, which the engine {engine.name} cannot keep, as it was made without {needed.value}: "
                f"{_REMEDIES[needed]}, or drop the limit"
            )


def load_code(manifest: Manifest, engine: Engine, services: HostServices, binary: bytes) -> PluginCode:
    """Compile and check a plugin's binary and resolve its configuration.

    Raises ``LoadError`` with the original's messages, or ``ConfigError``.
    """
    plugin = ResolvedPlugin.of(manifest, services, str(Version.of(manifest, binary)))
    limits = plugin.limits
    check_limits(limits, engine)
    try:
        with services.instrumentation.step("zenowasm.compile", manifest.name):
            module = engine.compile(binary, limits.compiling)
    except WasmError as error:
        reason = _reason(error, binary, limits, manifest.name)
        raise LoadPhase.MODULE.failed(f"{manifest.binary_path}: {reason}") from error
    for problem in export_problems(module, manifest.name):
        phase = problem.phase if isinstance(problem, FunctionNotFoundError) else LoadPhase.MODULE
        raise phase.failed(problem) from problem
    for missing in interface().problems(module):
        raise LoadPhase.MODULE.failed(missing.message)
    return PluginCode(plugin, engine, module)


def _reason(error: WasmError, binary: bytes, limits: PluginLimits, plugin: str) -> str:
    """Return why an engine rejects a binary.

    The message must not depend on the engine, so it comes from our own decoder and validator if they reject the binary
    too.
    """
    from zenowasm.interp.binary import decode
    from zenowasm.interp.validation import validate_module

    try:
        if not isinstance(error, CompileLimitError):
            progress = bounded(limits.compiling, len(binary))
            validate_module(decode(binary, progress=progress), progress)
    except CompileLimitError:
        return str(error)
    except WasmError as own:
        return str(own)
    if isinstance(error, CompileLimitError):
        key, field_ = _COMPILE_LIMITS[error.resource]
        value = show_limit(key, getattr(limits, field_))
        return f"{error} ({key} is {value}; {limits.remedy(field_, plugin)})"
    return str(error)
