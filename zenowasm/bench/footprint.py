"""Time and memory to load modules: ``python -m zenowasm.bench.footprint TASK ENGINE SIZE``.

Each measurement runs in a new process, because a process's peak memory only grows. A module's memory is the difference
to a process that does the same with the smallest module.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final

from zenowasm.bench import synthetic
from zenowasm.bench.engines.protocol import Engine
from zenowasm.bench.engines.table import ENGINES
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.kernels import KERNELS
from zenowasm.bench.results import Curve, Footprint

SIZES: Final = (20_000, 100_000, 1_000_000, 10_000_000)
INSTANCES: Final = 40
_MOST_SECONDS: Final = 10.0
"""The maximum expected time of a measurement, extrapolated from a smaller one; longer ones are left out."""
_DEADLINE: Final = 60.0
_STATUS: Final = Path("/proc/self/status")


def load(engine: Engine, size: int, stack: ExitStack) -> None:
    """Load a synthetic module and call it once."""
    engine.instantiate(engine.compile(synthetic.module(size)), stack).call(1)


def instances(engine: Engine, count: int, stack: ExitStack) -> None:
    """Make instances of one compiled module and run each of them."""
    module = engine.compile(next(it for it in KERNELS if it.name == "integer").binary)
    kept = [engine.instantiate(module, stack) for _ in range(count)]
    for running in kept:
        running.call(1)


TASKS: Final[Mapping[str, Callable[[Engine, int, ExitStack], None]]] = MappingProxyType(
    {"load": load, "instances": instances}
)


def measured(task: str, engine: str, size: int) -> dict[str, Any]:
    """Do a task in a new process; return its seconds, its peak memory in bytes, and the reason if it failed."""
    command = [sys.executable, "-m", "zenowasm.bench.footprint", task, engine, str(size)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=_DEADLINE, check=True)
    except subprocess.TimeoutExpired:
        return {"error": f"more than {_DEADLINE:.0f} s"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def loads(engines: Sequence[Engine], sizes: Sequence[int] = SIZES) -> Iterator[Footprint]:
    """Measure loading by size; skip sizes that would take an engine too long."""
    for engine in engines:
        least = measured("load", engine.label, 0)
        before: Footprint | None = None
        for size in sizes:
            if before and before.seconds * size / before.size > _MOST_SECONDS:
                note = f"left out: {before.size / 1e6:g} MB took {before.seconds:.1f} s"
                yield Footprint("load", engine.label, size, 0, 0, note)
                break
            found = measured("load", engine.label, size)
            if "error" in found:
                yield Footprint("load", engine.label, size, 0, 0, found["error"])
                break
            before = Footprint("load", engine.label, size, found["seconds"], max(0, found["peak"] - least["peak"]))
            yield before


def per_instance(engines: Sequence[Engine], count: int = INSTANCES) -> Iterator[Footprint]:
    """Measure the time and memory of one more instance, on engines whose instances are in the process."""
    for engine in engines:
        if not engine.in_process:
            continue
        one = measured("instances", engine.label, 1)
        if one.get("seconds", 0.0) * count > _MOST_SECONDS:
            one = {"error": f"left out: one took {one['seconds']:.1f} s"}
        many = one if "error" in one else measured("instances", engine.label, 1 + count)
        if "error" in many:
            yield Footprint("instance", engine.label, count, 0, 0, many["error"])
            continue
        seconds, memory = many["seconds"] - one["seconds"], many["peak"] - one["peak"]
        yield Footprint("instance", engine.label, count, max(0.0, seconds) / count, max(0, memory) // count)


def curves(footprints: Sequence[Footprint]) -> Iterator[Curve]:
    """Yield the growth of loading, for engines with at least two sizes."""
    for label in dict.fromkeys(it.label for it in footprints):
        those = [it for it in footprints if it.label == label and not it.note]
        if len(those) > 1:
            sizes, seconds = tuple(float(it.size) for it in those), tuple(it.seconds for it in those)
            yield Curve("load", label, "bytes", sizes, seconds)


def _peak() -> int:
    """Return the peak memory of this process and its children, in bytes.

    On Linux, a program inherits the peak of the process that started it, except in the program's own status file.
    """
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    unit = 1 if sys.platform == "darwin" else 1024
    own = getrusage(RUSAGE_SELF).ru_maxrss * unit
    if _STATUS.exists():
        line = next(it for it in _STATUS.read_text(encoding="ascii").splitlines() if it.startswith("VmHWM"))
        own = int(line.split()[1]) * 1024
    return own + getrusage(RUSAGE_CHILDREN).ru_maxrss * unit


def _main(task: str, label: str, size: str) -> None:
    engine = next(it for it in ENGINES if it.label == label)
    try:
        with ExitStack() as stack:
            load(engine, 0, stack)  # so that the measurement excludes importing the engine
            started = perf_counter()
            TASKS[task](engine, int(size), stack)
            seconds = perf_counter() - started
    except RefusedError as error:
        print(json.dumps({"error": str(error)}))
        return
    print(json.dumps({"seconds": seconds, "peak": _peak()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
