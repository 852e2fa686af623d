"""Validation before the first call, and verdicts from the cache: what is invalid never runs."""

from __future__ import annotations

from typing import Any

import pytest
from support.wasm import wat

from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import CompileLimits, EngineOptions, Validation
from zenowasm.backends.registry import engine
from zenowasm.interp.errors import CompileLimitError, DecodeError, ValidationError, WasmError
from zenowasm.interp.validation import module as validation

VALID = wat(
    '(module (func (export "good") (result i32) (i32.const 42)) (func (export "bad") (result i32) i32.const 7))'
)
assert VALID.count(b"\x41\x07\x0b") == 1
BODIES = {"invalid": b"\x42\x07\x0b", "malformed": b"\xff\x07\x0b"}
"""What ``bad`` returns an i64 by, and what no decoder takes."""
ERRORS = {"invalid": ValidationError, "malformed": DecodeError}
BROKEN = {name: VALID.replace(b"\x41\x07\x0b", body) for name, body in BODIES.items()}


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The functions whose bodies are validated ahead."""
    indexes: list[int] = []
    run = validation.validate_function

    def note(context: Any, index: int, *rest: Any, **more: Any) -> None:
        indexes.append(index)
        run(context, index, *rest, **more)

    monkeypatch.setattr(validation, "validate_function", note)
    return indexes


def exports(binary: bytes, options: EngineOptions, limits: CompileLimits | None = None) -> Any:
    chosen = engine("reference", options)
    return chosen.new_store().instantiate(chosen.compile(binary, limits), {}).exports


LAZY = EngineOptions(validation=Validation.LAZY)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_function_is_refused_at_its_first_call_with_the_words_of_validation_ahead(
    kind: str, validated: list[int]
) -> None:
    with pytest.raises(ERRORS[kind]) as ahead:
        engine("reference").compile(BROKEN[kind])
    validated.clear()
    found = exports(BROKEN[kind], LAZY)
    assert found["good"].call() == (42,)
    for _ in range(2):
        with pytest.raises(ERRORS[kind]) as lazily:
            found["bad"].call()
        assert str(lazily.value) == str(ahead.value)
    assert found["good"].call() == (42,)
    assert not validated


def test_a_structure_is_validated_at_once() -> None:
    with pytest.raises(ValidationError, match="duplicate export name"):
        engine("reference", LAZY).compile(wat_with_duplicates())


def wat_with_duplicates() -> bytes:
    return wat('(module (func (export "a")) (func (export "b")))').replace(b"\x01b\x00\x01", b"\x01a\x00\x01")


def test_an_invalid_start_function_ends_instantiation() -> None:
    binary = wat("(module (func i32.const 7 drop) (start 0))").replace(b"\x41\x07\x1a", b"\x41\x07\x01")
    with pytest.raises(ValidationError):
        exports(binary, LAZY)


def test_a_large_body_is_bounded_when_it_is_made() -> None:
    large = wat(f'(module (func (export "f") {"(drop (i32.const 1)) " * 10_000}))')
    limits = CompileLimits(memory_bytes=1_000_000)
    with pytest.raises(CompileLimitError):
        engine("reference").compile(large, limits)
    function = exports(large, LAZY, limits)["f"]
    with pytest.raises(CompileLimitError):
        function.call()


def test_a_verdict_spares_a_second_process_the_bodies(cache: ModuleCache, validated: list[int]) -> None:
    for _ in range(3):
        found = exports(VALID, EngineOptions(cache))
        assert (found["good"].call(), found["bad"].call()) == ((42,), (7,))
    assert validated == [0, 1]


@pytest.mark.parametrize("kind", BROKEN)
def test_there_is_no_verdict_for_what_is_invalid_or_was_not_looked_at(cache: ModuleCache, kind: str) -> None:
    exports(BROKEN[kind], EngineOptions(cache, Validation.LAZY))
    assert cache.entries.contents().entries == 0
    for _ in range(2):
        with pytest.raises(ERRORS[kind]):
            engine("reference", EngineOptions(cache)).compile(BROKEN[kind])
    assert cache.entries.contents().entries == 0


def test_an_altered_verdict_is_not_believed(cache: ModuleCache, validated: list[int]) -> None:
    engine("reference", EngineOptions(cache)).compile(VALID)
    (verdict,) = cache.entries.folder.glob("*.entry")
    with pytest.raises(WasmError):
        engine("reference", EngineOptions(cache)).compile(BROKEN["invalid"])
    verdict.write_bytes(verdict.read_bytes()[:-1])
    validated.clear()
    engine("reference", EngineOptions(cache)).compile(VALID)
    assert validated == [0, 1]


def test_wasmtime_validates_ahead_in_any_case() -> None:
    with pytest.raises(ValidationError):
        engine("wasmtime", LAZY).compile(BROKEN["invalid"])
