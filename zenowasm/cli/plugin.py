"""``zenowasm plugin``, with the original engine's subcommands (ABI document, "CLI `plugin` of the original")."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from zenowasm.backends import registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import EngineOptions
from zenowasm.backends.registry import BackendError
from zenowasm.backends.variants import EngineVariants
from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError, call_lines, guest_calls, user_errors
from zenowasm.cli.plugin_build import build, new
from zenowasm.cli.plugin_reload import reload
from zenowasm.cli.plugin_stats import stats
from zenowasm.cli.script import print_log
from zenowasm.display import visible
from zenowasm.plugin import PluginError, load_environment
from zenowasm.plugin.configuration.limits import FIELDS, PluginLimits, show_limit
from zenowasm.plugin.configuration.manifest import Manifest, plugin_folders, read_manifest
from zenowasm.plugin.configuration.settings import Settings, read_settings
from zenowasm.plugin.declared import declared_slots
from zenowasm.plugin.guest.abi import SlotDefinition
from zenowasm.plugin.validate import Level, validate_plugin

_RULE = "=" * 60
_MARKS = {Level.OK: "✅", Level.WARNING: "⚠️", Level.ERROR: "❌"}


@commands.group()
def plugin() -> None:
    """Make, build, list, describe, validate and count plugins."""


plugin.add_command(new)
plugin.add_command(build)
plugin.add_command(stats)
plugin.add_command(reload)


@plugin.command("list")
@options.plugin_dir
@options.config
@options.as_json
def list_(plugin_dir: Path | None, config: Path | None, as_json: bool) -> None:
    """List the plugins of a folder."""
    manifests = []
    for folder in _candidates(_folder(plugin_dir, _settings(config))):
        try:
            manifests.append(read_manifest(folder))
        except PluginError as error:
            print(f"warning: {visible(str(error))}", file=sys.stderr)
    if as_json:
        options.print_json({"plugins": [_described(manifest) for manifest in manifests]})
        return
    if not manifests:
        print("No valid plugins found.")
        return
    print(f"Installed WASM Plugins:\n{_RULE}")
    for manifest in manifests:
        print(visible(f"  📦 {manifest.name} (v{manifest.version})"))
        if manifest.description:
            print(visible(f"     {manifest.description}"))
        print(visible(f"     Location: {manifest.folder}"))
        missing = "" if manifest.binary_path.exists() else " (missing: build it with `zenowasm plugin build`)"
        print(visible(f"     Binary: {manifest.binary}{missing}"))


@plugin.command()
@click.argument("name")
@options.plugin_dir
@options.config
@options.backend
@options.as_json
def info(name: str, plugin_dir: Path | None, config: Path | None, backend: str, as_json: bool) -> None:
    """Describe the plugin NAME: its manifest, its slots and its limits on this host.

    The command loads the plugin to read its slots, without databases, network or files. A plugin that cannot be loaded
    is described without slots.
    """
    settings = _settings(config)
    manifest = _find(name, _folder(plugin_dir, settings))
    limits = settings.policy().plugin_limits(manifest, settings.host_limits())
    slots = _slots(manifest, settings, backend)
    if as_json:
        shown = None if slots is None else [asdict(slot) for slot in slots]
        options.print_json({**_described(manifest), "slots": shown, "limits": _limits(limits)})
        return
    print(_RULE)
    for line in (*_info(manifest), *_slot_lines(slots)):
        print(visible(line))
    print("Limits:")
    for key, field in FIELDS.items():
        print(f"  {key}: {show_limit(key, getattr(limits, field))} ({limits.source(field).value})")
    print(_RULE)


@plugin.command()
@click.argument("path", type=options.path)
@options.backend
@options.as_json
def validate(path: Path, backend: str, as_json: bool) -> None:
    """Check the plugin in the folder PATH without running it: its manifest, binary, exports and imports."""
    with user_errors(BackendError, PluginError):
        variables = load_environment().variables
        engine = registry.engine(backend, EngineOptions(ModuleCache.of(variables), fuel=False))
        report = validate_plugin(path, engine, variables)
    errors, warnings = report.count(Level.ERROR), report.count(Level.WARNING)
    if as_json:
        checks = [{"subject": c.subject, "level": c.level.value, "message": c.message} for c in report.checks]
        options.print_json({"valid": report.ok, "errors": errors, "warnings": warnings, "checks": checks})
    else:
        print(visible(f"Validating plugin: {report.folder}"), _RULE, sep="\n")
        for check in report.checks:
            print(f"{_MARKS[check.level]} " + visible(f"{check.subject}: {check.message}"))
        verdict = "is valid" if report.ok else "is not valid"
        print(f"{_RULE}\nPlugin {verdict}: {errors} errors, {warnings} warnings")
    if not report.ok:
        raise CliError(f"{report.folder} is not a valid plugin: {errors} errors")


def _settings(config: Path | None) -> Settings:
    with user_errors(PluginError):
        return read_settings(load_environment(), config)


def _limits(limits: PluginLimits) -> dict[str, Any]:
    return {
        key: {"value": getattr(limits, field), "source": limits.source(field).value} for key, field in FIELDS.items()
    }


def _folder(plugin_dir: Path | None, settings: Settings) -> Path:
    if plugin_dir is None:
        with user_errors(PluginError):
            return settings.plugin_folder(load_environment())
    if not plugin_dir.is_dir():
        raise CliError(f"no plugin folder at {plugin_dir}: expected one subdirectory per plugin")
    return plugin_dir


def _candidates(folder: Path) -> list[Path]:
    try:
        return plugin_folders(folder)
    except (FileNotFoundError, NotADirectoryError):  # the folder from the environment is optional
        return []
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror}") from error


def _find(name: str, folder: Path) -> Manifest:
    """Return the plugin with that name or folder name; the error's details say why there is none."""
    details = f"{folder} holds no plugin of that name"
    for candidate in _candidates(folder):
        try:
            manifest = read_manifest(candidate)
        except PluginError as error:
            if candidate.name == name:
                details = str(error)
            continue
        if name in (manifest.name, candidate.name):
            return manifest
    raise CliError(f"Plugin '{name}' not found or invalid", details=details)


