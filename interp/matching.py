"""Subtyping (specification, 3.3): which type is accepted where another is expected. All types are closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.types import (
    I32,
    I64,
    AbsHeapType,
    ArrayType,
    CompType,
    DefType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemType,
    PackedType,
    RefType,
    ResultType,
    StorageType,
    StructType,
    TableType,
    ValType,
)

_H = AbsHeapType

# The supertypes of each abstract heap type, itself included (3.3.3).
_SUPERTYPES: Mapping[AbsHeapType, frozenset[AbsHeapType]] = {
    _H.ANY: frozenset({_H.ANY}),
    _H.EQ: frozenset({_H.EQ, _H.ANY}),
    _H.I31: frozenset({_H.I31, _H.EQ, _H.ANY}),
    _H.STRUCT: frozenset({_H.STRUCT, _H.EQ, _H.ANY}),
    _H.ARRAY: frozenset({_H.ARRAY, _H.EQ, _H.ANY}),
    _H.NONE: frozenset({_H.NONE, _H.I31, _H.STRUCT, _H.ARRAY, _H.EQ, _H.ANY}),
    _H.FUNC: frozenset({_H.FUNC}),
    _H.NOFUNC: frozenset({_H.NOFUNC, _H.FUNC}),
    _H.EXTERN: frozenset({_H.EXTERN}),
    _H.NOEXTERN: frozenset({_H.NOEXTERN, _H.EXTERN}),
    _H.EXN: frozenset({_H.EXN}),
    _H.NOEXN: frozenset({_H.NOEXN, _H.EXN}),
}
_TOPS = (_H.ANY, _H.FUNC, _H.EXTERN, _H.EXN)
_BOTTOMS = {_H.ANY: _H.NONE, _H.FUNC: _H.NOFUNC, _H.EXTERN: _H.NOEXTERN, _H.EXN: _H.NOEXN}


def kind(type_: DefType) -> AbsHeapType:
    """Return the abstract type that a defined type is a subtype of: func, struct or array."""
    match type_.composite:
        case FuncType():
            return _H.FUNC
        case StructType():
            return _H.STRUCT
        case ArrayType():
            return _H.ARRAY


def top(heap: HeapType) -> AbsHeapType:
    """Return the greatest type of the hierarchy that a closed heap type belongs to."""
    abstract = kind(heap) if isinstance(heap, DefType) else heap
    assert isinstance(abstract, AbsHeapType)
    return next(candidate for candidate in _TOPS if candidate in _SUPERTYPES[abstract])


def matches_deftype(found: DefType, expected: DefType) -> bool:
    """Return whether ``found`` is ``expected`` or declared to be a subtype of it (3.3.9)."""
    if found is expected:
        return True
    depth = len(expected.supertypes)
    return depth < len(found.supertypes) and found.supertypes[depth] is expected


def matches_heaptype(found: HeapType, expected: HeapType) -> bool:
    """Return whether the closed heap type ``found`` is a subtype of ``expected`` (3.3.3)."""
    if found is expected:
        return True
    if isinstance(found, DefType):
        if isinstance(expected, DefType):
            return matches_deftype(found, expected)
        return expected in _SUPERTYPES[kind(found)]
    assert isinstance(found, AbsHeapType)
    if isinstance(expected, DefType):
        return found is _BOTTOMS[top(expected)]
    return expected in _SUPERTYPES[found]


def matches_valtype(found: ValType, expected: ValType) -> bool:
    """Return whether a value of type ``found`` may be used as ``expected`` (3.3.5)."""
    if found is expected:
        return True
    if isinstance(found, RefType) and isinstance(expected, RefType):
        return (expected.nullable or not found.nullable) and matches_heaptype(found.heap, expected.heap)
    return False


def matches_resulttype(found: ResultType, expected: ResultType) -> bool:
    """Return whether each type matches its counterpart (3.3.6)."""
    # Comparing the whole tuples first keeps a thousand types cheap.
    return found == expected or (len(found) == len(expected) and all(map(matches_valtype, found, expected)))


def _matches_storage(found: StorageType, expected: StorageType) -> bool:
    if isinstance(found, PackedType) or isinstance(expected, PackedType):
        return found is expected
    return matches_valtype(found, expected)


def matches_fieldtype(found: FieldType, expected: FieldType) -> bool:
    """Return whether field type ``found`` matches ``expected``; mutable ones must be equal (3.3.8)."""
    if found.mutable != expected.mutable or not _matches_storage(found.storage, expected.storage):
        return False
    return not found.mutable or _matches_storage(expected.storage, found.storage)


def matches_comptype(found: CompType, expected: CompType) -> bool:
    """Return whether composite type ``found`` may be declared a subtype of ``expected`` (3.3.8)."""
    match found, expected:
        case FuncType(), FuncType():
            return matches_resulttype(expected.parameters, found.parameters) and matches_resulttype(
                found.results, expected.results
            )
        case StructType(fields), StructType(wanted):
            return len(fields) >= len(wanted) and all(map(matches_fieldtype, fields, wanted))
        case ArrayType(element), ArrayType(other):
            return matches_fieldtype(element, other)
        case _:
            return False


def fault_of_size(type_: TableType | MemType) -> str | None:
    """Return the fault in the limits of a table or memory (3.2.12), or ``None``."""
    limits = type_.limits
    addresses = 1 << (64 if type_.address is I64 else 32)
    if isinstance(type_, MemType):
        most = addresses // PAGE_SIZE
        words = f"memory size must be at most {most} pages" + (" (4GiB)" if type_.address is I32 else "")
    else:
        most = addresses - 1
        words = f"table size must be at most {most} elements"
    if limits.minimum > most or (limits.maximum or 0) > most:
        return f"{words}, {max(limits.minimum, limits.maximum or 0)} are declared"
    if limits.maximum is not None and limits.minimum > limits.maximum:
        return f"size minimum must not be greater than maximum: {limits.minimum} is greater than {limits.maximum}"
    return None


def matches_limits(found: Limits, expected: Limits) -> bool:
    """Return whether ``found`` lies within ``expected`` (3.3.13)."""
    if found.minimum < expected.minimum:
        return False
    return expected.maximum is None or (found.maximum is not None and found.maximum <= expected.maximum)


@frozen
class TagDefType:
    """A tag's type in the form that linking compares."""

    type: DefType


LinkType: TypeAlias = DefType | TableType | MemType | GlobalType | TagDefType
"""External types in the form that linking compares: functions and tags by defined type."""


def matches_linktype(found: LinkType, expected: LinkType) -> bool:
    """Return whether an import of type ``expected`` accepts an external value of type ``found`` (3.3.17)."""
    match found, expected:
        case DefType(), DefType():
            return matches_deftype(found, expected)
        case TableType(), TableType():
            return (
                found.address is expected.address
                and _equivalent(found.element, expected.element)
                and matches_limits(found.limits, expected.limits)
            )
        case MemType(), MemType():
            return found.address is expected.address and matches_limits(found.limits, expected.limits)
        case GlobalType(), GlobalType():
            if found.mutable != expected.mutable or not matches_valtype(found.value, expected.value):
                return False
            return not found.mutable or matches_valtype(expected.value, found.value)
        case TagDefType(), TagDefType():
            return found.type is expected.type
        case _:
            return False


def _equivalent(one: ValType, other: ValType) -> bool:
    return matches_valtype(one, other) and matches_valtype(other, one)
