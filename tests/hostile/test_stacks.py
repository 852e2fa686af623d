"""Guests that recurse without end on threads with small stacks: an error of its type, never the end of the process."""

from __future__ import annotations

import shlex
import sys

import pytest
from hostile.bounded import CAMPAIGN, cases, run, run_python

_SIZES = tuple(range(64, 2049, 32)) if CAMPAIGN else (64, 512, 704, 744, 768, 2048)
"""KiB; a guest needs 736, and Python some for itself."""

PROGRAM = """
import sys, threading
from zenowasm.backends.protocol import FuncType
from zenowasm.backends.registry import engine
from zenowasm.interp.binary.encoder import encode
from zenowasm.interp.errors import Exhaustion
from zenowasm.interp.text import parse_module
from zenowasm.interp.types import I32

TEXT = '''(module (import "env" "host" (func $host (result i32))) (import "env" "again" (func $again (result i32)))
  (func $deep (param i32) (drop (call $host)) (call $deep (local.get 0)))
  (func (export "guest") (call $guest)) (func $guest (call $guest))
  (func (export "both") (call $deep (i32.const 0)))
  (func $nested (param i32)
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 500))) (then (drop (call $again))))
    (call $nested (i32.add (local.get 0) (i32.const 1))))
  (func (export "nested") (call $nested (i32.const 1))))'''
nested = []
for _ in range(200):
    nested = [nested]


def again(caller, _):
    try:
        caller.export("guest").call()
    except Exhaustion:
        return (len(repr(nested)) & 1,)


chosen = engine("wasmtime")
module = chosen.compile(encode(parse_module(TEXT)))


def call():
    for name in ("guest", "both", "nested"):
        try:
            store = chosen.new_store()
            host = store.host_function(FuncType((), (I32,)), lambda *_: (len(repr(nested)) & 1,))
            functions = {("env", "host"): host, ("env", "again"): store.host_function(FuncType((), (I32,)), again)}
            store.instantiate(module, functions).exports[name].call()
        except Exhaustion as error:
            print(type(error).__name__)


if sys.argv[1] == "main":
    call()
else:
    threading.stack_size(int(sys.argv[1]) << 10)
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("kib", _SIZES)
def test_endless_recursion_on_a_thread_of_any_size(kib: int) -> None:
    for _ in cases(1, 10):
        ending = run_python(PROGRAM, str(kib))
        expected = "Exhaustion" if kib >= 768 else "HostExhaustion"
        if 736 <= kib < 768:  # how much of it Python has used already differs between its versions
            expected = ending.stdout.split()[0]
        assert (ending.code, ending.stdout.split(), ending.stderr) == (0, [expected] * 3, ""), ending


@pytest.mark.parametrize(("kib", "expected"), [(512, "HostExhaustion"), (700, "HostExhaustion"), (2048, "Exhaustion")])
def test_endless_recursion_on_the_main_thread_under_ulimit(kib: int, expected: str) -> None:
    command = f"ulimit -s {kib}; exec {shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)} main"
    ending = run(["sh", "-c", command])
    assert (ending.code, ending.stdout.split(), ending.stderr) == (0, [expected] * 3, ""), ending
