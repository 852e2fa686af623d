"""The instruction table's own promises; what the rows mean is tested in tests/table."""

from __future__ import annotations

import pytest

from zenowasm.interp.instructions import TABLE, Immediate, Opcode
from zenowasm.interp.instructions.table import Table, signature
from zenowasm.interp.types import F64, I32


def test_rows_are_found_by_their_bytes_and_by_their_mnemonics() -> None:
    for row in TABLE.rows:
        assert TABLE.by_bytes[row.prefix, row.code] is row
        assert TABLE.by_mnemonic[row.mnemonic].mnemonic == row.mnemonic
    assert str(TABLE.by_bytes[None, 0x6A]) == "i32.add"


def test_two_rows_cannot_share_their_bytes_or_their_mnemonic() -> None:
    first = Opcode(None, 1, "first")
    with pytest.raises(ValueError, match="share"):
        Table([first, Opcode(None, 1, "second")])
    with pytest.raises(ValueError, match="share"):
        Table([first, Opcode(None, 2, "first")])
    overloaded = Table([first, Opcode(None, 2, "first", (Immediate.I32,)), Opcode(0xFC, 1, "third")])
    assert len(overloaded.rows) == 3
    assert overloaded.by_mnemonic["first"] is first
    assert overloaded.prefixes == {0xFC}


def test_signatures() -> None:
    assert signature("i32 f64 -> i32") == ((I32, F64), (I32,))
    assert signature("-> f64") == ((), (F64,))
