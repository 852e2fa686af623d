"""Code of functions from one process to the next: a second one makes none, and nothing unverified is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.wasm import wat

from zenowasm.backends.cache import ModuleCache, key_of
from zenowasm.backends.protocol import Budget, CompileLimits, EngineOptions, Validation
from zenowasm.backends.reference import _CONFIGURATION, ReferenceEngine
from zenowasm.backends.registry import engine
from zenowasm.interp.errors import CompileLimitError, Trap, TrapCode, ValidationError
from zenowasm.interp.execution import code, packing

BINARY = wat("""(module (func $one (export "one") (result i32) (i32.const 1))
    (func (export "two") (result i32) (i32.add (call $one) (call $one)))
    (func (export "trap") (result i32) nop (i32.div_u (call $one) (i32.const 0))))""")
Calls = Callable[..., list[Any]]


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The functions whose code is made of their bodies."""
    indexes: list[int] = []
    run = code.lower

    def note(context: Any, index: int, *rest: Any) -> Any:
        indexes.append(index)
        return run(context, index, *rest)

    monkeypatch.setattr(code, "lower", note)
    return indexes


def process(cache: ModuleCache | None, *exports: str, binary: bytes = BINARY, **options: Any) -> list[Any]:
    """Do what a process does: compile, call exports, close; return their results, and fuel and place of each trap."""
    chosen = engine("reference", EngineOptions(cache, **options))
    store: Any = chosen.new_store()
    found: Any = store.instantiate(chosen.compile(binary), {}).exports
    told: list[Any] = []
    for name in exports:
        try:
            told += found[name].call()
        except Trap as trap:
            told.append((trap.code, trap.function, trap.offset, trap.backtrace))
        told.append(store.fuel_consumed)
    store.close()
    return told


def entry_of(cache: ModuleCache) -> Path:
    """Return the larger of the two files: the other one says only that the module is valid."""
    return max(cache.entries.folder.glob("*.entry"), key=lambda path: path.stat().st_size)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.name == "zenowasm.cache" and it.levelno >= logging.WARNING]


def test_each_function_is_made_once(cache: ModuleCache, lowered: list[int], caplog: pytest.LogCaptureFixture) -> None:
    expected = process(None, "two", "trap")
    assert expected[:2] == [2, 8]
    lowered.clear()
    assert process(cache, "two") == expected[:2]
    assert lowered == [1, 0]
    assert process(cache, "two") == expected[:2]
    assert lowered == [1, 0]
    assert [process(cache, "two", "trap") for _ in range(3)] == [expected] * 3
    assert lowered == [1, 0, 2]
    assert not warnings(caplog)


def test_a_process_that_makes_nothing_writes_nothing(cache: ModuleCache) -> None:
    process(cache, "two")
    before = entry_of(cache).stat()
    process(cache, "one")
    assert entry_of(cache).stat().st_ino == before.st_ino


def test_without_a_cache_each_process_makes_its_code(lowered: list[int]) -> None:
    assert [process(None, "one") for _ in range(2)] == [[1, 2]] * 2
    assert lowered == [0, 0]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b"x" * len(data)]
)
def test_a_damaged_entry_costs_a_warning_and_the_work(
    cache: ModuleCache, lowered: list[int], caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    expected = process(cache, "two", "trap")
    path = entry_of(cache)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    lowered.clear()
    assert process(cache, "two", "trap") == expected
    assert lowered == [1, 0, 2]
    assert warnings(caplog) == [
        f"the cache {cache.entries.folder} is not used: an entry is damaged, or something else has written it"
    ]
    assert process(cache, "two", "trap") == expected
    assert len(lowered) == 3


def test_an_entry_that_others_can_write_to_is_not_used(
    cache: ModuleCache, lowered: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    process(cache, "one")
    entry_of(cache).chmod(0o666)
    lowered.clear()
    assert process(cache, "one") == [1, 2]
    assert lowered == [0]
    assert warnings(caplog) == [f"the cache {cache.entries.folder} is not used: others can write to an entry"]


@pytest.mark.parametrize("content", [b"", b"junk", b"\xe9\x01\x00\x00\x00", b"N"])
def test_an_entry_of_something_else_is_replaced(
    cache: ModuleCache, lowered: list[int], caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    name, version = ReferenceEngine.name, ReferenceEngine.version
    cache.put(key_of(BINARY, name, version, _CONFIGURATION, f"code {packing.form()}"), content)
    assert [process(cache, "one") for _ in range(2)] == [[1, 2]] * 2
    assert lowered == [0]
    assert len(warnings(caplog)) == 1
    assert "no code for this engine" in warnings(caplog)[0]


def test_an_entry_of_another_version_is_not_found(
    cache: ModuleCache, lowered: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process(cache, "one")
    packing.form.cache_clear()
    monkeypatch.setattr(packing, "VERSION", packing.VERSION + 1)
    assert process(cache, "one") == [1, 2]
    packing.form.cache_clear()
    assert lowered == [0, 0]
    assert not warnings(caplog)


def test_code_made_lazily_is_kept_and_invalid_functions_have_none(cache: ModuleCache, lowered: list[int]) -> None:
    broken = BINARY.replace(b"\x41\x01\x0b", b"\x42\x01\x0b")
    for _ in range(2):
        with pytest.raises(ValidationError):
            process(cache, "one", binary=broken, validation=Validation.LAZY)
    assert lowered == [0, 0]
    assert [process(cache, "two", validation=Validation.LAZY) for _ in range(2)] == [[2, 8]] * 2
    assert lowered == [0, 0, 1, 0]


def test_kept_code_takes_memory_too(cache: ModuleCache) -> None:
    large = wat(f'(module (func (export "f") {"(drop (i32.const 1)) " * 10_000}))')
    process(cache, "f", binary=large)
    chosen = engine("reference", EngineOptions(cache))
    exports: Any = (
        chosen.new_store().instantiate(chosen.compile(large, CompileLimits(memory_bytes=1_000_000)), {}).exports
    )
    with pytest.raises(CompileLimitError):
        exports["f"].call()


def test_budgets_end_kept_code_where_they_end_other_code(cache: ModuleCache) -> None:
    def ends(cache: ModuleCache | None) -> list[TrapCode | None]:
        chosen = engine("reference", EngineOptions(cache))
        codes: list[TrapCode | None] = []
        for fuel in range(9):
            store: Any = chosen.new_store()
            store.set_budget(Budget(fuel=fuel))
            try:
                store.instantiate(chosen.compile(BINARY), {}).exports["two"].call()
            except Trap as trap:
                codes.append(trap.code)
            else:
                codes.append(None)
            store.close()
        return codes

    expected = ends(None)
    assert {*expected} == {TrapCode.OUT_OF_FUEL, None}
    assert [ends(cache) for _ in range(2)] == [expected] * 2
