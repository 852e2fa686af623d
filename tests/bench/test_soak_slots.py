"""A short soak in every run of the tests; ``make soak`` makes 100,000 calls."""

import sys
from pathlib import Path

import pytest

from zenowasm import Host
from zenowasm.backends import registry

BENCH = Path(__file__).parents[2] / "bench"
CALLS = 2_000


@pytest.fixture
def soak_slots(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    import soak_slots

    yield soak_slots
    sys.modules.pop("soak_slots")


@pytest.mark.parametrize("backend", registry.names())
def test_no_call_is_lost_or_answered_twice(soak_slots, backend):
    it = soak_slots.soak(backend, CALLS, 8, 0.1)
    assert it.faults == ()
    assert it.shutdown.clean
    assert it.outcomes == {"answered": 1_880, "denied": 100, "GuestTrapError": 16, "TimeLimitError": 4}


def test_what_goes_wrong_is_found(soak_slots, monkeypatch):
    """A host that answers one call twice, loses one, and answers one with another's data."""
    honest = Host.call

    def call(host, slot, **parameters):
        number = parameters["id"]
        if number == 10:
            honest(host, slot, **parameters)
        if number == 20:
            return {"slot_name": slot, "parameters": {"id": 20}}
        if number == 30:
            return honest(host, slot, **{**parameters, "id": 31})
        return honest(host, slot, **parameters)

    monkeypatch.setattr(Host, "call", call)
    it = soak_slots.soak("reference", 40, 2, 60)
    assert sorted(it.faults) == [
        "call 10 was logged 2 times",
        "call 20 was logged 0 times",
        "call 30 of soak.echo: expected answered, got answered {'slot_name': 'soak.echo', 'parameters': {'id': 31}}",
        "call 30 was logged 0 times",
        "call 31 was logged 2 times",
    ]


def test_figures_are_printed(soak_slots, capsys):
    assert soak_slots.main(["--backend", "wasmtime", "--calls", "200", "--threads", "2"]) == 0
    assert "wasmtime: 200 calls over 2 threads" in capsys.readouterr().out
