"""Types by name in the text format (specification, 6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from zenowasm.display import nearest
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    AbsHeapType,
    FuncType,
    RefType,
    ValType,
)

_HEAPS = (
    *(AbsHeapType.FUNC, AbsHeapType.EXTERN, AbsHeapType.EXN),
    *(AbsHeapType.ANY, AbsHeapType.EQ, AbsHeapType.I31, AbsHeapType.STRUCT, AbsHeapType.ARRAY),
)
_REFERENCES: Final[Mapping[str, RefType]] = MappingProxyType(
    {str(it): it for it in (RefType(True, heap) for heap in _HEAPS)}
)
_VALUES: Final[Mapping[str, ValType]] = MappingProxyType(
    {**{str(it): it for it in (I32, I64, F32, F64, V128)}, **_REFERENCES}
)
_Type = TypeVar("_Type")


def value_type(name: str) -> ValType:
    """Return the type with that name, such as ``i32`` or ``externref``; raises ``ValueError``."""
    return _found(name, _VALUES)


def reference_type(name: str) -> RefType:
    """Return the reference type with that name, such as ``funcref``; raises ``ValueError``."""
    return _found(name, _REFERENCES)


def function_type(parameters: Sequence[str], results: Sequence[str]) -> FuncType:
    """Return a function type from type names; raises ``ValueError``."""
    return FuncType(tuple(map(value_type, parameters)), tuple(map(value_type, results)))


def _found(name: str, known: Mapping[str, _Type]) -> _Type:
    if name not in known:
        near = nearest(name, known)
        raise ValueError(f"unknown type {name!r}: " + (f"did you mean {near}?" if near else f"use {', '.join(known)}"))
    return known[name]
