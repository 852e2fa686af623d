"""Resolves a plugin's configuration: environment variable, then default, then an error if the value is required."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from zenowasm.plugin.configuration.manifest import ConfigParameter, ConfigType, Manifest
from zenowasm.plugin.errors import ConfigError

ConfigValue = str | int | float | bool
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class ResolvedConfig(Mapping[str, ConfigValue]):
    """Configuration values by name. Values are often secrets, so ``repr`` never shows any."""

    def __init__(self, values: Mapping[str, ConfigValue] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, key: str) -> ConfigValue:
        """Return the value of ``key``; raises ``KeyError``."""
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ResolvedConfig({', '.join(f'{key}=<redacted>' for key in self._values)})"


def resolve_config(manifest: Manifest, environment: Mapping[str, str]) -> ResolvedConfig:
    """Return the values of all parameters that have one (ABI document, section "Manifest").

    Raises ``ConfigError`` if a required parameter has no value or a value is not of the declared type; the message
    names the parameter and the variable, never the value.
    """
    values: dict[str, ConfigValue] = {}
    for name, parameter in manifest.config.items():
        text = environment.get(parameter.env) if parameter.env else None
        if text is None:
            text = parameter.default
        if text is not None:
            values[name] = _convert(manifest, name, parameter, text)
        elif parameter.required:
            source = f"set the environment variable {parameter.env}" if parameter.env else "give it a default"
            raise ConfigError(f"plugin {manifest.name}: config {name} is required: {source}")
    return ResolvedConfig(values)


def secret_values(manifest: Manifest, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values that the plugin receives from the environment, by variable. Defaults are not secrets."""
    defaults = {it.default for it in manifest.config.values()}
    names = {*manifest.permissions.env, *(it.env for it in manifest.config.values())}
    values = {name: environment[name] for name in sorted(names) if name in environment}
    return {name: value for name, value in values.items() if value not in defaults}


def _convert(manifest: Manifest, name: str, parameter: ConfigParameter, text: str) -> ConfigValue:
    value: ConfigValue | None = text
    if parameter.type is ConfigType.INTEGER:
        value = int(text) if _INTEGER.fullmatch(text) else None
    elif parameter.type is ConfigType.NUMBER:
        value = _number(text)
    elif parameter.type is ConfigType.BOOLEAN:
        value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ConfigError(f"plugin {manifest.name}: config {name} is not of the type {parameter.type.value}")
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
