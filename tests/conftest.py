"""Settings of all tests. Helpers that tests import are in ``support``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

pytest_plugins = ["pytester"]  # pytest takes this only in the uppermost conftest.py

# A deadline in wall-clock time would fail on a busy machine. In CI the examples are the same in every run.
settings.register_profile(
    "zenowasm",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("zenowasm")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what hosts remember out of the user's own cache, child processes included."""
    folder = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZENO_CACHE_DIR", folder)
        patch.setenv("XDG_CACHE_HOME", folder)
        yield
