"""A client of an adapter in the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.dap import Connected, DapClient


@pytest.fixture
def connected() -> Iterator[Connected]:
    made = Connected()
    yield made
    made.close()
    assert not [it for it in threading.enumerate() if it.name == "guest"]


@pytest.fixture
def client(connected: Connected) -> DapClient:
    return connected.client


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


@pytest.fixture
def examples() -> Path:
    return Path(__file__).parents[4] / "examples"
