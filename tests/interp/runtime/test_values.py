"""Values of the embedder as values of the guest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from zenowasm.interp.numerics.floats import f32_to_bits, f64_from_bits, f64_to_bits
from zenowasm.interp.runtime.values import ExternRef, check_value, check_values, default_value
from zenowasm.interp.types import EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, ValType

ACCEPTED: list[tuple[ValType, Any, Any]] = [
    (I32, 5, 5),
    (I32, -1, 2**32 - 1),
    (I32, -(2**31), 2**31),
    (I32, 2**32 - 1, 2**32 - 1),
    (I32, True, 1),
    (I64, -(2**63), 2**63),
    (I64, 2**64 - 1, 2**64 - 1),
    (V128, 2**128 - 1, 2**128 - 1),
    (V128, -1, 2**128 - 1),
    (F64, 1, 1.0),
    (F64, -0.0, -0.0),
    (F32, 0.1, 0.10000000149011612),
    (F32, 1e39, math.inf),
    (F32, 1e-50, 0.0),
    (F32, 16777217, 16777216.0),
    (FUNCREF, None, None),
    (EXTERNREF, None, None),
]

REFUSED: list[tuple[ValType, Any, type[Exception]]] = [
    (I32, 2**32, ValueError),
    (I32, -(2**31) - 1, ValueError),
    (I64, 2**64, ValueError),
    (I64, -(2**63) - 1, ValueError),
    (V128, 2**128, ValueError),
    (I32, 1.0, TypeError),
    (I32, "1", TypeError),
    (I32, None, TypeError),
    (F32, "1", TypeError),
    (F64, None, TypeError),
    (F64, 1j, TypeError),
    (FUNCREF, 0, TypeError),
    (FUNCREF, len, TypeError),
    (FUNCREF, ExternRef(1), TypeError),
    (EXTERNREF, "object", TypeError),
]


@pytest.mark.parametrize(("type_", "given", "expected"), ACCEPTED, ids=str)
def test_accepted(type_: ValType, given: Any, expected: Any) -> None:
    found = check_value(type_, given)
    assert found == expected
    if isinstance(expected, float):
        assert isinstance(found, float)
        assert math.copysign(1, found) == math.copysign(1, expected)
    (found,) = check_values((type_,), (given,))
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("type_", "given", "error"), REFUSED, ids=str)
def test_refused(type_: ValType, given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_value(type_, given)
    with pytest.raises(error):
        check_values((I32, type_), (1, given))


@pytest.mark.parametrize("type_", [F32, F64], ids=str)
@pytest.mark.parametrize("given", [10**400, -(10**400)])
def test_an_integer_too_large_for_a_float_is_refused(type_: ValType, given: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        check_value(type_, given)


def test_an_external_reference_keeps_its_object() -> None:
    reference = ExternRef(["anything"])
    assert check_value(EXTERNREF, reference) is reference


def test_nans_of_the_host() -> None:
    assert f64_to_bits(check_value(F64, f64_from_bits(0x7FF0000000000001))) == 0x7FF0000000000001
    # The payload of the second does not fit into an f32.
    assert f32_to_bits(check_value(F32, f64_from_bits(0xFFF4000020000000))) == 0xFFA00001
    assert f32_to_bits(check_value(F32, f64_from_bits(0x7FF0000000000001))) == 0x7FC00000


def test_defaults() -> None:
    assert [default_value(it) for it in (I32, I64, F32, F64, V128, FUNCREF, EXTERNREF)] == [
        0,
        0,
        0.0,
        0.0,
        0,
        None,
        None,
    ]
    assert isinstance(default_value(F32), float)
