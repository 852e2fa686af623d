"""Closes and interns types (specification, 3.1.3), so that types of different modules can be compared.

In a closed recursive type, references inside it are ``RecIdx`` and references to earlier types are ``DefType``. Two
groups with the same closed form are one group, and interning makes them one object. Comparing two types is therefore
one identity test; a structural comparison could take exponential time on maliciously constructed types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from weakref import WeakValueDictionary

from zenowasm.interp.errors import LimitError, ValidationError
from zenowasm.interp.types import (
    ArrayType,
    CompType,
    DefType,
    FieldType,
    FuncType,
    HeapType,
    PackedType,
    RecIdx,
    RecType,
    RefType,
    StorageType,
    StructType,
    SubType,
    ValType,
)

MOST_SUPERTYPES = 63
"""The maximum depth of a hierarchy of declared subtypes, as in wasmtime and the JavaScript API."""


class _Group:
    """A closed recursive type and its members."""

    __slots__ = ("__weakref__", "members")

    def __init__(self, size: int) -> None:
        self.members = tuple(DefType(self, index) for index in range(size))


# Not state: whether this contains an equal group affects nothing but identity, which is the purpose of interning. A
# group is removed with the last module that uses it.
_GROUPS: WeakValueDictionary[tuple[SubType, ...], _Group] = WeakValueDictionary()
_LOCK = Lock()


def canonical_func_type(type_: FuncType) -> DefType:
    """Return the defined type of a closed function type that is the only member of its group."""
    return _intern((SubType(type_),)).members[0]


def close_group(rectype: RecType, earlier: Sequence[DefType]) -> tuple[DefType, ...]:
    """Close a recursive type that follows ``earlier`` types in its module; return its members.

    Raises ``ValidationError`` for a reference to a type that is not yet defined, ``LimitError`` for a hierarchy
    deeper than ``MOST_SUPERTYPES``.
    """
    first = len(earlier)
    size = len(rectype.subtypes)

    def close(heap: HeapType) -> HeapType:
        if not isinstance(heap, int):
            return heap
        if heap < first:
            return earlier[heap]
        if heap < first + size:
            return RecIdx(heap - first)
        raise ValidationError(f"unknown type {heap}: {first + size} are defined up to here")

    return _intern(tuple(_map_subtype(subtype, close) for subtype in rectype.subtypes)).members


def close_valtype(type_: ValType, types: Sequence[DefType]) -> ValType:
    """Replace a type index in a value type by the type; raises ``ValidationError`` for an unknown one."""
    if isinstance(type_, RefType) and isinstance(type_.heap, int):
        return close_deftype(type_.heap, types).reference(type_.nullable)
    return type_


def close_heaptype(heap: HeapType, types: Sequence[DefType]) -> HeapType:
    """Replace a type index by the type; raises ``ValidationError`` for an unknown one."""
    return close_deftype(heap, types) if isinstance(heap, int) else heap


def close_deftype(index: int, types: Sequence[DefType]) -> DefType:
    """Return the type that a type index names; raises ``ValidationError`` for an unknown one."""
    if index >= len(types):
        raise ValidationError(f"unknown type {index}: the module defines {len(types)}")
    return types[index]


def _intern(subtypes: tuple[SubType, ...]) -> _Group:
    with _LOCK:
        group = _GROUPS.get(subtypes)
        if group is None:
            group = _Group(len(subtypes))
            for member, subtype in zip(group.members, subtypes, strict=True):
                _unroll(group, member, subtype)
            _GROUPS[subtypes] = group
    return group


def _unroll(group: _Group, member: DefType, subtype: SubType) -> None:
    """Fill in a member, replacing references to the group's own members by types."""
    members = group.members

    def unroll(heap: HeapType) -> HeapType:
        return members[heap.index] if isinstance(heap, RecIdx) else heap

    unrolled = _map_subtype(subtype, unroll)
    member.final = unrolled.final
    member.composite = unrolled.composite
    for supertype in unrolled.supertypes:
        # A supertype must be defined before its subtype; validation reports that. Here it only must not be read.
        if isinstance(supertype, DefType) and (supertype.group is not group or supertype.index < member.index):
            member.supertypes = (*supertype.supertypes, supertype)
    if len(member.supertypes) > MOST_SUPERTYPES:
        raise LimitError(f"a type has more than {MOST_SUPERTYPES} supertypes")


def _map_subtype(subtype: SubType, f: Callable[[HeapType], HeapType]) -> SubType:
    return SubType(_map_comptype(subtype.composite, f), subtype.final, tuple(f(t) for t in subtype.supertypes))


def _map_comptype(type_: CompType, f: Callable[[HeapType], HeapType]) -> CompType:
    match type_:
        case FuncType(parameters, results):
            return FuncType(tuple(_map_valtype(t, f) for t in parameters), tuple(_map_valtype(t, f) for t in results))
        case StructType(fields):
            return StructType(tuple(_map_fieldtype(field, f) for field in fields))
        case ArrayType(element):
            return ArrayType(_map_fieldtype(element, f))


def _map_fieldtype(type_: FieldType, f: Callable[[HeapType], HeapType]) -> FieldType:
    storage: StorageType = type_.storage
    return type_ if isinstance(storage, PackedType) else FieldType(_map_valtype(storage, f), type_.mutable)


def _map_valtype(type_: ValType, f: Callable[[HeapType], HeapType]) -> ValType:
    if not isinstance(type_, RefType):
        return type_
    heap = f(type_.heap)
    if heap is type_.heap:
        return type_
    return heap.reference(type_.nullable) if isinstance(heap, DefType) else RefType(type_.nullable, heap)
