"""Writes the plugin folder of a scenario: manifest and binary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from zenowasm.conformance.frame import Fill, binary
from zenowasm.conformance.scenario import Guest, Scenario

NAME: Final = "guest"
OTHER: Final = "other"
_MANIFEST: Final = "manifest.yaml"
_BINARY: Final = "guest.wasm"
_PROGRAM: Final = "guest.py"


def write_plugin(
    folder: Path, scenario: Scenario, guest: Guest, fill: Fill, *, name: str = NAME, changes: Mapping[str, Any]
) -> None:
    """Write a plugin of ``scenario`` into ``folder``; ``changes`` sets manifest fields, or removes them with null.

    Raises ``ScenarioError`` if the guest cannot be built.
    """
    module = binary(guest, scenario.file.parent, fill)
    text = scenario.manifest_text
    if text is None or changes:
        text = yaml.safe_dump(_manifest(scenario, guest, name, changes), sort_keys=False, allow_unicode=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).write_text(fill(text), "utf-8")
    file = folder / _file(guest)
    file.write_bytes(module)
    if guest.process is not None:
        file.chmod(0o755)
    for absent in scenario.absent:
        (folder / absent).unlink()


def _file(guest: Guest) -> str:
    return _BINARY if guest.process is None else _PROGRAM


def _manifest(scenario: Scenario, guest: Guest, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "name": name,
        "version": "1.0.0",
        "type": None if guest.process is None else "sidecar",
        "binary": _file(guest),
        "permissions": dict(scenario.permissions),
        **scenario.manifest,
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}
