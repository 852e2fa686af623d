"""Scenarios of the plugin ABI, recorded on every engine and replayed on the reference engine: they do not diverge.

A twelfth of them, with ``ZENOWASM_CAMPAIGN`` all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from zenowasm.backends import registry
from zenowasm.conformance.runner import observe
from zenowasm.conformance.scenario import Scenario, read_scenarios, scenario_files
from zenowasm.conformance.server import web_server
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import replay

SCENARIOS = [
    it
    for path in scenario_files((Path(__file__).parent,))
    for it in read_scenarios(path)
    if os.environ.get("ZENOWASM_CAMPAIGN") or crc32(it.name.encode()) % 12 == 0
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with web_server() as url:
        yield url


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda it: f"{it.file.stem}: {it.name}")
def test_a_recorded_scenario_is_the_same_and_replays(
    scenario: Scenario, backend: str, server: str, tmp_path: Path
) -> None:
    engine = registry.engine(backend)
    with Recorder(tmp_path / "recording") as recorder:
        seen = observe(scenario, recorder.engine(engine), server)
    plain = observe(scenario, engine, server)
    assert {key: seen[key] for key in ("log", "scope", "files", "rows")} == {
        key: plain[key] for key in ("log", "scope", "files", "rows")
    }
    with Recording(tmp_path / "recording") as recording:
        assert recording.complete
        replay(recording, registry.engine("reference"))
