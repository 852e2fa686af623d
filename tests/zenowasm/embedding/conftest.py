"""Everything here holds on every engine."""

from __future__ import annotations

import pytest

from zenowasm import Instance, Store
from zenowasm.backends import registry


@pytest.fixture(params=registry.names())
def engine(request) -> str:
    return request.param


@pytest.fixture
def store(engine):
    with Store(engine=engine) as made:
        yield made


@pytest.fixture
def run(store):
    """Instantiates text in the store and returns what it exports."""
    return lambda text, imports=None: Instance(text, imports, store).exports
