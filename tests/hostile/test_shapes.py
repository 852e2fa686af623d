"""What it takes to load modules that are made to be dear: work is counted, and limits end what is too much."""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hostile.bounded import CAMPAIGN, run_python
from hostile.shapes import SHAPES
from support.wasm import CODE, EXPORT, FUNCTION, I64, TYPE, body, functype, module, section, u, vec
from support.wasm import name as wasm_name

from zenowasm.backends.protocol import CompileLimits, ExecutionLimits
from zenowasm.backends.registry import engine
from zenowasm.interp.binary import decode
from zenowasm.interp.errors import CompileLimitError, DecodeError, Exhaustion, LimitError, ValidationError, WasmError
from zenowasm.interp.progress import Progress
from zenowasm.interp.validation import validate_module

HELLO = Path(__file__).parents[2] / "examples" / "plugins" / "hello" / "hello.wasm"
MIB = 1 << 20
SIZE = 40_000 if CAMPAIGN else 3_000


def calls(binary: bytes) -> int:
    """Return how many functions are entered while the reference engine loads a module."""
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        validate_module(decode(binary))
    except (DecodeError, ValidationError, LimitError):
        pass  # refusing costs as well
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reference_takes_work_in_proportion_to_the_size(shape: str) -> None:
    ordinary = HELLO.read_bytes()
    binary = SHAPES[shape](SIZE)
    assert calls(binary) / len(binary) < 20 * calls(ordinary) / len(ordinary)


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_counted_before_it_is_used(shape: str) -> None:
    """The estimate that limits hold against is never below what Python allocates, and not far above."""
    binary, most = SHAPES[shape](SIZE), 0

    def checkpoint(held: int) -> None:
        nonlocal most
        most = max(most, held)

    tracemalloc.start()
    try:
        kept = validate_module(decode(binary, progress=Progress(checkpoint)), Progress(checkpoint))
    except WasmError:
        kept = None
    finally:
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert used < most + MIB
    assert most < 100 * used
    del kept


_COMPILE = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from hostile.shapes import SHAPES
from zenowasm.backends import registry
from zenowasm.backends.protocol import CompileLimits
from zenowasm.interp.errors import WasmError
engine = registry.engine(sys.argv[2])
binary = SHAPES[sys.argv[3]](int(sys.argv[4]))
limits = CompileLimits(memory_bytes=int(sys.argv[5]), seconds=float(sys.argv[6]))
before, outcome = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "loaded"
try:
    engine.compile(binary, limits)
except WasmError as error:
    outcome = type(error).__name__
usage = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([outcome, (usage - before) * 1024]))
"""
DEAREST = (
    "locals in the innermost of nested loops",
    "loops of 1,000 values",
    "structures of 10,000 fields",
    "operands that wait",
)


@pytest.mark.parametrize("name", ["reference", "wasmtime"])
@pytest.mark.parametrize("shape", SHAPES if CAMPAIGN else DEAREST)
def test_limits_hold_while_a_module_is_compiled(name: str, shape: str) -> None:
    size, memory, seconds = (100_000, 200 * MIB, 2.0) if CAMPAIGN else (30_000, 100 * MIB, 1.0)
    tests = str(Path(__file__).parents[1])
    ending = run_python(_COMPILE, tests, name, shape, str(size), str(memory), str(seconds))
    assert ending.code == 0, ending.stderr
    outcome, used = json.loads(ending.stdout)
    assert used < memory + 64 * MIB  # what a process has before it begins
    assert ending.seconds < seconds + 10
    if name == "wasmtime" and shape in DEAREST[:3]:
        assert outcome == "CompileLimitError"


@pytest.mark.parametrize("name", ["reference", "wasmtime"])
def test_many_locals_in_little_code_are_refused_at_once(name: str) -> None:
    """3,000 empty functions of 50,000 locals each, in 24 KB."""
    binary = SHAPES["locals in empty functions"](30_000)
    with pytest.raises(LimitError, match=r"too many locals: 1050000 in the functions up to byte \S+ together"):
        engine(name).compile(binary)


@pytest.mark.parametrize("name", ["reference", "wasmtime"])
def test_what_is_decoded_counts_on_every_engine(name: str) -> None:
    with pytest.raises(CompileLimitError, match="takes more than 1000000 bytes of memory to compile"):
        engine(name).compile(SHAPES["different types"](200_000), CompileLimits(memory_bytes=1_000_000))


def test_a_call_with_many_locals_ends_where_the_stack_does() -> None:
    binary = module(
        section(TYPE, vec([functype()])),
        section(FUNCTION, vec([u(0)])),
        section(EXPORT, vec([wasm_name("f") + b"\0" + u(0)])),
        section(CODE, vec([body(b"\x10\x00", (50_000, I64))])),
    )
    store = engine("reference").new_store(ExecutionLimits(stack_values=200_000))
    recursive: Any = store.instantiate(engine("reference").compile(binary), {}).exports["f"]
    with pytest.raises(Exhaustion, match="stack_values is 200000"):
        recursive.call()
