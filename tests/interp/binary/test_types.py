"""The binary format of types (specification, 5.3)."""

from __future__ import annotations

import pytest
from support.wasm import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    GLOBAL,
    I32,
    I64,
    MEMORY,
    TABLE,
    TYPE,
    functype,
    module,
    one_function,
    section,
    vec,
)

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.types import FuncType

TYPES = {I32: "i32", I64: "i64", F32: "f32", F64: "f64", FUNCREF: "funcref", EXTERNREF: "externref"}
INITIAL = {
    I32: b"\x41\0",
    I64: b"\x42\0",
    F32: b"\x43" + bytes(4),
    F64: b"\x44" + bytes(8),
    FUNCREF: b"\xd0\x70",
    EXTERNREF: b"\xd0\x6f",
}


@pytest.mark.parametrize("byte", TYPES)
def test_value_types(byte: bytes) -> None:
    (found,) = [it.composite for it in decode(module(section(TYPE, vec([functype(byte * 2, byte)])))).subtypes()]
    assert isinstance(found, FuncType)
    assert [str(it) for it in found.parameters] == [TYPES[byte]] * 2
    assert [str(it) for it in found.results] == [TYPES[byte]]


@pytest.mark.parametrize("byte", TYPES)
@pytest.mark.parametrize("mutable", [False, True])
def test_global_types(byte: bytes, mutable: bool) -> None:
    (found,) = decode(module(section(GLOBAL, vec([byte + bytes((mutable,)) + INITIAL[byte] + b"\x0b"])))).global_types()
    assert str(found.value) == TYPES[byte]
    assert found.mutable is mutable


@pytest.mark.parametrize("limits", [(b"\0\0", 0, None), (b"\0\x81\1", 129, None), (b"\1\0\1", 0, 1), (b"\1\2\2", 2, 2)])
def test_limits(limits: tuple[bytes, int, int | None]) -> None:
    contents, minimum, maximum = limits
    found = decode(module(section(TABLE, vec([EXTERNREF + contents])), section(MEMORY, vec([contents]))))
    for read in (found.table_types()[0].limits, found.memory_types()[0].limits):
        assert (read.minimum, read.maximum) == (minimum, maximum)


@pytest.mark.parametrize(
    ("blocktype", "expected"),
    [
        (b"\x40", ()),
        (I64, ("i64",)),
        (FUNCREF, ("funcref",)),
        (b"\0", 0),
        (b"\x80\x00", 0),
        (b"\xff\xff\xff\xff\x0f", 2**32 - 1),
    ],
)
def test_block_types(blocktype: bytes, expected: object) -> None:
    (found,) = decode(one_function(b"\x02" + blocktype + b"\x0b")).codes[0].body().expression.instructions[0].immediates
    assert (found if isinstance(found, int) else tuple(map(str, found))) == expected


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x40, 0x60, 0x7A, 0x80, 0xFF])
def test_no_value_types(byte: int) -> None:
    with pytest.raises(DecodeError):
        decode(module(section(TYPE, vec([functype(bytes((byte,)))]))))
