import json

import pyperf
import pytest

from zenowasm.bench.document import to_document
from zenowasm.bench.measure import Measurement
from zenowasm.bench.results import Comparison, Curve, Results

MEASURED = (Measurement("reference", 2.0, 5, (0.5, 0.25, 0.5)), Measurement("wasmtime", 2.0, 9, (0.1, 0.2, 0.3)))
RESULTS = Results(
    {"CPU": "abacus"},
    {"wasm3": "pip install pywasm3"},
    (Comparison("fib", "calls", "M instr/s", ("reference",), MEASURED),),
    curves=(Curve("fib", "reference", "calls", (1.0, 2.0), (3.0, 12.0)),),
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(to_document(RESULTS)))
    return path


def test_pyperf_reads_it(file):
    suite = pyperf.BenchmarkSuite.load(str(file))
    assert suite.get_benchmark_names() == ["fib/reference", "fib/wasmtime"]
    benchmark = suite.get_benchmark("fib/reference")
    assert benchmark.get_values() == (0.5, 0.25, 0.5)
    assert benchmark.median() == 0.5
    assert suite.get_benchmark("fib/wasmtime").mean() == pytest.approx(0.2)
    assert benchmark.get_unit() == "second"


def test_everything_else_is_beside_it(file):
    ours = json.loads(file.read_text())["zenowasm"]
    assert ours["format"] == 1
    assert ours["facts"] == {"CPU": "abacus"}
    assert ours["absent"] == {"wasm3": "pip install pywasm3"}
    assert ours["curves"][0]["exponent"] == pytest.approx(2)
    assert ours["comparisons"][0]["measurements"][0]["seconds"] == [0.5, 0.25, 0.5]
