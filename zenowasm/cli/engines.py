"""``zenowasm engines``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import asdict, frozen

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability, EngineOptions
from zenowasm.cli import commands, options
from zenowasm.cli.color import styled
from zenowasm.cli.errors import user_errors
from zenowasm.display import visible
from zenowasm.plugin import PluginError, load_environment
from zenowasm.plugin.configuration.settings import Settings, read_settings

_OPTIONAL: Final = (Capability.FUEL, Capability.INTERRUPTS, Capability.DETERMINISTIC)
"""The options that make guests slower."""


@frozen
class _Part:
    """Whether a feature is compiled into guests, and why."""

    compiled_in: bool
    why: str


@frozen
class _Engine:
    """An engine with the options from the settings.

    If the engine cannot be loaded, it has no version; ``unavailable`` says why, and ``install`` is the command that may
    help.
    """

    name: str
    default: bool
    version: str | None
    unavailable: str
    install: str
    capabilities: tuple[str, ...]
    guests: dict[str, _Part]


@commands.command()
@options.config
@options.as_json
def engines(config: Path | None, as_json: bool) -> None:
    """List the engines, their capabilities, and which of them the host's settings use."""
    with user_errors(PluginError):
        settings = read_settings(load_environment(), config)
    found = [_engine(name, settings) for name in registry.known()]
    if as_json:
        options.print_json({"engines": [asdict(it) for it in found]})
        return
    for it in found:
        name = styled(visible(it.name), bold=True)
        if it.version is None:
            print(f"{name} {styled('is not available', fg='red')}: {visible(it.unavailable)}")
            continue
        print(f"{name} {visible(it.version)}" + (" (default)" if it.default else ""))
        print(f"  capabilities: {', '.join(it.capabilities)}")
        for name, part in it.guests.items():
            print(visible(f"  {name}: {'yes' if part.compiled_in else 'no'} ({part.why})"))


def _engine(name: str, settings: Settings) -> _Engine:
    default = name == registry.DEFAULT
    is_ours = name in registry.names()
    wanted = settings.engine_options()
    try:
        engine = registry.engine(name, wanted)
    except registry.BackendError as error:
        return _Engine(name, default, None, str(error), registry.install_command(name) if is_ours else "", (), {})
    # Engines of other distributions receive no options.
    guests = {it.value: _part(it, it in engine.capabilities, wanted, settings) for it in _OPTIONAL if is_ours}
    return _Engine(name, default, engine.version, "", "", tuple(sorted(it.value for it in engine.capabilities)), guests)


def _part(capability: Capability, compiled_in: bool, wanted: EngineOptions, settings: Settings) -> _Part:
    if compiled_in and not getattr(wanted, capability.value):
        return _Part(compiled_in, "always")
    return _Part(compiled_in, _REASONS[capability](settings))


def _fuel(settings: Settings) -> str:
    if settings.count_fuel:
        return "count_fuel: true"
    if settings.limits.max_fuel is not None:
        return f"limits.max_fuel: {settings.limits.max_fuel}"
    limited = sorted(name for name, it in settings.plugins.items() if it.limits.max_fuel is not None)
    own = f", such as {', '.join(limited)}" if limited else ""
    return f"only for plugins with a max_fuel{own}, and from the first call with fuel on"


def _interrupts(settings: Settings) -> str:
    return "time limits and Ctrl-C" if settings.interruptible else "interruptible: false"


def _deterministic(settings: Settings) -> str:
    return "results as on every engine" if settings.deterministic else "deterministic: false"


_REASONS: Final = {
    Capability.FUEL: _fuel,
    Capability.INTERRUPTS: _interrupts,
    Capability.DETERMINISTIC: _deterministic,
}
