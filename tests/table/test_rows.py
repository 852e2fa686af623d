"""Every row of the instruction table: decoded, validated and executed, each against wasmtime."""

from __future__ import annotations

import pytest
from support.engines import Guest, engine, state
from support.irregular import IRREGULAR
from support.rows import RowTest, key, row_test
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import ValidationError
from zenowasm.interp.instructions import TABLE, Opcode

ROWS = [pytest.param(row, id=key(row)) for row in TABLE.rows]


def the_test_of(row: Opcode) -> RowTest:
    found = row_test(row)
    assert found is not None, f"nobody has written a test for {row}: add it to support/irregular.py"
    return found


def test_every_row_has_a_test() -> None:
    untested = [key(row) for row in TABLE.rows if row_test(row) is None]
    assert untested == []


def test_every_written_test_has_its_row() -> None:
    assert set(IRREGULAR) - {key(row) for row in TABLE.rows} == set()


@pytest.mark.parametrize("row", ROWS)
def test_decodes(row: Opcode) -> None:
    expected = the_test_of(row)
    for text in expected.valid:
        module = decode(wat(text))
        found = [it for code in module.codes for it in code.body().expression.instructions if it.opcode is row]
        assert found, f"the bytes that wasmtime writes for {row} decode to something else"
        assert all(len(it.immediates) == len(row.immediates) for it in found)
        if expected.immediates is not None and text is expected.valid[0]:
            assert found[0].immediates == expected.immediates


@pytest.mark.parametrize("row", ROWS)
def test_validates(row: Opcode) -> None:
    expected = the_test_of(row)
    for text in expected.invalid:
        for name in ("wasmtime", "reference"):
            try:
                engine(name).compile(wat(text))
            except ValidationError:
                continue
            pytest.fail(f"{name} accepts {text}")


@pytest.mark.parametrize("row", ROWS)
def test_executes(row: Opcode) -> None:
    expected = the_test_of(row)
    traps = set()
    for text in expected.valid:
        guest, peer = Guest(wat(text)), Guest(wat(text), "wasmtime")
        for name, *operands in expected.calls:
            found, wanted = guest.outcome(name, *operands), peer.outcome(name, *operands)
            assert found == wanted, f"{row}: {name}{tuple(operands)} in {text}"
            traps.add(wanted.trap)
        assert state(guest.instance) == state(peer.instance), f"{row}: the state afterwards in {text}"
    assert traps >= set(row.traps), f"{row} says that it may trap otherwise than it does"
    if key(row) not in IRREGULAR:
        assert traps <= {None, *row.traps}, f"{row} does not say all the ways in which it traps"
