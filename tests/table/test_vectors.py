"""The vector rows on random operands, each against wasmtime, fuel included (``test_rows`` has the chosen operands)."""

from __future__ import annotations

from random import Random

import pytest
from support.engines import Guest, state
from support.rows import row_test
from support.vectors import exact_vector, is_multiply_add, random_vector
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.features import WASM_2, Feature
from zenowasm.interp.instructions import TABLE, Opcode
from zenowasm.interp.numerics.operators import LANE_OPERATORS, OPERATORS
from zenowasm.interp.types import I64, ValType

VECTORS = [row for row in TABLE.rows if row.prefix == 0xFD]
ROWS = [pytest.param(row, id=row.mnemonic) for row in VECTORS]
_CALLS = 48
_PAGE = 65536


def test_all_are_there() -> None:
    assert sum(row.feature is Feature.SIMD for row in VECTORS) == 236
    assert sum(row.feature is Feature.RELAXED_SIMD for row in VECTORS) == 20


def test_operators_and_rows_correspond() -> None:
    shapes = ("v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2")
    operators = {name for name in (*OPERATORS, *LANE_OPERATORS) if name.startswith(shapes)}
    assert operators == {row.mnemonic for row in VECTORS if row.access is None and not row.constant}


@pytest.mark.parametrize("row", ROWS)
def test_needs_its_feature(row: Opcode) -> None:
    expected = row_test(row)
    assert expected is not None
    features = WASM_2 | Feature.SIMD | Feature.RELAXED_SIMD
    binary = wat(expected.valid[0])
    decode(binary, features).codes[0].body()
    with pytest.raises(DecodeError, match="illegal opcode"):
        decode(binary, features & ~Feature.SIMD & ~row.feature).codes[0].body()


def _arguments(row: Opcode, types: tuple[ValType, ...], random: Random) -> list[int]:
    """Fill parameters: an address where one comes first, i64 for an i64 lane or half a vector, i32 for the rest."""
    arguments: list[int] = []
    for type_ in types:
        if row.access is not None and not arguments:
            arguments.append(random.randrange(_PAGE + 20 if random.random() < 0.2 else 80))
        else:
            vector = exact_vector(row, random) if is_multiply_add(row) else random_vector(random)
            arguments.append(vector & ((1 << 64) - 1 if type_ is I64 else (1 << 32) - 1))
    return arguments


@pytest.mark.parametrize("row", ROWS)
def test_random_operands(row: Opcode) -> None:
    expected = row_test(row)
    assert expected is not None
    binary = wat(expected.valid[0])
    guest, peer = Guest(binary), Guest(binary, "wasmtime")
    functions = sorted({name for name, *_ in expected.calls})
    random = Random(row.code)
    for name in functions:
        for _ in range(max(_CALLS // len(functions), 4)):
            arguments = _arguments(row, guest[name].type.parameters, random)
            assert guest.outcome(name, *arguments) == peer.outcome(name, *arguments), f"{name}{arguments}"
    assert state(guest.instance) == state(peer.instance)
