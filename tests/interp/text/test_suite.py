"""The official suite: what is printed parses to the same module, and what is encoded decodes to it."""

from __future__ import annotations

from support.modules import essence, well_formed
from support.wasm import wat

from zenowasm.interp.binary import decode, decode_names, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import ModulePrinter

RUNS_OF_NO_LOCALS = "binary.wast:194"
"""A function there declares 0 locals of a type, which text has no words for."""


def test_a_printed_module_parses_to_the_same_module() -> None:
    different = []
    for place, binary in well_formed():
        module = decode(binary)
        text = "\n".join(ModulePrinter(module, decode_names(module)).module_text())
        if essence(parse_module(text)) != essence(module):
            different.append(place)
    assert different == []


def test_a_printed_module_parses_to_the_same_bytes() -> None:
    """Names, custom sections and choices of spelling included; judged by wasm-tools' parser beside ours."""
    different = []
    canonical = 0
    for place, binary in well_formed():
        module = decode(binary)
        if encode(module) == binary:
            canonical += 1
            text = "\n".join(ModulePrinter(module, decode_names(module)).module_text())
            if not encode(parse_module(text)) == wat(text) == binary:
                different.append(place)
    assert canonical > 5_000
    assert different == [RUNS_OF_NO_LOCALS]


def test_an_encoded_module_decodes_to_the_same_module() -> None:
    different = []
    for place, binary in well_formed():
        encoded = encode(decode(binary))
        if encode(decode(encoded)) != encoded or essence(decode(encoded)) != essence(decode(binary)):
            different.append(place)
    assert different == []


def test_what_our_parser_made_is_encoded_to_the_same_bytes_again() -> None:
    # Some 50 binary modules of the suite spell integers or sections in another way than the shortest.
    changed = [place for place, binary in well_formed() if encode(decode(binary)) != binary]
    assert len(changed) < 60
