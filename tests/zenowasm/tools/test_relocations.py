"""Relocations of an object file, of which the expected ones come from the tool conventions."""

from __future__ import annotations

import pytest
from support.object_file import LINKING, RELOCATIONS, object_file
from support.wasm import CODE, u, vec

from zenowasm.interp.binary import decode
from zenowasm.interp.binary.raw_sections import raw_sections
from zenowasm.tools.relocations import Relocation, relocations


def found(binary: bytes) -> list[Relocation]:
    return relocations(binary, decode(binary), list(raw_sections(binary)))


def test_places_symbols_and_addends() -> None:
    binary = object_file()
    code = next(it for it in raw_sections(binary) if it.number == CODE)
    first, second, third = found(binary)
    assert (first.offset, binary[first.offset - 1]) == (code.offset + 4, 0x10)
    assert str(first) == "R_WASM_FUNCTION_INDEX_LEB 0 <env.callee>"
    assert str(second) == "R_WASM_MEMORY_ADDR_LEB 2 <greeting>-4"
    assert str(third) == "R_WASM_TYPE_INDEX_LEB 0"
    assert {it.section for it in (first, second, third)} == {3}


@pytest.mark.parametrize("length", range(len(RELOCATIONS)))
def test_what_is_cut_short_ends_the_list(length: int) -> None:
    assert len(found(object_file(relocations=RELOCATIONS[:length]))) < 3


@pytest.mark.parametrize("length", range(len(LINKING)))
def test_a_symbol_table_cut_short_leaves_numbers(length: int) -> None:
    assert [it.index for it in found(object_file(linking=LINKING[:length]))] == [0, 2, 0]


@pytest.mark.parametrize(
    "data",
    [u(99) + RELOCATIONS[1:], u(3) + vec([b"\x63" + u(4) + u(0)]), u(3) + u(1 << 31), u(3) + vec([b"\0\0\xff\x7f"])],
)
def test_hostile_relocations(data: bytes) -> None:
    assert [it.symbol for it in found(object_file(relocations=data))] in ([], [None])
