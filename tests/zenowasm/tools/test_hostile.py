"""Damaged modules: whatever is in them, a tool makes its report or raises an error of WebAssembly's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from differential.damage import damaged
from docs.blocks import ROOT

from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.binary.raw_sections import without_customs
from zenowasm.interp.errors import WasmError
from zenowasm.interp.text.printer import Form, ModulePrinter
from zenowasm.tools.callgraph import graph_of, to_dot
from zenowasm.tools.checking import problems
from zenowasm.tools.compare import Side, compare
from zenowasm.tools.features import first_uses
from zenowasm.tools.metadata import metadata
from zenowasm.tools.objdump import Listing
from zenowasm.tools.search import search
from zenowasm.tools.size import Grouping, grouped, sizes

HELLO = (ROOT / "examples/plugins/hello/hello.wasm").read_bytes()
CASES = 60


def printed(form: Form) -> Callable[[bytes], object]:
    def run(binary: bytes) -> object:
        module = decode(binary)
        return list(ModulePrinter(module, decode_names(module), form=form).module_text())

    return run


def listed(binary: bytes) -> None:
    listing = Listing(binary)
    for lines in (listing.headers(), listing.details(), listing.disassembly(with_relocations=True), listing.contents()):
        list(lines)


TOOLS: dict[str, Callable[[bytes], object]] = {
    "flat": printed(Form.FLAT),
    "folded": printed(Form.FOLDED),
    "skeleton": printed(Form.SKELETON),
    "validate": lambda binary: list(problems(binary, every=True)),
    "features": lambda binary: first_uses(decode(binary)),
    "objdump": listed,
    "strip": lambda binary: without_customs(binary, lambda _: True),
    "metadata": metadata,
    "size": lambda binary: [grouped(sizes(binary), it) for it in Grouping],
    "diff": lambda binary: compare(Side(HELLO), Side(binary)),
    "callgraph": lambda binary: list(to_dot(graph_of(binary))),
    "grep": lambda binary: list(search(binary, re.compile("i32"))),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_damaged_modules(tool: str) -> None:
    made = 0
    for seed in range(CASES):
        try:
            TOOLS[tool](damaged(seed))
            made += 1
        except WasmError:
            pass
    assert made  # not all of them are beyond recognition
