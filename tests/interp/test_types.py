"""Types print as the text format writes them."""

from __future__ import annotations

import pytest

from zenowasm.interp.types import (
    EXTERNREF,
    F32,
    FUNCREF,
    I32,
    I64,
    V128,
    AbsHeapType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    TableType,
)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (I32, "i32"),
        (F32, "f32"),
        (V128, "v128"),
        (FUNCREF, "funcref"),
        (EXTERNREF, "externref"),
        (RefType(False, AbsHeapType.FUNC), "(ref func)"),
        (RefType(True, AbsHeapType.NONE), "nullref"),
        (RefType(True, AbsHeapType.NOFUNC), "nullfuncref"),
        (FuncType(), "(func)"),
        (FuncType((I32, I64), (F32,)), "(func (param i32 i64) (result f32))"),
        (GlobalType(I32), "(global i32)"),
        (GlobalType(I32, True), "(global (mut i32))"),
        (MemType(Limits(1)), "(memory 1)"),
        (MemType(Limits(1, 2)), "(memory 1 2)"),
        (TableType(FUNCREF, Limits(0, 9)), "(table 0 9 funcref)"),
    ],
)
def test_text(type_: object, text: str) -> None:
    assert str(type_) == text


def test_equal_types_are_equal() -> None:
    assert FuncType((I32,)) == FuncType((I32,))
    assert hash(FuncType((I32,))) == hash(FuncType((I32,)))
    assert FuncType((I32,)) != FuncType((), (I32,))
    assert RefType(True, AbsHeapType.FUNC) == FUNCREF
