"""Sections as bytes, judged by wasm-tools."""

from __future__ import annotations

import re
import subprocess

import pytest
from docs.blocks import ROOT
from support.json_reader import converter
from support.wasm import custom, module, section, wat

from zenowasm.interp.binary.raw_sections import raw_sections, without_customs
from zenowasm.interp.errors import DecodeError, LimitError

EXAMPLES = [*sorted((ROOT / "examples/plugins").glob("*/*.wasm")), *sorted((ROOT / "bench/workloads").glob("*.wasm"))]


def wasm_tools(*arguments: str, given: bytes) -> bytes:
    return subprocess.run([str(converter()), *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda it: it.name)
def test_places_are_those_that_wasm_tools_tells(path) -> None:
    binary = path.read_bytes()
    theirs = []
    for line in wasm_tools("objdump", given=binary).decode().splitlines():
        start, end = re.findall(r"0x([0-9a-f]+)", line)
        theirs.append((int(start, 16), int(end, 16)))
    assert [(it.data if it.name is not None else it.offset, it.end) for it in raw_sections(binary)] == theirs


def test_a_section_has_a_number_a_name_and_a_count() -> None:
    binary = wat('(module (func $f nop) (func nop) (start 1) (@custom "a" (after last) "bc"))')
    found = {it.title: it for it in raw_sections(binary)}
    assert list(found) == ["Type", "Function", "Start", "Code", "Custom"]
    assert [found[it].count for it in ("Type", "Function", "Start", "Code", "Custom")] == [1, 2, 1, 2, None]
    customs = [it for it in raw_sections(binary) if it.name is not None]
    assert {it.name: binary[it.data : it.end] for it in customs}["a"] == b"bc"


@pytest.mark.parametrize(
    "binary",
    [b"", b"\0asm", b"\0asm\x0d\0\1\0", module(b"\x0e\x00"), module(b"\x01"), module(b"\x01\xff\xff\xff\xff\x0f")],
)
def test_malformed(binary: bytes) -> None:
    with pytest.raises(DecodeError):
        list(raw_sections(binary))


@pytest.mark.parametrize("contents", [b"", b"\xff", b"\x05abcd", b"\x01\xff"])
def test_malformed_customs(contents: bytes) -> None:
    with pytest.raises(DecodeError):
        list(raw_sections(module(section(0, contents))))


def test_a_name_that_is_too_long() -> None:
    with pytest.raises(LimitError):
        list(raw_sections(module(custom("a" * 200_000))))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda it: it.name)
def test_without_customs_as_wasm_tools_strips(path) -> None:
    binary = path.read_bytes()
    assert without_customs(binary, lambda _: True) == wasm_tools("strip", "--all", given=binary)
    assert without_customs(binary, lambda name: name == "producers") == wasm_tools(
        "strip", "--delete", "^producers$", given=binary
    )
    assert without_customs(binary, lambda _: False) == binary