def _info(manifest: Manifest) -> Iterator[str]:
    yield f"Plugin: {manifest.name}"
    yield f"Version: {manifest.version}"
    for label in ("author", "license", "homepage", "description"):
        if value := getattr(manifest, label):
            yield f"{label.capitalize()}: {value}"
    yield f"Binary: {manifest.binary}"
    yield "Permissions:"
    granted = asdict(manifest.permissions)
    for kind, entries in granted.items():
        if entries:
            yield f"  {kind}: {', '.join(entries)}"
    if not any(granted.values()):
        yield "  (none)"


def _slots(manifest: Manifest, settings: Settings, backend: str) -> tuple[SlotDefinition, ...] | None:
    """Return the slots that the plugin declares; print a warning and return ``None`` if it cannot be loaded."""
    environment = load_environment()
    with user_errors(BackendError):
        engines = EngineVariants.named(backend, settings.engine_options(environment))
    try:
        return declared_slots(manifest, engines, settings, environment, print_log)
    except PluginError as error:
        print(visible(f"warning: the slots are unknown: {error}"), file=sys.stderr)
        for line in call_lines(guest_calls(error)):
            print(visible(line), file=sys.stderr)
        return None


def _slot_lines(slots: tuple[SlotDefinition, ...] | None) -> Iterator[str]:
    yield "Slots:"
    for slot in slots or ():
        yield f"  {slot.name}" + (f": {slot.description}" if slot.description else "")
        for name, wanted in slot.inputs.items():
            default = f", default {json.dumps(wanted.default)}" if wanted.has_default else ""
            kind = f"{wanted.type}{', required' if wanted.required else ''}{default}"
            yield f"    input {name} ({kind})" + (f": {wanted.description}" if wanted.description else "")
        for name, promised in slot.outputs.items():
            yield f"    output {name}: {json.dumps(promised, ensure_ascii=False)}"
        for line in slot.example.splitlines():
            yield f"    example | {line}"
    if not slots:
        yield "  (unknown)" if slots is None else "  (none)"


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "type": manifest.type.value,
        "author": manifest.author,
        "description": manifest.description,
        "license": manifest.license,
        "homepage": manifest.homepage,
        "location": str(manifest.folder),
        "binary": manifest.binary,
        "binary_exists": manifest.binary_path.exists(),
        "permissions": {kind: list(entries) for kind, entries in asdict(manifest.permissions).items()},
    }
