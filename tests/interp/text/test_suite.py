"""The official suite: what is printed parses to the same module, and what is encoded decodes to it."""

from __future__ import annotations

from support.modules import essence, well_formed

from zenowasm.interp.binary import decode, decode_names, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import ModulePrinter


def test_a_printed_module_parses_to_the_same_module() -> None:
    different = []
    for place, binary in well_formed():
        module = decode(binary)
        text = "\n".join(ModulePrinter(module, decode_names(module)).module_text())
        if essence(parse_module(text)) != essence(module):
            different.append(place)
    assert different == []


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
