"""Measures what observing costs a guest of the reference engine, as ratios of CPU time to a free run.

The free run, one with a breakpoint that is never reached, one that watches memory, and one for each of coverage,
profile and timeline take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import quantiles
from time import process_time
from typing import Any, Final

from zenowasm.backends import registry
from zenowasm.backends.protocol import Store
from zenowasm.debugger import Action, Resume, Session, Stop
from zenowasm.interp.binary import encode
from zenowasm.interp.text import parse_module
from zenowasm.profiling.calls import CallProfile
from zenowasm.profiling.counting import InstructionCounter
from zenowasm.profiling.timeline import Timeline

GUEST: Final = """(module
  (memory 1)
  (func $never (export "never") nop)
  (func $fib (export "recursion") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "stores") (param $n i32) (result i32)
    (loop $more
      (i32.store (i32.and (i32.mul (local.get $n) (i32.const 52)) (i32.const 0xfff8)) (local.get $n))
      (i32.store8 offset=1024 (i32.and (local.get $n) (i32.const 255)) (local.get $n))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n)))"""
CALLS: Final = {"recursion": 18, "stores": 20_000}
"""The exports that are measured, with their arguments."""
WATCHED: Final = "$u32[65532]"
"""Memory to which no call writes."""


class Front:
    """Sets a watchpoint at the first stop, if it is given one."""

    def __init__(self, expression: str | None) -> None:
        self._expression = expression

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Go on."""
        if self._expression is not None:
            session.add_watchpoint(self._expression)
        return Resume(Action.CONTINUE)

    def logged(self, session: Session, text: str) -> None:
        """Do nothing: there are no logpoints."""


def guest(watched: str | None, *, debugged: bool) -> Callable[[str, int], Any]:
    """Return the call of an export, in a store of its own."""
    engine = registry.engine("reference")
    store = engine.new_store()
    if debugged:
        session = Session(Front(watched), stop_at_start=watched is not None)
        session.attach("guest", store)
    exports: Any = store.instantiate(engine.compile(encode(parse_module(GUEST))), {}).exports
    if debugged:
        exports["never"].call()
        session.add_breakpoint("never")
    return lambda export, argument: exports[export].call(argument)


def observed(on_store: Callable[[str, Store], None]) -> Callable[[str, int], Any]:
    """Return the call of an export, in a store of its own that is observed."""
    engine = registry.engine("reference")
    store = engine.new_store()
    on_store("guest", store)
    exports: Any = store.instantiate(engine.compile(encode(parse_module(GUEST))), {}).exports
    return lambda export, argument: exports[export].call(argument)


def main() -> None:
    """Measure and print a line for each export and kind of session."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    free = guest(None, debugged=False)
    sessions = {
        "breakpoint not reached": guest(None, debugged=True),
        "memory watched": guest(WATCHED, debugged=True),
        "coverage": observed(InstructionCounter().attach),
        "profile": observed(CallProfile().attach),
        "timeline": observed(Timeline().attach),
    }
    for export, argument in CALLS.items():
        ratios: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(rounds):
            base = _seconds(free, export, argument)
            for name, call in sessions.items():
                ratios[name].append(_seconds(call, export, argument) / base)
        for name, found in ratios.items():
            low, middle, high = quantiles(found, n=4)
            print(f"{export:10} {name:24} {middle:.3f} of the free run ({low:.3f} to {high:.3f})")


def _seconds(call: Callable[[str, int], Any], export: str, argument: int) -> float:
    start = process_time()
    call(export, argument)
    return process_time() - start


if __name__ == "__main__":
    main()
