"""Compilers, and a folder for what they make."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.toolchains import ROOT, use_toolchains


@pytest.fixture(autouse=True)
def toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toolchains(monkeypatch)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
