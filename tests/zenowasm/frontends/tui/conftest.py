"""Where the examples are."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def examples() -> Path:
    return Path(__file__).parents[4] / "examples"
