"""``zenowasm engines``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from attrs import asdict, frozen

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability, EngineOptions
from zenowasm.cli import options
from zenowasm.cli.errors import user_errors
from zenowasm.display import visible
from zenowasm.plugin import PluginError, load_environment
from zenowasm.plugin.configuration.settings import Settings, read_settings

_OPTIONAL: Final = (Capability.FUEL, Capability.INTERRUPTS, Capability.DETERMINISTIC)
"""What guests pay for while they run."""


@frozen
class _Part:
    """Whether something is compiled into guests, and why."""

    compiled_in: bool
    why: str


@frozen
class _Engine:
    """One engine as the settings have it made; ``install`` is the command that installs an absent one."""

    name: str
    default: bool
    version: str | None
    install: str
    capabilities: tuple[str, ...]
    guests: dict[str, _Part]


@click.command()
@options.config
@options.as_json
def engines(config: Path | None, as_json: bool) -> None:
    """List the engines, what each can do, and what they compile into guests with the host's settings."""
    with user_errors(PluginError):
        settings = read_settings(load_environment(), config)
    found = [_engine(name, settings) for name in registry.names()]
    if as_json:
        options.print_json({"engines": [asdict(it) for it in found]})
        return
    for it in found:
        print(visible(f"{it.name} {it.version or 'is not installed'}" + (" (default)" if it.default else "")))
        if it.version is None:
            print(f"  to install it: {it.install}")
            continue
        print(f"  capabilities: {', '.join(it.capabilities)}")
        for name, part in it.guests.items():
            print(visible(f"  {name}: {'yes' if part.compiled_in else 'no'} ({part.why})"))


def _engine(name: str, settings: Settings) -> _Engine:
    default = name == registry.DEFAULT
    if name not in registry.installed():
        return _Engine(name, default, None, registry.install_command(name), (), {})
    wanted = settings.engine_options()
    engine = registry.engine(name, wanted)
    guests = {it.value: _part(it, it in engine.capabilities, wanted, settings) for it in _OPTIONAL}
    return _Engine(name, default, engine.version, "", tuple(sorted(it.value for it in engine.capabilities)), guests)


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
