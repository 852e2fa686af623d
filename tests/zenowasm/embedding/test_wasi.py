from __future__ import annotations

import io

import pytest
from support.wasm import wat

from zenowasm import LinkError, Module, Store, Wasi

# Writes its second argument to stdout, and exits with the number of arguments.
ECHO = """(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 16) (i32.const 64)))
    (i32.store (i32.const 32) (i32.load (i32.const 20)))
    (i32.store (i32.const 36) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 48)))
    (call $exit (i32.load (i32.const 0)))))"""


def test_a_program(store) -> None:
    out = io.BytesIO()
    with Wasi(args=["echo", "hello"], stdout=out) as wasi:
        assert wasi.run(ECHO, store) == 2
    assert out.getvalue() == b"hello"


def test_text_goes_to_text_files_and_to_this_process(engine, capsys) -> None:
    out = io.StringIO()
    with Store(engine=engine) as store:
        Wasi(args=["echo", "gr\u00fc!"], stdout=out).run(ECHO, store)
    with Store(engine=engine) as store:
        Wasi(args=["echo", "there"]).run(ECHO, store)
    assert out.getvalue() == "gr\u00fc!"
    assert capsys.readouterr().out == "there"


def test_folders_variables_and_input(tmp_path, engine) -> None:
    (tmp_path / "file.txt").write_text("inside")
    text = """(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "file.txt")
      (func (export "_start")
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0)
          (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 100)))
        (i32.store (i32.const 32) (i32.const 200)) (i32.store (i32.const 36) (i32.const 6))
        (drop (call $read (i32.load (i32.const 100)) (i32.const 32) (i32.const 1) (i32.const 48)))
        (i32.store (i32.const 32) (i32.const 210))
        (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 48)))))"""
    from zenowasm import Instance

    with Store(engine=engine) as store, Wasi(dirs={"/data": tmp_path}, env={"A": "b"}, stdin="input") as wasi:
        exports = Instance(text, store=store, wasi=wasi).exports
        exports._start()
        assert exports.memory[200:206] == b"inside"
        assert exports.memory[210:215] == b"input"


def test_what_is_no_program_and_what_needs_wasi(store) -> None:
    with pytest.raises(LinkError, match="the module is not a program: it exports no _start"):
        Wasi().run("(module)", store)
    from zenowasm import Instance

    with pytest.raises(
        LinkError, match=r"unknown import: wasi_snapshot_preview1.args_sizes_get .*; give the instance wasi"
    ):
        Instance(ECHO, store=store)
    assert Wasi().run(Module(wat('(module (memory (export "memory") 1) (func (export "_start")))')), store) == 0


def test_a_folder_that_is_not_there(tmp_path) -> None:
    with pytest.raises(OSError, match="nothing"):
        Wasi(dirs=[tmp_path / "nothing"])
