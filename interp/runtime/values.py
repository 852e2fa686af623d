"""Values as Python objects (specification, 4.2.1).

- i32, i64: ``int``, unsigned: 0 <= value < 2**32 or 2**64.
- f32, f64: ``float``; an f32 is the double of the same value. A NaN keeps its sign and payload: an f32 NaN is
  represented by the double with the same sign whose top 23 payload bits are the f32's payload.
- v128: ``int``, unsigned: 0 <= value < 2**128; byte 0 of the vector is the least significant byte.
- references: ``None`` for null; a function instance for functions; ``StructInstance``, ``ArrayInstance`` and ``I31``
  for aggregates and small integers; ``ExceptionInstance`` for exceptions; ``ExternRef`` for host references. The two
  conversions between ``any`` and ``extern`` change only the type, so a value is the same object on both sides.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any, TypeAlias

from attrs import frozen

from zenowasm.interp.errors import Crash, Trap, TrapCode
from zenowasm.interp.matching import matches_deftype
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits, round_to_f32
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.types import I32, I64, V128, AbsHeapType, DefType, FuncType, NumType, RefType, ValType

_LARGEST_I32 = (1 << 32) - 1

Value: TypeAlias = Any
"""A WebAssembly value in the representation above. ``Any``: the loops that move values never inspect them."""


@frozen(eq=False)
class ExternRef:
    """A reference to a host object, opaque to the guest."""

    value: object


@frozen
class I31:
    """A small integer as a reference: 0 <= value < 2**31."""

    value: int


class FunctionReference:
    """The base of the classes that a function reference can refer to."""

    __slots__ = ()
    type: FuncType
    deftype: DefType


class Aggregate:
    """A structure or an array (4.2.11) with its ``fields`` or elements; a packed one is an unsigned ``int``.

    When the aggregate is collected, its units return to ``quota``.
    """

    __slots__ = ("deftype", "fields", "quota")

    def __init__(self, deftype: DefType, fields: list[Value], quota: Quota) -> None:
        """Allocate it; raises ``Trap`` if the store's quota forbids it."""
        self.fields: list[Value] = []
        self.quota = quota
        if not quota.take(AGGREGATE_BYTES + FIELD_BYTES * len(fields)):
            # Python collects cycles only occasionally; they may hold the missing units.
            gc.collect()
            quota.collections += 1
            if not quota.take(AGGREGATE_BYTES + FIELD_BYTES * len(fields)):
                raise Trap(TrapCode.MEMORY_LIMIT, f"{len(fields)} fields: the limit is {quota.limit} {quota.what}")
        self.deftype = deftype
        self.fields = fields

    def __del__(self) -> None:
        if hasattr(self, "deftype"):
            self.quota.left += AGGREGATE_BYTES + FIELD_BYTES * len(self.fields)


class StructInstance(Aggregate):
    """A structure."""

    __slots__ = ()


class ArrayInstance(Aggregate):
    """An array; its length never changes."""

    __slots__ = ()


class TagReference:
    """The base of tags, which are compared by identity."""

    __slots__ = ()


@frozen(eq=False)
class ExceptionInstance:
    """An exception: its tag and the values that it carries (4.2.12)."""

    tag: TagReference
    fields: tuple[Value, ...]


AGGREGATE_BYTES = 96
FIELD_BYTES = 8
"""The approximate size in CPython of an aggregate without its fields, and of each field."""


def matches_reference(value: Value, type_: RefType) -> bool:
    """Return whether a reference has the given closed type (specification, 4.6.1 and 3.3.4)."""
    if value is None:
        return type_.nullable
    heap = type_.heap
    if isinstance(heap, AbsHeapType):
        return isinstance(value, _CLASSES[heap])
    if isinstance(heap, DefType):
        return isinstance(value, Aggregate | FunctionReference) and matches_deftype(value.deftype, heap)
    raise Crash(f"{heap} is not closed")


_ANY = (StructInstance, ArrayInstance, I31, ExternRef)
_CLASSES: dict[AbsHeapType, tuple[type, ...]] = {
    AbsHeapType.ANY: _ANY,
    AbsHeapType.EQ: (StructInstance, ArrayInstance, I31),
    AbsHeapType.I31: (I31,),
    AbsHeapType.STRUCT: (StructInstance,),
    AbsHeapType.ARRAY: (ArrayInstance,),
    AbsHeapType.NONE: (),
    AbsHeapType.FUNC: (FunctionReference,),
    AbsHeapType.NOFUNC: (),
    AbsHeapType.EXTERN: _ANY,
    AbsHeapType.NOEXTERN: (),
    AbsHeapType.EXN: (ExceptionInstance,),
    AbsHeapType.NOEXN: (),
}


ADDRESS_MASKS = {NumType.I32: (1 << 32) - 1, NumType.I64: (1 << 64) - 1}


def default_value(type_: ValType) -> Value:
    """Return the default value of a local of that type: zero or null (specification, 4.2.1)."""
    if isinstance(type_, RefType):
        return None
    return 0.0 if type_ in (NumType.F32, NumType.F64) else 0


def check_values(types: Sequence[ValType], values: Sequence[Value]) -> list[Value]:
    """Convert the embedder's values to values of those types, one for each, as ``check_value`` does."""
    checked = list(values)
    for index, type_ in enumerate(types):
        value = checked[index]
        # Most values are addresses and lengths in range, for which a call would take longer than the check.
        if type_ is not I32 or value.__class__ is not int or not 0 <= value <= _LARGEST_I32:
            checked[index] = check_value(type_, value)
    return checked


def check_value(type_: ValType, value: Value) -> Value:
    """Convert an embedder's value to a value of that type.

    Integers may be signed or unsigned; an f32 is rounded. Raises ``TypeError`` for an object of the wrong kind,
    ``ValueError`` for an integer out of range.
    """
    # Compared rather than looked up: Python code computes an enumeration member's hash.
    bits = 32 if type_ is I32 else 64 if type_ is I64 else 128 if type_ is V128 else 0
    if bits:
        if not isinstance(value, int):
            raise TypeError(f"{type_} takes an int, not {type(value).__name__}")
        if not -(1 << (bits - 1)) <= value < 1 << bits:
            raise ValueError(f"{value} does not fit into {type_}")
        return value & ((1 << bits) - 1)
    if isinstance(type_, RefType):
        if not matches_reference(value, type_):
            raise TypeError(f"{type_} does not take {type(value).__name__}")
        return value
    if not isinstance(value, int | float):
        raise TypeError(f"{type_} takes a float, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"the integer does not fit into {type_}") from None
    if type_ is NumType.F64:
        return number
    return f32_from_bits(f32_to_bits(number)) if number != number else round_to_f32(number)
