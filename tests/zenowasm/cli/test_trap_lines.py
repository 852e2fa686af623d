"""The calls of a guest that trapped, with their lines."""

from __future__ import annotations

import pytest
from support.debugged import divide, shop_plugin, stripped_c
from support.wasm import wat

EXPORTS = (
    ("plugin_init", "(result i32)"),
    ("plugin_register_slots", "(result i32)"),
    ("plugin_execute", "(param i32 i32 i32 i32) (result i32)"),
    ("alloc", "(param i32) (result i32)"),
)


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
@pytest.mark.parametrize(("argument", "line"), [("0", 5), ("1", 6)])
def test_calls_have_their_source_lines(zenowasm, backend, argument, line) -> None:
    result = zenowasm("exec", "--backend", backend, divide(), "run", argument)
    assert result.code == 1
    lines = [text.strip() for text in result.err.splitlines()]
    assert lines[1:4] == [
        "Calls of the guest, innermost first:",
        "0: divide at divide.c:2",
        f"1: run at divide.c:{line}",
    ]


def test_without_debugging_information_they_have_none(zenowasm) -> None:
    result = zenowasm("exec", stripped_c(), "run", "70000000")
    assert "0: " in result.err and ".c:" not in result.err


def test_a_plugin_that_traps_shows_them_too(zenowasm, tmp_path, write) -> None:
    script = write("shop.zl", "shop.average {}\n")
    result = zenowasm("run", script, "--plugin-dir", shop_plugin(tmp_path / "plugins"))
    assert result.code == 1
    assert "  0: average at shop_plugin.c:34\n" in result.err and "at shop_plugin.c:53\n" in result.err


def test_a_plugin_that_traps_while_it_is_loaded_shows_its_calls(zenowasm, plugins) -> None:
    exports = "".join(f'(func (export "{name}") {type_} i32.const 0)' for name, type_ in EXPORTS)
    text = f'(module (memory (export "memory") 1) (func $fail unreachable) (start $fail) {exports})'
    plugins.joinpath("counter/counter.wasm").write_bytes(wat(text))
    result = zenowasm("plugin", "info", "counter", "--plugin-dir", plugins)
    assert result.err.splitlines()[1:] == ["Calls of the guest, innermost first:", "   0: fail"]
