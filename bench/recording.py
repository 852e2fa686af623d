"""Measures what recording costs: microseconds of CPU time a slot call and a host call, and bytes in the file.

The same engine runs with and without a recorder in turns. CPU time is that of the whole process, with the recorder's
thread; the file is flushed inside the measured time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Final

from attrs import frozen

import zenowasm
from zenowasm.backends import registry
from zenowasm.backends.protocol import EngineOptions, FuncType, Store
from zenowasm.interp.binary import encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.types import I32
from zenowasm.plugin import HostEnvironment
from zenowasm.recordings.recorder import Recorder

PLUGINS: Final = Path(__file__).parents[1] / "examples" / "plugins"
HOST_CALLS: Final = 1_000
"""The host calls of one call of ``GUEST``, each with two numbers and a result."""
GUEST: Final = f"""(module
  (import "env" "next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (result i32) (local $i i32) (local $sum i32)
    (loop $more
      (local.set $sum (i32.add (local.get $sum) (call $next (local.get $i) (local.get $sum))))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {HOST_CALLS}))))
    (local.get $sum)))"""
READING: Final = "reading and writing"


@frozen
class Cost:
    """The cost of recording one call: the medians of the microseconds without and with, their range, and the bytes."""

    name: str
    without: float
    cost: float
    least: float
    most: float
    size: float

    def __str__(self) -> str:
        return (
            f"{self.name:42} {self.without:8.2f} us, recording {self.cost:+6.2f} us ({self.least:+.2f} to "
            f"{self.most:+.2f}), {self.size:5.1f} bytes"
        )


def measured(name: str, plain: Callable[[], int], recorded: Callable[[], int], file: Path, rounds: int) -> Cost:
    """Compare two actions, which return the number of their calls, in turns."""
    pairs: list[tuple[float, float]] = []
    plain(), recorded()
    size, calls = file.stat().st_size, 0
    for _ in range(rounds):
        times = []
        for action in (plain, recorded):
            start = process_time()
            count = action()
            times.append((process_time() - start) / count * 1e6)
        calls += count
        pairs.append((times[0], times[1]))
    costs = sorted(with_ - without for without, with_ in pairs)
    grown = (file.stat().st_size - size) / calls
    return Cost(
        name, median(it for it, _ in pairs), median(costs), costs[len(costs) // 4], costs[-len(costs) // 4], grown
    )


def slot_calls(backend: str, calls: int, rounds: int, folder: Path) -> Cost:
    """Measure warm calls of ``hello.greet``, each with three calls into the guest and two host calls."""
    with ExitStack() as stack:
        file = folder / f"slots-{backend}"
        recorder = stack.enter_context(Recorder(file))
        options: dict[str, Any] = {"backend": backend, "environment": HostEnvironment({}), "log": lambda _: None}
        plain = stack.enter_context(zenowasm.Host(PLUGINS, **options))
        recorded = stack.enter_context(zenowasm.Host(PLUGINS, record=recorder, **options))

        def calling(host: zenowasm.Host, end: Callable[[], None]) -> Callable[[], int]:
            def run() -> int:
                for _ in range(calls):
                    host.call("hello.greet", name="World")
                end()
                return calls

            return run

        name = f"{backend}: slot call"
        return measured(name, calling(plain, lambda: None), calling(recorded, recorder.flush), file, rounds)


def host_calls(backend: str, calls: int, rounds: int, folder: Path, *, reading: bool, fuel: bool) -> Cost:
    """Measure host calls with numbers, or which also read 16 bytes and write 16."""
    binary = encode(parse_module(GUEST))
    with Recorder(folder / f"host-{backend}-{reading}-{fuel}") as recorder:
        engine = registry.engine(backend, EngineOptions(fuel=fuel))

        def calling(wrapped: bool, end: Callable[[], None]) -> Callable[[], int]:
            used = recorder.engine(engine) if wrapped else engine
            store: Store = used.new_store()
            memories: list[Any] = []

            def next_(caller: Any, arguments: tuple[int, ...]) -> Sequence[int]:
                if reading:
                    memory = memories[0]
                    memory.write(64, memory.read(32, 16))
                return (arguments[0],)

            function = store.host_function(FuncType((I32, I32), (I32,)), next_)
            exports: Any = store.instantiate(used.compile(binary), {("env", "next"): function}).exports
            memories.append(exports["memory"])

            def run() -> int:
                for _ in range(max(1, calls // HOST_CALLS)):
                    exports["run"].call()
                end()
                return max(1, calls // HOST_CALLS) * HOST_CALLS

            return run

        what = "host call, read and write" if reading else "host call"
        name = f"{backend}: {what}{', fuel counted' if fuel else ''}"
        return measured(
            name,
            calling(False, lambda: None),
            calling(True, recorder.flush),
            folder / f"host-{backend}-{reading}-{fuel}",
            rounds,
        )


def main() -> None:
    """Measure on every engine and print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=3_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for backend in registry.installed():
            calls = asked.calls if backend != registry.DEFAULT else max(1, asked.calls // 20)
            print(slot_calls(backend, calls, asked.rounds, folder), flush=True)
            for reading in (False, True):
                for fuel in (False, True) if backend != registry.DEFAULT else (True,):
                    cost = host_calls(backend, calls * 10, asked.rounds, folder, reading=reading, fuel=fuel)
                    print(cost, flush=True)


if __name__ == "__main__":
    os.environ.pop("ZENO_PLUGINS_CONFIG", None)
    main()
