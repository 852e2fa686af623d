"""Compiled modules from one process to the next: a hit compiles nothing, and nothing unverified is loaded."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import wasmtime
from support.wasm import wat

from zenowasm.backends import cache as cache_module
from zenowasm.backends.cache import ModuleCache, key_of
from zenowasm.backends.protocol import CompileLimits, EngineOptions
from zenowasm.backends.registry import engine
from zenowasm.backends.wasmtime import compiler, source
from zenowasm.backends.wasmtime.compiler import Compiler
from zenowasm.backends.wasmtime.engine import Engine
from zenowasm.backends.wasmtime.source import Source, read
from zenowasm.interp.errors import CompileLimitError, DecodeError, Trap, ValidationError
from zenowasm.interp.features import WASM_2, WASM_3, Feature
from zenowasm.interp.progress import Progress

BINARY = wat('(module (func (export "f") (result i32) (i32.const 42)))')
OTHER = wat('(module (func (export "f") (result i32) (i32.const 7)))')
GROWING = wat(
    '(module (memory $a 1) (memory $b 1) (func (export "f") (result i32) (memory.grow $b (i32.const 41))'
    " (drop) (i32.add (memory.size $b) (memory.size $a))))"
)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The binaries that wasmtime really compiles."""
    binaries: list[bytes] = []
    run = Compiler._compile

    def note(self: Compiler, module: Any, binary: bytes, limits: CompileLimits) -> Any:
        binaries.append(binary)
        return run(self, module, binary, limits)

    monkeypatch.setattr(Compiler, "_compile", note)
    return binaries


def made(cache: ModuleCache | None) -> Any:
    return engine("wasmtime", EngineOptions(cache))


def answer(cache: ModuleCache | None, binary: bytes = BINARY) -> int:
    """What the exported function returns on a new engine."""
    new = made(cache)
    function = new.new_store().instantiate(new.compile(binary), {}).exports["f"]
    (result,) = function.call()
    return int(result)


def entries(cache: ModuleCache) -> list[Path]:
    return sorted(cache.entries.folder.glob("*.entry"))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.name == "zenowasm.cache" and it.levelno >= logging.WARNING]


