"""Every engine that is installed runs every kernel it can, and answers as an independent computation does."""

from contextlib import ExitStack

import pytest

from zenowasm.bench.compute import open_kernel
from zenowasm.bench.engines.quickjs import script
from zenowasm.bench.engines.table import ENGINES
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.kernels import CALL_IN, CALL_OUT, KERNELS, QUICKJS

INSTALLED = [it for it in ENGINES if it.version() is not None]
TINY = {"fib": 8, "sieve": 30, "regex": 40, "integer": 1}
SIMD = {"dot": {"wasm3", "ppci-native", "pwasm-interpret", "pwasm-compile"}, "sieve": {"ppci-native"}}
"""What engines of WebAssembly 1.0 cannot run."""


def fib(number):
    return number if number < 2 else fib(number - 1) + fib(number - 2)


def sieve(below):
    return sum(all(number % other for other in range(2, number)) for number in range(2, below))


def dot(times):
    """Sums and halves are exact in f32 here, so their order does not matter."""
    import struct

    product = sum((index % 17) * 0.5 * (index % 23 - 11) for index in range(1024))
    total = 0.0
    for _ in range(times):
        total = total * 0.5 + product
    return int.from_bytes(struct.pack("<f", total), "little")


JUDGES = {"loop": lambda n: 0, "fib": fib, "sieve": sieve, "dot": dot, "call_in": lambda n: n, "call_out": lambda n: n}


@pytest.mark.parametrize("kernel", [*KERNELS, CALL_IN, CALL_OUT], ids=lambda it: it.name)
def test_all_agree(kernel):
    argument = TINY.get(kernel.name, 2)
    answers, refused = {}, set()
    for engine in INSTALLED:
        with ExitStack() as stack:
            try:
                running = kernel.load(engine, stack)
            except RefusedError:
                refused.add(engine.label)
            else:
                answers[engine.label] = running.call(argument) % (1 << kernel.bits)
                assert running.time(argument, 2) > 0
    assert refused == SIMD.get(kernel.name, set()) & {it.label for it in INSTALLED}
    assert len(set(answers.values())) == 1, answers
    if kernel.name in JUDGES:
        assert set(answers.values()) == {JUDGES[kernel.name](argument)}


@pytest.mark.parametrize("engine", [it for it in INSTALLED if hasattr(it, "load_quickjs")], ids=lambda it: it.label)
def test_quickjs_evaluates_each_script(engine):
    with ExitStack() as stack:
        running = QUICKJS.load(engine, stack)
        assert running.call(7) == sum(i * i for i in range(7))
        assert running.time(3, 1) > 0


def test_a_script_is_what_it_says():
    assert "i < 12;" in script(12)


def test_an_engine_without_wasi_refuses_quickjs():
    wasm3 = next(it for it in ENGINES if it.label == "wasm3")
    with ExitStack() as stack, pytest.raises(RefusedError, match="it has no WASI"):
        QUICKJS.load(wasm3, stack)


@pytest.mark.parametrize("engine", INSTALLED, ids=lambda it: it.label)
def test_a_malformed_module_is_refused(engine):
    with ExitStack() as stack, pytest.raises(RefusedError):
        engine.instantiate(engine.compile(b"\0asm\2\0\0\0"), stack)


def test_sizes_go_by_what_the_engine_is():
    kernel = next(it for it in KERNELS if it.name == "loop")
    with ExitStack() as stack:
        opened = open_kernel(kernel, [it for it in INSTALLED if it.label in {"reference", "wasmtime"}], stack)
        assert {label: opened.argument(label) for label in opened.running} == {
            "reference": 10_000,
            "wasmtime": 5_000_000,
        }
