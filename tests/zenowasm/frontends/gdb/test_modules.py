"""The numbers of modules, and their list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from zenowasm.frontends.gdb.errors import PacketError
from zenowasm.frontends.gdb.modules import Modules


def view(owner: str, program: Any) -> Any:
    return SimpleNamespace(owner=owner, program=program)


def test_names_of_any_kind_are_listed() -> None:
    modules = Modules()
    names = ["a", 'quote"d', "<&>'", "näme", "with.wasm"]
    assert modules.see(view(name, object()) for name in names)
    libraries = ElementTree.fromstring(modules.listed())
    assert [it.attrib["name"] for it in libraries] == [
        *(f"{it}.wasm" for it in names[:4]),
        "with.wasm",
    ]
    assert [int(it[0].attrib["address"], 16) >> 32 for it in libraries] == [0x4000_0000 + it for it in range(1, 6)]


def test_a_module_keeps_its_number() -> None:
    modules, program = Modules(), object()
    assert modules.see([view("a", program), view("b", object()), view("a", program)])
    assert not modules.see([view("a", program)])
    assert (modules.of(program).number, modules.at(2).owner) == (1, "b")
    for number in (0, 3, -1):
        with pytest.raises(PacketError, match=f"there is no module {number}"):
            modules.at(number)