def test_a_hit_compiles_nothing(cache: ModuleCache, compiled: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    assert [answer(cache) for _ in range(3)] == [42] * 3
    assert compiled == [BINARY]
    assert answer(cache, OTHER) == 7
    assert [answer(None) for _ in range(2)] == [42] * 2
    assert compiled == [BINARY, OTHER, BINARY, BINARY]
    assert not warnings(caplog)


def test_a_hit_knows_types_places_and_fuel(cache: ModuleCache) -> None:
    binary = wat('(module (import "a" "b" (func (param i64))) (memory (export "m") 1) (func (export "f") unreachable))')
    first, second = (made(cache).compile(binary) for _ in range(2))
    assert (first.imports, first.exports) == (second.imports, second.exports)
    assert second.opcode(1, binary.index(b"\x00\x0b", 40)) is first.opcode(1, binary.index(b"\x00\x0b", 40))


def test_a_rewritten_module_is_kept_as_such(cache: ModuleCache, compiled: list[bytes]) -> None:
    assert [answer(cache, GROWING) for _ in range(3)] == [43] * 3
    assert len(compiled) == 1
    assert compiled != [GROWING]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The binaries that our own decoder reads."""
    binaries: list[bytes] = []

    def note(binary: bytes, features: Feature, progress: Progress | None = None) -> Source:
        binaries.append(binary)
        return read(binary, features, progress)

    monkeypatch.setattr(source, "read", note)
    return binaries


EVERYTHING = wat("""(module
    (import "a" "f" (func (param i32 i64 f32 f64 v128 funcref externref) (result (ref any) (ref null struct))))
    (import "a" "t" (table 1 2 funcref)) (import "a" "m" (memory i64 1)) (import "a" "g" (global (mut f32)))
    (import "a" "x" (tag (param i32)))
    (memory (export "m") 3 4) (table (export "t") i64 5 externref) (global (export "g") i64 (i64.const 1))
    (tag (export "x") (param f64)) (func (export "f") (result exnref) ref.null exn) (data "d") (elem funcref))""")
DEFINED = wat('(module (type $t (struct)) (func (export "f") (param (ref null $t)) (result i32) (i32.const 42)))')


@pytest.mark.parametrize("binary", [BINARY, GROWING, EVERYTHING], ids=["plain", "rewritten", "everything"])
def test_a_hit_decodes_nothing(cache: ModuleCache, decoded: list[bytes], binary: bytes) -> None:
    first = made(cache).compile(binary)
    assert decoded == [binary]
    second = made(cache).compile(binary)
    for known in ("imports", "exports", "memory_bytes", "table_elements", "rewritten"):
        assert getattr(first, known) == getattr(second, known)
    assert decoded == [binary]


def test_a_hit_runs_without_decoding(cache: ModuleCache, decoded: list[bytes]) -> None:
    assert [answer(cache, binary) for binary in (BINARY, GROWING) for _ in range(3)] == [42] * 3 + [43] * 3
    assert decoded == [BINARY, GROWING]


def test_types_that_a_module_defines_are_read_from_it(cache: ModuleCache, decoded: list[bytes]) -> None:
    first, second = (made(cache).compile(DEFINED) for _ in range(2))
    assert decoded == [DEFINED]
    assert str(first.exports) == str(second.exports)
    assert decoded == [DEFINED, DEFINED]


def test_a_trap_after_a_hit_has_its_place(cache: ModuleCache, decoded: list[bytes]) -> None:
    binary = wat(
        "(module (memory 1) (memory $b 1) (func $f (drop (memory.grow $b (i32.const 1))) (unreachable))"
        ' (func (export "f") (call $f)))'
    )
    places = []
    for _ in range(2):
        new = made(cache)
        with pytest.raises(Trap) as caught:
            new.new_store().instantiate(new.compile(binary), {}).exports["f"].call()
        places.append((caught.value.function, caught.value.offset, caught.value.backtrace))
    assert places[0] == places[1]
    assert binary[places[1][1]] == 0  # the opcode of unreachable
    assert decoded == [binary, binary]


def test_what_another_process_compiled_is_kept(
    cache: ModuleCache, compiled: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "_MOST_HERE", 0)
    assert [answer(cache), answer(cache)] == [42, 42]
    assert compiled == [BINARY]


def test_another_configuration_is_another_key(cache: ModuleCache, compiled: list[bytes]) -> None:
    for features in (WASM_2, WASM_3, WASM_2, WASM_3):
        Engine(features, EngineOptions(cache)).compile(BINARY)
    assert len(compiled) == 2
    assert len(entries(cache)) == 2


@pytest.mark.parametrize("name", ["binary", "engine", "version", "configuration", "kind"])
def test_each_part_of_the_key_counts(name: str) -> None:
    given: dict[str, Any] = {
        "binary": b"b", "engine": "e", "version": "1", "configuration": {"a": True, "b": 1}, "kind": "k"
    }  # fmt: skip
    other = {"binary": b"c", "engine": "f", "version": "2", "configuration": {"a": False, "b": 1}, "kind": "l"}
    assert key_of(**given) == key_of(**given | {"configuration": {"b": 1, "a": True}})
    assert key_of(**given) != key_of(**given | {name: other[name]})


@pytest.mark.parametrize(
    ("part", "value"), [("__version__", "99"), ("_target", lambda: "another processor")], ids=["version", "processor"]
)
def test_another_version_or_processor_compiles_anew(
    cache: ModuleCache, compiled: list[bytes], part: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(cache)
    monkeypatch.setattr(cache_module, part, value)
    assert answer(cache) == 42
    assert len(compiled) == 2


def test_the_rest_of_every_setting_is_in_the_key(cache: ModuleCache, compiled: list[bytes]) -> None:
    settings = {**made(None)._settings}
    keys = {key_of(BINARY, "wasmtime", "50", settings, "compiled")}
    for name, value in settings.items():
        changed = {**settings, name: not value if isinstance(value, bool) else value + 1}
        keys.add(key_of(BINARY, "wasmtime", "50", changed, "compiled"))
    assert len(keys) == 1 + len(settings)


@pytest.mark.parametrize("change", ["cut", "altered", "of another entry", "of another engine"])
def test_what_is_not_what_was_written_is_never_loaded(
    cache: ModuleCache,
    compiled: list[bytes],
    change: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(cache)
    (file,) = entries(cache)
    written = file.read_bytes()
    if change == "of another entry":
        answer(cache, OTHER)
        (other,) = set(entries(cache)) - {file}
        changed = other.read_bytes()
    elif change == "of another engine":
        Engine(WASM_2, EngineOptions(cache)).compile(BINARY)
        (other,) = set(entries(cache)) - {file}
        changed = other.read_bytes()
    else:
        middle = len(written) // 2
        changed = {
            "cut": written[:middle],
            "altered": written[:middle] + bytes([written[middle] ^ 1]) + written[middle + 1 :],
        }[change]
    file.write_bytes(changed)
    compiled.clear()
    loaded = []
    monkeypatch.setattr(wasmtime.Module, "deserialize", lambda *arguments: loaded.append(arguments))
    assert answer(cache) == 42
    assert compiled == [BINARY]
    assert not loaded
    assert len(warnings(caplog)) == 1
    monkeypatch.undo()
    assert answer(cache) == 42
    assert len(warnings(caplog)) == 1


def test_what_wasmtime_refuses_is_compiled_anew(
    cache: ModuleCache, compiled: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    answer(cache)
    chosen = made(cache)._compiled
    chosen.put(BINARY, wasmtime.Module(wasmtime.Engine(), BINARY), made(None).compile(BINARY)._interface)
    compiled.clear()
    assert [answer(cache), answer(cache)] == [42, 42]
    assert len(compiled) == 1
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize(
    "interface", [b"", b"{", b"1", b"[[], [], 0, 0]", b'[[["a", "b", ["func", ["i33"], []]]], [], 0, 0, false]']
)
def test_an_entry_without_an_interface_is_compiled_anew(
    cache: ModuleCache, compiled: list[bytes], interface: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer(cache)
    chosen = made(cache)._compiled
    cache.put(chosen._key(BINARY), interface + b"\n" + made(None).compile(BINARY).raw.serialize())
    compiled.clear()
    assert [answer(cache), answer(cache)] == [42, 42]
    assert len(compiled) == 1
    assert len(warnings(caplog)) == 1


def test_a_module_that_cannot_be_written_runs(
    cache: ModuleCache, compiled: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    answer(cache)
    cache.entries.folder.chmod(0o777)
    assert [answer(cache), answer(cache)] == [42, 42]
    assert len(compiled) == 3
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize(
    ("binary", "error"),
    [(wat("(module (func (result i32)))"), ValidationError), (BINARY[:-1], DecodeError)],
)
def test_what_is_refused_is_not_kept(
    cache: ModuleCache, compiled: list[bytes], binary: bytes, error: type[Exception]
) -> None:
    for _ in range(2):
        with pytest.raises(error):
            made(cache).compile(binary)
    assert not entries(cache)


def test_the_limits_hold_for_a_miss_and_a_hit_needs_little(cache: ModuleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    small = CompileLimits(memory_bytes=100_000)
    with pytest.raises(CompileLimitError):
        made(cache).compile(BINARY, small)
    made(cache).compile(BINARY)
    assert made(cache).compile(BINARY, small)


def test_the_bound_in_bytes_holds(cache: ModuleCache, compiled: list[bytes]) -> None:
    answer(cache)
    size = entries(cache)[0].stat().st_size
    bounded = attrs.evolve(cache, entries=ModuleCache.of(
        {"ZENO_CACHE_DIR": str(cache.entries.folder.parent)}, max_bytes=int(2.5 * size)
    ).entries)  # fmt: skip
    for number in range(4):
        answer(bounded, wat(f'(module (func (export "f") (result i32) (i32.const {number})))'))
    assert sum(file.stat().st_size for file in entries(cache)) <= 2.5 * size
    assert len(entries(cache)) == 2


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    variables = {"ZENO_CACHE_DIR": str(tmp_path)}
    assert ModuleCache.of(variables, enabled=False) is None
    assert ModuleCache.of(variables | {"ZENO_CACHE_ENABLED": "0"}) is None


TWO = """
import sys
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import EngineOptions
from zenowasm.backends.registry import engine
chosen = engine("wasmtime", EngineOptions(ModuleCache.of({"ZENO_CACHE_DIR": sys.argv[1]})))
print("ready", flush=True)
sys.stdin.readline()
module = chosen.compile(bytes.fromhex(sys.argv[2]))
print(*chosen.new_store().instantiate(module, {}).exports["f"].call())
"""


def test_two_processes_at_once(cache: ModuleCache, compiled: list[bytes]) -> None:
    command = [sys.executable, "-c", TWO, str(cache.entries.folder.parent), BINARY.hex()]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60) for process in running] == [("42\n", "")] * 2
    assert answer(cache) == 42
    assert not compiled
    assert os.listdir(cache.entries.folder).count("key") == 1
