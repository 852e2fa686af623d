"""Exports scenarios as folders that do not need Python, for hosts in other languages with their own runner.

README.md in the scenarios' folder describes the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from attrs import asdict

from zenowasm.conformance.folder import NAME, OTHER, write_plugin
from zenowasm.conformance.frame import Fill
from zenowasm.conformance.scenario import UNSAID, Guest, Scenario, Step, World
from zenowasm.conformance.world import fill

SERVER: Final = "http://127.0.0.1:18080"
"""The URL at which exported guests expect the scenarios' server."""
FORMAT: Final = 1
"""The version of ``scenario.json``, incremented by every change that affects readers."""
_DESCRIPTION: Final = "README.md"
_NAMELESS = re.compile(r"\W+")


def export(scenarios: Iterable[Scenario], folder: Path) -> int:
    """Write each scenario to ``folder/chapter/name``, return their number; raises ``OSError`` and ``ScenarioError``."""
    written = list(scenarios)
    folder.mkdir(parents=True, exist_ok=True)
    for scenario in written:
        _export(scenario, folder / scenario.file.stem / _NAMELESS.sub("-", scenario.name.lower()).strip("-"))
    described = Path(__file__).parent / "scenarios" / _DESCRIPTION
    (folder / _DESCRIPTION).write_text(described.read_text("utf-8"), "utf-8")
    return len(written)


def _export(scenario: Scenario, folder: Path) -> None:
    put_in = partial(fill, server=SERVER)
    write_plugin(folder, scenario, scenario.guest, put_in, changes={})
    document = {
        "format": FORMAT,
        "name": scenario.name,
        "chapter": scenario.chapter,
        "source": scenario.source,
        "server": SERVER,
        "world": _world(scenario.world),
        "steps": [
            _step(scenario, step, folder / f"step-{index}", put_in) for index, step in enumerate(scenario.all_steps())
        ],
        "afterwards": _said(
            {
                "log": scenario.log,
                "host_calls": scenario.host_calls,
                "scope": scenario.world.after_scope,
                "files": dict(scenario.world.after_files) or UNSAID,
                "rows": dict(scenario.world.after_rows) or UNSAID,
            }
        ),
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    (folder / "scenario.json").write_text(put_in(text) + "\n", "utf-8")


def _world(world: World) -> dict[str, Any]:
    return {key: value for key, value in asdict(world).items() if not key.startswith("after_")}


def _step(scenario: Scenario, step: Step, folder: Path, put_in: Fill) -> dict[str, Any]:
    expect = _said(asdict(step.expect))
    if step.reload is not None:
        return {"reload": _plugin(scenario, step, step.reload, folder, put_in, NAME), "expect": expect}
    if step.add is not None:
        return {"add": _plugin(scenario, step, step.add, folder, put_in, OTHER), "expect": expect}
    if step.script is not None:
        return {"script": step.script, "expect": expect}
    if step.load or step.close:
        return {"load" if step.load else "close": True, "expect": expect}
    return {"call": step.call or "guest.run", "parameters": dict(step.parameters), "expect": expect}


def _plugin(scenario: Scenario, step: Step, guest: Guest, folder: Path, put_in: Fill, name: str) -> str:
    write_plugin(folder, scenario, guest, put_in, name=name, changes=step.manifest)
    return folder.name


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not UNSAID}
