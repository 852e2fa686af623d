"""What several tests of engines use."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenowasm.backends.cache import ModuleCache


@pytest.fixture
def cache(tmp_path: Path) -> ModuleCache:
    """A cache of compiled modules in a folder of its own."""
    made = ModuleCache.of({"ZENO_CACHE_DIR": str(tmp_path)})
    assert made is not None
    return made
