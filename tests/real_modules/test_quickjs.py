"""QuickJS, a real module of 1.5 MB from PyPI that imports WASI alone, evaluates JavaScript on every engine."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Memory
from zenowasm.host.linker import Linker
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.preview1 import Preview1


def quickjs() -> bytes:
    listed = files("qjs-wasi-reactor.wasm")
    assert listed is not None
    return Path(str(next(file for file in listed if file.suffix == ".wasm").locate())).read_bytes()


def evaluate(backend: str, script: str) -> tuple[list[bytes], int]:
    """Run a script as ``qjs -e`` does; return what it printed and the fuel that the call consumed."""
    engine = registry.engine(backend)
    module = engine.compile(quickjs())
    output: list[bytes] = []
    context = WasiContext(stdout=LineBuffer(output.append), stderr=LineBuffer(output.append), realtime=lambda: 0)
    linker = Linker()
    linker.define(Preview1(context).functions())
    store = engine.new_store()
    exports = store.instantiate(module, linker.resolve(store, module)).exports

    def call(name: str, *arguments: int) -> int:
        function = exports[name]
        assert hasattr(function, "call")
        results = function.call(*arguments)
        return results[0] if results else 0

    def put(data: bytes) -> int:
        address = call("malloc", len(data))
        memory: Memory = exports["memory"]  # type: ignore[assignment]
        memory.write(address, data)
        return address

    call("_initialize")
    pointers = [put(argument.encode() + b"\0") for argument in ("qjs", "-e", script)]
    vector = put(b"".join(pointer.to_bytes(4, "little") for pointer in [*pointers, 0]))
    before = store.fuel_consumed
    assert call("qjs_init_argv", len(pointers), vector) == 0
    return output, store.fuel_consumed - before


@pytest.mark.parametrize("backend", registry.names())
def test_evaluates(backend: str) -> None:
    assert evaluate(backend, "print(1+1)")[0] == [b"2"]


def test_engines_agree_on_every_instruction() -> None:
    script = "let s = 0.5; for (let i = 1; i < 50; i++) s += Math.sqrt(i) / i; print(s, 'x'.repeat(3), [3,1,2].sort())"
    runs = [evaluate(backend, script) for backend in registry.names()]
    assert runs[0] == runs[1]
    assert runs[0][0][0].endswith(b" xxx 1,2,3")


def test_an_error_of_the_script_is_printed() -> None:
    output, _ = evaluate("reference", "try { null.x } catch (e) { print(e instanceof TypeError) }")
    assert output == [b"true"]
