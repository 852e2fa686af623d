"""Measures journeys and questions in a replay, as ratios of CPU time to a replay that runs freely.

The guest consumes ten million units of fuel: a recursive function, and a loop that writes to memory in each round.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

from zenowasm.backends import registry
from zenowasm.debugger import Action, DebuggerQuit, Resume, Session, Stop
from zenowasm.interp.binary import encode
from zenowasm.interp.text import parse_module
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import Replay
from zenowasm.timetravel import TimeMachine

GUEST: Final = """(module
  (memory (export "memory") 16)
  (func $first (export "first") (i32.store (i32.const 4) (i32.const 1)))
  (func $fib (export "recursion") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "stores") (param $n i32) (result i32)
    (loop $more
      (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (local.get $n)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n)))"""
CALLS: Final = {"recursion": 27, "stores": 900_000}
"""The exports that are measured, with arguments for about ten million units of fuel."""


class Front:
    """Goes through its steps, one at each stop, and measures the CPU time from each to the next stop."""

    def __init__(self, seldom: str, often: str) -> None:
        self.seconds: dict[str, float] = {}
        self._steps = self._journeys(seldom, often)
        self._measured = "forwards, with snapshots"
        self._began = process_time()

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Note the time, and take the next step."""
        now = process_time()
        self.seconds[self._measured] = now - self._began
        self._session = session
        self._measured, resume = next(self._steps)
        self._began = process_time()
        return resume

    def logged(self, session: Session, text: str) -> None:
        """Do nothing with an answer."""

    def _journeys(self, seldom: str, often: str) -> Iterator[tuple[str, Resume]]:
        yield "forwards, with snapshots", Resume(Action.CONTINUE)
        self._session.add_breakpoint("first")
        yield "back to a breakpoint", Resume(Action.CONTINUE_BACK)
        self._session.delete_breakpoint(1)
        self._session.add_watchpoint("$u32[4]")
        yield "", Resume(Action.GO_TO, place="8000000")
        yield "back to a write", Resume(Action.CONTINUE_BACK)
        yield "to a time", Resume(Action.GO_TO, place="5000000")
        yield "a step back", Resume(Action.STEP_BACK)
        yield f"who wrote {seldom}", self._asks(f"who wrote {seldom}")
        yield f"who wrote {often}", self._asks(f"who wrote {often}")
        yield "calls fib", self._asks("calls fib")
        yield "", Resume(Action.QUIT)

    def _asks(self, question: str) -> Resume:
        timeline: Any = self._session.timeline
        return Resume(Action.ASK, question=timeline.question(question))


def record(path: Path, export: str) -> None:
    """Record the calls on wasmtime, or on the reference engine where that is not installed."""
    with Recorder(path) as recorder:
        engine = recorder.engine(registry.engine("auto"))
        module = engine.compile(encode(parse_module(GUEST)))
        exports: Any = engine.new_store().instantiate(module, {}).exports
        exports["first"].call()
        exports[export].call(CALLS[export])


def measure(recording: Recording) -> tuple[float, dict[str, float]]:
    """Return the seconds of a free replay, and those of each journey."""
    replay = Replay(recording, registry.engine("reference"))
    replay.run()  # which compiles
    before = process_time()
    replay.run()
    free = process_time() - before
    front = Front("$u32[4]", "$u32[1024]")
    try:
        TimeMachine(replay, Session(front, stop_at_start=True)).run()
    except DebuggerQuit:
        front.seconds.pop("", None)
    return free, front.seconds


def main() -> None:
    """Print the median and the quartiles of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = max(parser.parse_args().rounds, 2)
    for export in CALLS:
        ratios: dict[str, list[float]] = {}
        with TemporaryDirectory() as folder:
            path = Path(folder) / "run.zr"
            record(path, export)
            with Recording(path) as recording:
                for _ in range(rounds):
                    free, seconds = measure(recording)
                    for journey, taken in seconds.items():
                        ratios.setdefault(journey, []).append(taken / free)
        print(f"{export}: a free replay takes {free:.1f} s of CPU time")
        for journey, found in ratios.items():
            low, middle, high = quantiles(found, n=4)
            print(f"  {journey:28} {middle:6.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
