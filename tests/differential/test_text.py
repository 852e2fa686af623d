"""Generated modules as text: both parsers make the same bytes of what wasm-tools prints, and of what we print."""

from __future__ import annotations

import subprocess

import pytest
import wasmtime
from differential.campaign import generate
from support.json_reader import converter

from zenowasm.interp.binary import decode, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import ModulePrinter

CASES, BATCH = 200, 50


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_both_parsers_give_the_same_bytes(first: int) -> None:
    for seed in range(first, first + BATCH):
        binary = generate(seed)
        printed = ["\n".join(ModulePrinter(decode(binary)).module_text())]
        for options in ([], ["--fold-instructions"]):
            command = [str(converter()), "print", *options]
            printed.append(subprocess.run(command, input=binary, stdout=subprocess.PIPE, check=True).stdout.decode())
        for text in printed:
            assert encode(parse_module(text)) == bytes(wasmtime.wat2wasm(text)), f"seed {seed}"
