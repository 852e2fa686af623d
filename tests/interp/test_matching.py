"""Which extern may be given for which import (specification, 3.3)."""

from __future__ import annotations

from itertools import product

import pytest

from zenowasm.interp.matching import matches_limits, matches_linktype, matches_valtype
from zenowasm.interp.types import (  # fmt: skip
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    AbsHeapType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    TableType,
)

TYPES = (I32, I64, F32, F64, V128, FUNCREF, EXTERNREF)


def test_value_types_match_themselves_alone() -> None:
    for found, expected in product(TYPES, TYPES):
        assert matches_valtype(found, expected) == (found == expected)


# The abstract heap types by hierarchy, each with all types above it.
HIERARCHY = {
    "none": "i31 struct array eq any", "i31": "eq any", "struct": "eq any", "array": "eq any", "eq": "any", "any": "",
    "nofunc": "func", "func": "", "noextern": "extern", "extern": "", "noexn": "exn", "exn": "",
}  # fmt: skip


def test_references_match_the_types_above_them() -> None:
    for found, expected in product(AbsHeapType, AbsHeapType):
        above = {found.value, *HIERARCHY[found.value].split()}
        for found_null, expected_null in product((False, True), (False, True)):
            matches = matches_valtype(RefType(found_null, found), RefType(expected_null, expected))
            assert matches == (expected.value in above and found_null <= expected_null)


@pytest.mark.parametrize(
    ("found", "expected", "fits"),
    [
        (Limits(1), Limits(1), True),
        (Limits(2), Limits(1), True),
        (Limits(1), Limits(2), False),
        (Limits(1, 5), Limits(1), True),
        (Limits(1), Limits(1, 5), False),
        (Limits(1, 5), Limits(1, 5), True),
        (Limits(2, 4), Limits(1, 5), True),
        (Limits(1, 6), Limits(1, 5), False),
        (Limits(0, 0), Limits(0, 0), True),
    ],
)
def test_limits(found: Limits, expected: Limits, fits: bool) -> None:
    assert matches_limits(found, expected) is fits
    assert matches_linktype(MemType(found), MemType(expected)) is fits
    assert matches_linktype(TableType(FUNCREF, found), TableType(FUNCREF, expected)) is fits
    assert not matches_linktype(TableType(EXTERNREF, found), TableType(FUNCREF, expected))


def test_kinds_never_match_each_other() -> None:
    kinds = (MemType(Limits(0)), TableType(FUNCREF, Limits(0)), GlobalType(I32))
    for found, expected in product(kinds, kinds):
        assert matches_linktype(found, expected) == (found is expected)


def test_globals() -> None:
    for type_, mutable in product((I32, F64), (False, True)):
        same = GlobalType(type_, mutable)
        assert matches_linktype(same, GlobalType(type_, mutable))
        assert not matches_linktype(same, GlobalType(type_, not mutable))
        assert not matches_linktype(same, GlobalType(I64, mutable))


def test_a_constant_may_be_of_a_subtype_and_a_variable_may_not() -> None:
    narrow, wide = RefType(False, AbsHeapType.FUNC), FUNCREF
    assert matches_linktype(GlobalType(narrow), GlobalType(wide))
    assert not matches_linktype(GlobalType(wide), GlobalType(narrow))
    assert not matches_linktype(GlobalType(narrow, True), GlobalType(wide, True))


def test_index_types_must_be_the_same() -> None:
    assert not matches_linktype(MemType(Limits(1), I64), MemType(Limits(1)))
    assert not matches_linktype(TableType(FUNCREF, Limits(1)), TableType(FUNCREF, Limits(1), I64))
