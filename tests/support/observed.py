"""Guests that are observed while they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from support.engines import engine
from support.wasm import wat

from zenowasm.backends.protocol import FuncType, HostBody, Store
from zenowasm.interp.errors import Exhaustion, Trap, UncaughtException
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration
from zenowasm.interp.types import I32
from zenowasm.profiling.counting import InstructionCounter

FLOW = wat("""
(module
  (import "env" "back" (func $back (param i32) (result i32)))
  (tag $odd (param i32))
  (table funcref (elem $even))
  (func $loops (export "loops") (param $n i32) (result i32)
    loop $again
      local.get $n
      i32.const 1
      i32.sub
      local.tee $n
      br_if $again
    end
    local.get $n)
  (func $cases (export "cases") (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $c (local.get 0))) (return (i32.const 3))) (return (i32.const 2)))
    i32.const 1)
  (func $even (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 1))
      (then (throw $odd (local.get 0)))
      (else (i32.const 8))))
  (func $catches (export "catches") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (result i32) (catch $odd $caught)
        (i32.add (i32.const 1) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))
      (i32.add (i32.const 100)))
    (i32.mul (i32.const 2)))
  (func $tail (export "tail") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 5))))
    (return_call $tail (i32.sub (local.get 0) (i32.const 1))))
  (func $traps (export "traps") (param i32) (result i32)
    i32.const 10
    (call $divide (local.get 0))
    i32.add)
  (func $divide (param i32) (result i32)
    i32.const 6
    local.get 0
    i32.div_s
    i32.const 1
    i32.add)
  (func $host (export "host") (param i32) (result i32)
    (i32.add (call $back (local.get 0)) (i32.const 1)))
  (func $deep (export "deep") (param i32) (result i32)
    (i32.add (call $deep (local.get 0)) (i32.const 1)))
  (func $throws (export "throws") (param i32) (result i32)
    (i32.add (call $even (local.get 0)) (i32.const 1)))
  (func (export "never") (result i32) i32.const 1))
""")
FAILURES = (Trap, Exhaustion, UncaughtException)
BACK = {"back": (FuncType((I32,), (I32,)), lambda caller, given: caller.export("traps").call(*given))}


def exports_of(
    binary: bytes,
    on_store: Callable[[str, Store], None],
    functions: Mapping[str, tuple[FuncType, HostBody]] | None = None,
) -> tuple[Store, Any]:
    """Return a store with an observer, and the exports of an instance in it; imports come from "env"."""
    store = engine("reference").new_store()
    on_store("guest", store)
    imports = {("env", name): store.host_function(type_, body) for name, (type_, body) in (functions or {}).items()}
    return store, store.instantiate(engine("reference").compile(binary), imports).exports


class Stepped(Probe):
    """Counts instructions by pausing before each of them: slow, and independent of hooks and blocks."""

    every = True

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, int]] = Counter()

    def attach(self, owner: str, store: Any) -> None:
        store.probe = self

    def before_instruction(self, execution: Configuration) -> None:
        frame = execution.frame
        if frame is not None:
            self.counts[frame.function.index, frame.pc] += 1


def counts(counter: InstructionCounter) -> Counter[tuple[int, int]]:
    """Return how often instructions were executed, by function and position."""
    found: Counter[tuple[int, int]] = Counter()
    for functions in counter.counts().values():
        for function, it in functions.items():
            found.update({(function, pc): count for pc, count in enumerate(it.instructions) if count})
    return found
