"""Servers on loopback, and a client that may go there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import frozen
from support.web import Web, serving

from zenowasm.resources.http.client import HttpClient


@frozen
class Named:
    """A grant that names the host, as ``http://127.0.0.1:8042/*`` in a manifest does, or does not, as ``*``."""

    literal_host: bool = True


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient() as made:
        yield made


@pytest.fixture
def named():
    return lambda url: Named()


@pytest.fixture
def anywhere():
    return lambda url: Named(literal_host=False)
