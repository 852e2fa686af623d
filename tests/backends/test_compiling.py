"""Limits on compiling: what a module of a size may take, and what wasmtime may do in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hostile.shapes import SHAPES
from support.wasm import wat

from zenowasm.backends.protocol import CompileLimits
from zenowasm.backends.registry import engine
from zenowasm.backends.wasmtime import compiler
from zenowasm.backends.wasmtime.engine import Engine
from zenowasm.interp.errors import CompileLimitError, CompileResource, DecodeError, ValidationError
from zenowasm.interp.features import WASM_3

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
LOOPS = SHAPES["loops of 1,000 values"](2_000)
"""6 KB that take gigabytes."""


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 2.0), (4_000, 2.0), (1 << 18, 15.0), (1 << 19, 30.0), (1 << 30, 30.0)]
)
def test_time_is_in_proportion_to_the_size(size: int, seconds: float) -> None:
    assert CompileLimits(seconds=30).seconds_for(size) == seconds
    assert CompileLimits(seconds=1).seconds_for(size) == 1


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The binaries that are compiled in a process of their own."""
    binaries: list[bytes] = []
    run = compiler._compile_elsewhere

    def note(settings: Any, binary: bytes, limits: CompileLimits) -> bytes:
        binaries.append(binary)
        return run(settings, binary, limits)

    monkeypatch.setattr(compiler, "_compile_elsewhere", note)
    return binaries


def test_a_small_plugin_is_compiled_here(elsewhere: list[bytes]) -> None:
    engine("wasmtime").compile((EXAMPLES / "hello" / "hello.wasm").read_bytes())
    assert not elsewhere


def test_a_module_from_another_process_runs(elsewhere: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_MOST_HERE", 0)
    chosen = engine("wasmtime")
    binary = wat('(module (func (export "f") (result i32) (i32.const 42)))')
    made: Any = chosen.new_store().instantiate(chosen.compile(binary), {}).exports["f"]
    assert made.call() == (42,)
    assert elsewhere == [binary]


def test_an_invalid_module_has_the_same_error_from_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = wat("(module (func (result i32)))")
    with pytest.raises(ValidationError) as here:
        engine("wasmtime").compile(binary)
    monkeypatch.setattr(compiler, "_MOST_HERE", 0)
    with pytest.raises(ValidationError) as there:
        engine("wasmtime").compile(binary)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("limits", "resource"),
    [
        (CompileLimits(memory_bytes=100 << 20, seconds=60), CompileResource.MEMORY),
        (CompileLimits(memory_bytes=64 << 30, seconds=0.5), CompileResource.TIME),
    ],
)
def test_another_process_ends_at_the_limits(limits: CompileLimits, resource: CompileResource) -> None:
    with pytest.raises(CompileLimitError) as caught:
        engine("wasmtime").compile(LOOPS, limits)
    assert caught.value.resource is resource


def test_another_process_needs_the_same_settings() -> None:
    """wasmtime refuses a module that was compiled with others."""
    chosen = Engine(WASM_3)
    chosen._settings["consume_fuel"] = False
    with pytest.raises(ValidationError, match="fuel"):
        chosen.compile(LOOPS[:0] + (EXAMPLES / "markdown" / "markdown.wasm").read_bytes())


@pytest.mark.parametrize("name", ["reference", "wasmtime"])
@pytest.mark.parametrize(
    "binary",
    [
        # An invalid instruction, and then no end.
        b"\0asm\1\0\0\0\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x05\x01\x03\x00\x0b\x01",
        # A function of an unknown type, and then a section out of order.
        b"\0asm\1\0\0\0\x03\x02\x01\x00\x08\x01\x00\x07\x01\x00",
        # A body with a type error before one that is malformed.
        b"\0asm\1\0\0\0\x01\x04\x01\x60\x00\x00\x03\x03\x02\x00\x00\x0a\x09\x02\x03\x00\x1a\x0b\x03\x00\xff\x0b",
    ],
)
def test_malformed_goes_before_invalid(name: str, binary: bytes) -> None:
    with pytest.raises(DecodeError):
        engine(name).compile(binary)
