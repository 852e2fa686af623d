"""Writes the folder of a scenario's plugin: its manifest and its binary."""

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


def write_plugin(
    folder: Path, scenario: Scenario, guest: Guest, fill: Fill, *, name: str = NAME, changes: Mapping[str, Any]
) -> None:
    """Write a plugin of ``scenario`` into ``folder``; ``changes`` are fields of the manifest, null takes one out.

    Raises ``ScenarioError`` when the guest cannot be made.
    """
    module = binary(guest, scenario.file.parent, fill)
    text = scenario.manifest_text
    if text is None or changes:
        text = yaml.safe_dump(_manifest(scenario, name, changes), sort_keys=False, allow_unicode=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).write_text(fill(text), "utf-8")
    (folder / _BINARY).write_bytes(module)
    for absent in scenario.absent:
        (folder / absent).unlink()


def _manifest(scenario: Scenario, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "name": name,
        "version": "1.0.0",
        "binary": _BINARY,
        "permissions": dict(scenario.permissions),
        **scenario.manifest,
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}
