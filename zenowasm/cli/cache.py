"""``zenowasm cache``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenowasm.backends import cache as modules
from zenowasm.cache import Bounds, Cache, Contents, cache_enabled, cache_folder
from zenowasm.cli import commands, options
from zenowasm.cli.errors import user_errors
from zenowasm.display import visible
from zenowasm.plugin import PluginError, load_environment
from zenowasm.plugin.configuration.settings import read_settings
from zenowasm.plugin.lifecycle import slot_cache as slots

_FOLDERS = (modules.FOLDER, slots.FOLDER)


@commands.group()
def cache() -> None:
    """Show or clear the cache of compiled modules and plugins."""


@cache.command()
@options.config
@options.as_json
def info(config: Path | None, as_json: bool) -> None:
    """Show the cache's folder, size and size limit."""
    with user_errors(PluginError):
        environment = load_environment()
        settings = read_settings(environment, config)
    enabled = cache_enabled(environment.variables, settings.cache.enabled)
    most = modules.DEFAULT_BYTES if settings.cache.max_bytes is None else settings.cache.max_bytes
    folder = cache_folder(environment.variables)
    found = {name: _cache(folder / name).contents() for name in _FOLDERS}
    if as_json:
        shown: dict[str, Any] = {name: {"entries": it.entries, "bytes": it.bytes} for name, it in found.items()}
        options.print_json({"folder": str(folder), "enabled": enabled, "max_bytes": most, **shown})
        return
    print(visible(f"folder: {folder}" + ("" if enabled else " (turned off)")))
    print(f"modules: {_shown(found[modules.FOLDER])}, at most {most} bytes")
    print(f"slots: {_shown(found[slots.FOLDER])}")


@cache.command()
def clear() -> None:
    """Empty the cache. Running processes continue, and may fill it again."""
    with user_errors(PluginError):
        folder = cache_folder(load_environment().variables)
    removed = [_cache(folder / name).clear() for name in _FOLDERS]
    total = Contents(sum(it.entries for it in removed), sum(it.bytes for it in removed))
    print(visible(f"removed {_shown(total)} from {folder}"))


def _cache(folder: Path) -> Cache:
    return Cache(folder, Bounds(0, 0, 0))


def _shown(contents: Contents) -> str:
    return f"{contents.entries} entries, {contents.bytes} bytes"
