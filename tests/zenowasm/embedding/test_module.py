from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from support.debugged import divide
from support.wasm import wat

from zenowasm import DecodeError, Instance, LimitError, Module, ParseError, Store, Trap, ValidationError
from zenowasm.backends.protocol import CompileLimits

ADD = '(module $calc (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'


@pytest.mark.parametrize("suffix", ["wat", "wasm"])
def test_sources(tmp_path, suffix) -> None:
    file = tmp_path / f"calc.{suffix}"
    file.write_bytes(ADD.encode() if suffix == "wat" else wat(ADD))
    same = [Module(ADD), Module(ADD.encode()), Module(wat(ADD)), Module(file), Module(str(file))]
    same += [Module.from_text(ADD), Module.from_file(file)]
    assert {it.to_bytes() for it in same} == {wat(ADD)}
    assert len(set(same)) == 1


def test_comments_before_text() -> None:
    assert Module(f"\n  ;; a comment\n(; one ;) {ADD}") == Module(ADD)


def test_what_a_module_says_of_itself() -> None:
    module = Module('(module (@custom "note" "abc") (import "env" "f" (func (param i64))) (memory (export "m") 1))')
    assert [(it.module, it.name, str(it.type)) for it in module.imports] == [("env", "f", "(func (param i64))")]
    assert [(it.name, str(it.type)) for it in module.exports] == [("m", "(memory 1)")]
    assert module.custom_sections == (("note", b"abc"),)
    assert Module(ADD).name == "calc"
    assert Module(Module(ADD).to_text()) == Module(ADD)


def test_a_module_is_valid_or_says_why_not() -> None:
    Module(ADD).validate()
    module = Module('(module (func (export "f") (result i32)))')
    with pytest.raises(ValidationError, match="type mismatch: i32 is expected, the block's stack is empty"):
        module.validate()


def test_text_with_an_error_has_its_line_as_a_note() -> None:
    with pytest.raises(
        ParseError, match=r"unknown operator i32.ad.*did you mean i32.add\? \(at line 2, column 9\)"
    ) as at:
        Module("(module\n (func (i32.ad)))")
    assert (at.value.line, at.value.column) == (2, 9)
    assert at.value.__notes__ == ["     (func (i32.ad)))\n            ^"]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (b"\0asm\1\0\0", DecodeError, "unexpected end"),
        (b"\0asm\x0d\0\1\0", DecodeError, "this is a component, not a module"),
        ("(component)", DecodeError, "this is a component, not a module"),
        ("nothing.wasm", FileNotFoundError, "nothing.wasm"),
        (5, TypeError, "a module is made of bytes, text or a path, not of int"),
        (b"", DecodeError, "unexpected end"),
    ],
)
def test_what_is_no_module(source, error, message) -> None:
    with pytest.raises(error, match=message):
        Module(source)


def test_decoding_and_validating_are_bounded(monkeypatch) -> None:
    module = Module(ADD)
    monkeypatch.setattr("zenowasm.embedding.module.CompileLimits", lambda: CompileLimits(memory_bytes=0))
    for use in (module.validate, lambda: Module(ADD)):
        with pytest.raises(LimitError, match="more than 0 bytes of memory"):
            use()


def test_pickling() -> None:
    module = Module(ADD)
    again = pickle.loads(pickle.dumps(module))
    assert again == module
    assert Instance(again).exports.add(2, 3) == 5


def test_a_module_is_compiled_once_for_an_engine(engine) -> None:
    module = Module(ADD)
    first, second = Store(engine=engine), Store(engine=engine)
    assert first.engine is second.engine
    assert module.compiled(first.engine) is module.compiled(second.engine)


def test_it_is_shown_in_one_line_and_as_a_table() -> None:
    module = Module(ADD)
    assert repr(module) == f"<Module 'calc': 0 imports, 1 export, {len(wat(ADD))} bytes>"
    html = Module('(module (func (export "<b>")))')._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_a_large_module_is_shown_in_one_line(tmp_path) -> None:
    module = Module(wat('(module (memory 1) (data "' + "x" * 100_000 + '"))'))
    assert repr(module).endswith(f"0 imports, 0 exports, {len(module.to_bytes()) / 1024:.1f} KiB>")
    assert "\\x1b[31m" in repr(Module('(module $m (@name "\\1b[31m") )'))


def test_names_are_imported_when_they_are_asked_for() -> None:
    code = "import sys, zenowasm; print('zenowasm.interp' in sys.modules); zenowasm.Module; print(dir(zenowasm))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, names = done.stdout.splitlines()
    assert imported == "False"
    assert {"Host", "Instance", "Module", "Store"} <= set(eval(names))


def test_docstrings_hold() -> None:
    import doctest
    from importlib import import_module

    folder = Path(import_module("zenowasm.embedding").__file__).parent
    names = [f"zenowasm.embedding.{it.stem}" for it in folder.glob("*.py") if it.stem != "__init__"]
    results = [doctest.testmod(import_module(name)) for name in names]
    assert sum(it.attempted for it in results) >= 8
    assert not any(it.failed for it in results)


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
def test_the_calls_at_a_trap_have_their_source_lines(backend: str) -> None:
    module = Module(divide())
    instance = Instance(module, store=Store(backend))
    with pytest.raises(Trap) as caught:
        instance.exports.run(1)
    assert module.calls_at(caught.value)[:2] == ["divide at divide.c:2", "run at divide.c:6"]
