"""The table of preview 1, against modules of a real toolchain and on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.host.linker import Linker
from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.preview1 import Preview1
from zenowasm.wasi.signatures import MODULE, PARAMETERS, results

REACTOR = Path(__file__).parents[2] / "plugins" / "wasi_reactor" / "wasi_reactor.wasm"


@pytest.fixture(params=registry.names())
def engine(request):
    return registry.engine(request.param)


def linker() -> Linker:
    made = Linker()
    made.define(Preview1(WasiContext()).functions())
    return made


def test_a_module_that_imports_everything_links(engine):
    imports = []
    for name, parameters in PARAMETERS.items():
        words = [f"(param {' '.join(map(str, parameters))})"] if parameters else []
        words += [f"(result {' '.join(map(str, results(name)))})"] if results(name) else []
        imports.append(f'(import "{MODULE}" "{name}" (func {" ".join(words)}))')
    text = f'(module {" ".join(imports)} (memory (export "memory") 1))'
    module = engine.compile(wat(text))
    store = engine.new_store()
    assert store.instantiate(module, linker().resolve(store, module)).exports["memory"].size == 65536


def test_what_a_compiler_imports_has_the_types_of_the_table(engine):
    module = engine.compile(REACTOR.read_bytes())
    assert len(module.imports) > 10
    assert linker().problems(module) == ()
