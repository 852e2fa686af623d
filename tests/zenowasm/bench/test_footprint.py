import pytest

from zenowasm.bench import footprint, synthetic
from zenowasm.bench.engines.ours import Ours
from zenowasm.bench.results import Footprint
from zenowasm.interp.binary import decode
from zenowasm.interp.validation import validate_module


@pytest.mark.parametrize("size", [0, 5_000, 100_000])
def test_synthetic_modules_have_the_size(size):
    binary = synthetic.module(size)
    validate_module(decode(binary))
    assert abs(len(binary) - size) < 1_500 + size * 0.01


def test_loading_in_a_process_of_its_own():
    small, large = footprint.loads([Ours("wasmtime")], (20_000, 200_000))
    assert (small.label, small.size, small.note) == ("wasmtime", 20_000, "")
    assert 0 < small.seconds < 20
    assert 0 < large.memory < 1 << 30


def test_what_would_take_too_long_is_left_out(monkeypatch):
    monkeypatch.setattr(footprint, "measured", lambda task, label, size: {"seconds": size / 1e5, "peak": 5 + size})
    found = list(footprint.loads([Ours("reference")], (100_000, 1_000_000, 10_000_000)))
    assert [it.note for it in found] == ["", "", "left out: 1 MB took 10.0 s"]
    assert found[1].memory == 1_000_000
    (curve,) = footprint.curves(found)
    assert curve.exponent == pytest.approx(1)


def test_a_refusal_is_told(monkeypatch):
    monkeypatch.setattr(footprint, "measured", lambda task, label, size: {"error": "no"} if size else {"peak": 1})
    assert [it.note for it in footprint.loads([Ours("reference")])] == ["no"]
    assert [it.note for it in footprint.per_instance([Ours("reference")])] == ["no"]


def test_one_more_instance():
    """wasm's page is 64 KiB; what an instance does not touch takes no memory, but something it always does."""
    (it,) = footprint.per_instance([Ours("wasmtime")], 10)
    assert isinstance(it, Footprint)
    assert it.note == ""
    assert 0 <= it.memory < 4 << 20
