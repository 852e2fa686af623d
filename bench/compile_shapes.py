"""Time and memory to load modules that are expensive by design: ``python bench/compile_shapes.py``.

Each module is compiled in a separate process. A ratio compares the time per byte with that of the ordinary module, the
largest binary in ``examples/plugins``; ``refused`` says that a limit stopped the compilation.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
TESTS = str(ROOT / "tests")
sys.path.insert(0, TESTS)

from hostile.bounded import Ending, run_python  # noqa: E402
from hostile.shapes import SHAPES  # noqa: E402

ORDINARY = ROOT / "examples" / "plugins" / "markdown" / "markdown.wasm"
_PROGRAM = """
import json, resource, sys
from time import perf_counter
sys.path.insert(0, sys.argv[1])
engine, shape, size = sys.argv[2], sys.argv[3], int(sys.argv[4])
from zenowasm.backends import registry
from zenowasm.interp.errors import WasmError
if size:
    from hostile.shapes import SHAPES
    binary = SHAPES[shape](size)
else:
    binary = open(shape, "rb").read()
chosen = registry.engine(engine)
chosen.compile(bytes.fromhex("0061736d01000000"))
begin, outcome = perf_counter(), ""
try:
    chosen.compile(binary)
except WasmError as error:
    outcome = f"{type(error).__name__}: {error}"
seconds = perf_counter() - begin
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([len(binary), seconds, outcome, children]))
"""


def measure(engine: str, shape: str, size: int, seconds: float) -> tuple[Ending, list[object]]:
    """Return how the process ended, and the module's size, the time, the outcome and its children's memory."""
    ending = run_python(_PROGRAM, TESTS, engine, shape, str(size), seconds=seconds)
    return ending, json.loads(ending.stdout) if ending.code == 0 else []


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000, help="about how many bytes each module has")
    parser.add_argument("--seconds", type=float, default=60, help="after which a process is ended")
    parser.add_argument("--engine", choices=("reference", "wasmtime"), action="append")
    parser.add_argument("shapes", nargs="*", default=list(SHAPES))
    asked = parser.parse_args()
    table = Table("shape", "engine", "bytes", "ms", "ratio", "MiB", "outcome")
    for engine in asked.engine or ("reference", "wasmtime"):
        base = min(_per_byte(measure(engine, str(ORDINARY), 0, asked.seconds)[1]) for _ in range(3))
        for shape in asked.shapes:
            ending, found = measure(engine, shape, asked.size, asked.seconds)
            if not found:
                what = "killed" if ending.killed else ending.stderr.strip()[-60:]
                table.add_row(shape, engine, "", f"{ending.seconds * 1000:.0f}", "", str(ending.peak >> 20), what)
                continue
            size, seconds, outcome, children = found
            ratio = _per_byte(found) / base
            memory = max(ending.peak, int(str(children))) >> 20
            table.add_row(
                shape,
                engine,
                str(size),
                f"{float(str(seconds)) * 1000:.1f}",
                f"{ratio:.1f}",
                str(memory),
                str(outcome)[:60],
            )
    Console(width=160).print(table)


def _per_byte(found: list[object]) -> float:
    return float(str(found[1])) / int(str(found[0]))


if __name__ == "__main__":
    main()
