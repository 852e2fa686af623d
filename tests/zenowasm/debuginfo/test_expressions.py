"""DWARF expressions (DWARF 5, 2.5), each with what the standard says that it gives."""

from __future__ import annotations

import pytest
from elftools.dwarf.dwarf_expr import DWARFExprOp

from zenowasm.debuginfo.errors import UnavailableError
from zenowasm.debuginfo.expressions import Computed, InMemory, Piece, Pieces, Register, evaluate


class Frame:
    """A frame whose local N is 100 + N, global 200 + N, operand 300 + N, and whose memory is its own addresses."""

    def local(self, index: int) -> int:
        return 100 + index

    def global_(self, index: int) -> int:
        return 200 + index

    def operand(self, index: int) -> int:
        return 300 + index

    def read(self, address: int, length: int) -> bytes:
        return address.to_bytes(8, "little")[:length]


def operations(*words: tuple) -> list[DWARFExprOp]:
    return [DWARFExprOp(0, f"DW_OP_{name}", list(args), 0) for name, *args in words]


def run(*words: tuple):
    return evaluate(operations(*words), Frame(), lambda: 1000)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ([("addr", 64)], InMemory(64)),
        ([("fbreg", -8)], InMemory(992)),
        ([("WASM_location", 0, 2), ("stack_value",)], Computed(102, Register(0, 2))),
        ([("WASM_location", 0, 2)], InMemory(102)),
        ([("WASM_location", 0, 2), ("plus_uconst", 6)], InMemory(108)),
        ([("WASM_location", 1, 3), ("stack_value",)], Computed(203, Register(1, 3))),
        ([("WASM_location", 2, 1), ("stack_value",)], Computed(301, Register(2, 1))),
        ([("WASM_location", 3, 3), ("stack_value",)], Computed(203, Register(3, 3))),
        ([("lit5",), ("lit3",), ("minus",), ("stack_value",)], Computed(2)),
        ([("lit3",), ("lit5",), ("minus",), ("stack_value",)], Computed((1 << 64) - 2)),
        ([("const1s", -7), ("lit2",), ("div",), ("stack_value",)], Computed((1 << 64) - 3)),
        ([("const1s", -1), ("lit1",), ("lt",), ("stack_value",)], Computed(1)),
        ([("lit7",), ("lit4",), ("swap",), ("shl",), ("stack_value",)], Computed(4 << 7)),
        ([("lit9",), ("dup",), ("mul",), ("stack_value",)], Computed(81)),
        ([("lit9",), ("lit1",), ("over",), ("plus",), ("plus",), ("stack_value",)], Computed(19)),
        ([("lit9",), ("lit8",), ("lit7",), ("pick", 2), ("stack_value",)], Computed(9)),
        ([("constu", 16), ("deref",), ("stack_value",)], Computed(16)),
        ([("constu", 0x1234), ("deref_size", 1), ("stack_value",)], Computed(0x34)),
        ([("implicit_value", [1, 2])], Computed(0x201)),
        ([("const4u", 0xFFFFFFFF), ("not",), ("lit0",), ("and",), ("stack_value",)], Computed(0)),
        (
            [("WASM_location", 0, 1), ("stack_value",), ("piece", 4), ("piece", 2), ("addr", 8), ("piece", 8)],
            Pieces((Piece(4, Computed(101)), Piece(2, None), Piece(8, InMemory(8)))),
        ),
    ],
)
def test_places(words, place) -> None:
    assert run(*words) == place


def test_the_frame_base_is_what_is_in_a_local() -> None:
    assert evaluate(operations(("WASM_location", 0, 1)), Frame(), lambda: 0, as_value=True) == Computed(101)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "it was optimised out"),
        ([("plus",)], "takes more than there is"),
        ([("lit1",), ("over",)], "takes more than there is"),
        ([("lit1",), ("lit0",), ("div",)], "has a div of 0"),
        ([("call_frame_cfa",)], "DW_OP_call_frame_cfa, which is not supported"),
        ([("WASM_location", 9, 1)], "of the unknown kind 9"),
        ([("nop",)] * 1002, "takes too long to compute"),
    ],
)
def test_what_gives_no_place(words, message) -> None:
    with pytest.raises(UnavailableError, match=message):
        run(*words)
