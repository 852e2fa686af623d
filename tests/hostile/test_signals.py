"""Signals at random moments while guests run, in processes of their own: each exception of a handler must arrive."""

from __future__ import annotations

import random
import signal

import pytest
from hostile.bounded import CAMPAIGN, Ending, cases, run_python

ENGINES = ("reference", "wasmtime")
GUESTS = ("calls", "nests", "recurses", "spins")
SIGNALS = ("SIGALRM", "SIGINT", "SIGTERM")
_CASES = cases(1, 17)
"""Of each of the twelve kinds on each engine: a campaign runs 200 processes an engine."""

PROGRAM = """
import os, random, signal, sys, threading, time
from zenowasm.backends.protocol import EngineOptions, FuncType
from zenowasm.backends.registry import engine
from zenowasm.interp.binary.encoder import encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.types import I32

backend, guest, numbers, seed = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4]
TEXT = '''(module (import "env" "host" (func $host (result i32))) (func (export "inner") (result i32) (i32.const 1))
  (func (export "calls") (loop (drop (call $host)) (br 0)))
  (func (export "nests") (loop (drop (call $host)) (br 0)))
  (func $deep (param i32) (if (i32.eqz (local.get 0)) (then (drop (call $host)))
                              (else (call $deep (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "recurses") (loop (call $deep (i32.const 50)) (br 0)))
  (func (export "spins") (loop (br 0))))'''


class Alarmed(Exception):
    pass


def alarm(number, frame):
    raise Alarmed


signal.signal(signal.SIGALRM, alarm)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
chosen = engine(backend, EngineOptions(fuel=False))  # as hosts have it
store = chosen.new_store()


def host(caller, arguments):
    if guest == "nests":
        return caller.export("inner").call()
    return (0,)


instance = store.instantiate(
    chosen.compile(encode(parse_module(TEXT))), {("env", "host"): store.host_function(FuncType((), (I32,)), host)}
)


def send():
    generator = random.Random(seed)
    time.sleep(generator.uniform(0.02, 0.1))
    for name in numbers:
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(generator.choice((0, 0, 0.0001)))


threading.Thread(target=send, daemon=True).start()
try:
    instance.exports[guest].call()
except BaseException as error:
    arrived = error
print(type(arrived).__name__)
(one,) = instance.exports["inner"].call()
sys.exit(0 if one == 1 else 1)
"""

_ARRIVES = {"SIGALRM": "Alarmed", "SIGINT": "KeyboardInterrupt", "SIGTERM": "SystemExit"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("guest", GUESTS)
def test_what_a_handler_raises_arrives_and_the_store_stays_usable(engine: str, guest: str, name: str) -> None:
    for case in _CASES:
        ending = run_python(PROGRAM, engine, guest, name, f"{guest}{name}{case}", seconds=20)
        assert (ending.code, ending.stdout, ending.stderr) == (0, f"{_ARRIVES[name]}\n", ""), ending


@pytest.mark.parametrize("engine", ENGINES)
def test_no_burst_of_signals_ends_the_process_in_an_undefined_way(engine: str) -> None:
    for case in cases(4, 100):
        generator = random.Random(case)
        names = [generator.choice(SIGNALS) for _ in range(5)]
        ending = run_python(PROGRAM, engine, generator.choice(GUESTS), ",".join(names), str(case), seconds=20)
        # The first to arrive ends the call; those behind it may come after the `try` that waits for it.
        assert ended_as_python_does(ending), ending


def ended_as_python_does(ending: Ending) -> bool:
    return not ending.killed and ending.code in (0, 1, 7, 130, -signal.SIGINT)


if CAMPAIGN:
    assert len(_CASES) * len(GUESTS) * len(SIGNALS) >= 200
