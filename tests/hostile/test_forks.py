"""Processes that fork while guests run: limits hold in the child, and it can compile."""

from __future__ import annotations

import pytest
from hostile.bounded import cases, run_python

PROGRAM = """
import os, sys, threading, time, warnings
from zenowasm.backends.protocol import Budget, FuncType
from zenowasm.backends.registry import engine
from zenowasm.interp.binary.encoder import encode
from zenowasm.interp.errors import Trap
from zenowasm.interp.text import parse_module

warnings.simplefilter("ignore", DeprecationWarning)  # CPython warns of every fork beside threads
backend, mode = sys.argv[1:3]
TEXT = '''(module (import "env" "host" (func $host)) (func $spins (export "spins") (loop (br 0)))
  (func (export "forks") (call $host) (call $spins)))'''
BINARY = encode(parse_module(TEXT))
chosen = engine(backend)
module = chosen.compile(BINARY)
children = []


def instance(body=lambda *_: ()):
    store = chosen.new_store()
    store.set_budget(Budget(seconds=0.5))
    return store.instantiate(module, {("env", "host"): store.host_function(FuncType(), body)})


def ends(guest, name):
    began = time.monotonic()
    try:
        guest.exports[name].call()
    except Trap as trap:
        return trap.code.name == "INTERRUPTED" and 0.45 < time.monotonic() - began < 8
    return False


def fork(*_):
    children.append(os.fork())
    return ()


if mode == "thread":  # another thread has a call under way
    busy = instance()
    thread = threading.Thread(target=ends, args=(busy, "spins"))
    thread.start()
    time.sleep(0.1)
    fork()
    if not children[0]:
        module = chosen.compile(BINARY)
    good = ends(instance(), "spins")
    if children[0]:
        thread.join()
else:  # the guest's own host function forks: the call goes on in both processes
    good = ends(instance(fork), "forks")
if not children[0]:
    os._exit(0 if good else 3)
_, status = os.waitpid(children[0], 0)
sys.exit(0 if good and status == 0 else f"parent {good}, child {status}")
"""


@pytest.mark.parametrize("engine", ["reference", "wasmtime"])
@pytest.mark.parametrize("mode", ["thread", "host"])
def test_deadlines_hold_in_a_forked_child(engine: str, mode: str) -> None:
    for _ in cases(1, 30):
        ending = run_python(PROGRAM, engine, mode, seconds=20)
        assert (ending.code, ending.stderr) == (0, ""), ending
