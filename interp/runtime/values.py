"""Values as Python objects (specification, 4.2.1).

- i32, i64: ``int``, unsigned: 0 <= value < 2**32 or 2**64.
- f32, f64: ``float``; an f32 is the double of the same value. A NaN keeps its sign and payload: an f32 NaN travels as
  the double whose sign is the same and whose top 23 payload bits are the f32's payload.
- v128: ``int``, unsigned: 0 <= value < 2**128; byte 0 of the vector is the least significant byte.
- references: ``None`` for null; a function instance for functions; ``ExternRef`` for references of the host.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen

from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, round_to_f32
from zenowasm.interp.types import AbsHeapType, FuncType, NumType, RefType, ValType, VecType

Value: TypeAlias = Any
"""A WebAssembly value in the representation above. ``Any``: the loops that move values never inspect them."""


@frozen(eq=False)
class ExternRef:
    """A reference to an object of the host, opaque to the guest."""

    value: object


class FunctionReference:
    """The base of everything that a function reference can point to."""

    __slots__ = ()
    type: FuncType


_BITS: dict[ValType, int] = {NumType.I32: 32, NumType.I64: 64, VecType.V128: 128}


def default_value(type_: ValType) -> Value:
    """Return the value of a new local of that type: zero or null (specification, 4.2.1)."""
    if isinstance(type_, RefType):
        return None
    return 0.0 if type_ in (NumType.F32, NumType.F64) else 0


def check_value(type_: ValType, value: Value) -> Value:
    """Return a value of the embedder as a value of that type.

    Integers may be given signed or unsigned; an f32 is rounded. Raises ``TypeError`` for another kind of object,
    ``ValueError`` for an integer out of range.
    """
    bits = _BITS.get(type_)
    if bits is not None:
        if not isinstance(value, int):
            raise TypeError(f"{type_} takes an int, not {type(value).__name__}")
        if not -(1 << (bits - 1)) <= value < 1 << bits:
            raise ValueError(f"{value} does not fit into {type_}")
        return value & ((1 << bits) - 1)
    if isinstance(type_, RefType):
        fits = value is None if type_.nullable else False
        if type_.heap is AbsHeapType.EXTERN:
            fits = fits or isinstance(value, ExternRef)
        elif type_.heap is AbsHeapType.FUNC:
            fits = fits or isinstance(value, FunctionReference)
        if not fits:
            raise TypeError(f"{type_} does not take {type(value).__name__}")
        return value
    if not isinstance(value, int | float):
        raise TypeError(f"{type_} takes a float, not {type(value).__name__}")
    number = float(value)
    if type_ is NumType.F64:
        return number
    return f32_from_bits(f32_to_bits(number)) if number != number else round_to_f32(number)
