"""Instructions that are searched for; wasm-tools prints as many."""

from __future__ import annotations

import re
import subprocess

import pytest
from docs.blocks import ROOT
from support.json_reader import converter
from support.wasm import wat

from zenowasm.tools.search import Match, search


def test_a_match_has_its_function_and_its_place() -> None:
    binary = wat('(module (import "a" "b" (func $log)) (func $f nop) (func $g nop call $log i32.const 77 drop))')
    (found,) = search(binary, re.compile(r"^i32\.const 7"))
    assert found == Match(2, "g", 2, binary.index(b"\x41\xcd"), "i32.const 77")
    assert [it.text for it in search(binary, re.compile("log"))] == ["call $log"]


@pytest.mark.parametrize("mnemonic", ["i32.load8_u", "memory.grow", "call_indirect", "br_table"])
@pytest.mark.parametrize("name", ["hello/hello", "markdown/markdown", "telegram/telegram"])
def test_as_many_as_wasm_tools_prints(mnemonic: str, name: str) -> None:
    binary = (ROOT / f"examples/plugins/{name}.wasm").read_bytes()
    text = subprocess.run([str(converter()), "print"], input=binary, stdout=subprocess.PIPE, check=True).stdout.decode()
    pattern = rf"{re.escape(mnemonic)}\b"
    assert len(list(search(binary, re.compile(f"^{pattern}")))) == len(re.findall(rf"^ +{pattern}", text, re.MULTILINE))
