from __future__ import annotations

import importlib
import sys

import pytest

from zenowasm import Store, wasm_imports


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("zw_"):
            del sys.modules[name]


def test_modules_import_one_another_and_python(folder, engine) -> None:
    (folder / "zw_host.py").write_text("def answer():\n    return 42\n")
    (folder / "zw_add.wat").write_text(
        '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
    )
    (folder / "zw_user.wat").write_text("""(module
      (import "zw_add" "add" (func $add (param i32 i32) (result i32)))
      (import "zw_host" "answer" (func $answer (result i32)))
      (func (export "f") (result i32) (call $add (call $answer) (i32.const 1))))""")
    with Store(engine=engine) as store, wasm_imports(store):
        user = importlib.import_module("zw_user")
        assert user.f() == 43
        assert importlib.import_module("zw_add").add(1, 2) == 3
        assert user.__file__.endswith("zw_user.wat")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("zw_other")


def test_wasi_shows_nothing_of_the_host(folder, engine) -> None:
    (folder / "zw_random.wat").write_text("""(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "number") (result i32)
        (drop (call $random (i32.const 0) (i32.const 1))) (i32.load8_u (i32.const 0))))""")
    with Store(engine=engine) as store, wasm_imports(store):
        assert 0 <= importlib.import_module("zw_random").number() < 256
