"""Settings of all tests. Helpers that tests import are in ``support``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

# A deadline in wall-clock time would fail on a busy machine. In CI the examples are the same in every run.
settings.register_profile(
    "zenowasm",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("zenowasm")
