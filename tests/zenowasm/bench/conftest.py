import pytest

from zenowasm.bench.measure import Measurement
from zenowasm.bench.results import Comparison, Curve, Footprint, Latencies, Results, Start


def measurement(label, *seconds, work=1.0):
    return Measurement(label, work, 3, seconds)


@pytest.fixture
def results():
    """A run with something of every kind: the wasmtime engine is twice as fast as the reference, in every round."""
    fib = (measurement("reference", 0.5, 1.0, 2.0, work=6.0), measurement("wasmtime", 0.25, 0.5, 1.0, work=6.0))
    slots = (measurement("reference", 0.01, 0.01, 0.01), measurement("extism", 0.001, 0.002, 0.004))
    quantiles = tuple(1e-4 * (share + 1) for share in range(101))
    return Results(
        {"CPU": "abacus <1>", "cores": "2"},
        {"wasm3": "pip install pywasm3"},
        (
            Comparison("fib", "calls", "M instr/s", ("reference",), fib, {"ppci-native": "KeyError: 252"}),
            Comparison("call_in", "calls", "calls/s", ("reference",), fib),
            Comparison("slot-1", "one thread", "calls/s", ("extism",), slots),
        ),
        tuple(
            Latencies("slot-1", it, 1, (0.001, 0.002, 0.003), (0.01,) * 3, quantiles) for it in ("reference", "extism")
        ),
        (Curve("fib", "reference", "calls", (10.0, 100.0), (0.001, 0.1)),),
        (
            Footprint("load", "reference", 1_000_000, 0.5, 3 << 20),
            Footprint("load", "reference", 10_000_000, 0, 0, "left out"),
            Footprint("instance", "reference", 40, 2e-6, 5 << 10),
        ),
        (Start("C", "reference", 4_280, (0.5, 0.7, 0.6), (0.25,)),),
    )
