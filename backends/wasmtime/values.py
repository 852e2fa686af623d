"""Converts values between Python and wasmtime: numbers, functions, and references into the guests' heap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from attrs import define, field

from zenowasm.backends.wasmtime import capi, failures
from zenowasm.interp.errors import LimitError
from zenowasm.interp.matching import kind, matches_heaptype, top
from zenowasm.interp.runtime.values import I31, ExternRef, Value, check_value
from zenowasm.interp.types import (
    AbsHeapType,
    DefType,
    FuncType,
    HeapType,
    MemType,
    RefType,
    ResultType,
    TableType,
    ValType,
)

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.externs import Tag
    from zenowasm.backends.wasmtime.store import Store


@define
class KnownTypes:
    """The declared types of a store's functions, memories and tables, by the numbers that identify them.

    wasmtime's C interface provides less: there is no safe query for 64-bit tables, and it returns types that a module
    defines only as their abstract supertypes. Each query also creates an object with a finalizer, in which Python
    discards exceptions of signal handlers.
    """

    functions: dict[bytes, FuncType] = field(factory=dict)
    memories: dict[tuple[int, int], MemType] = field(factory=dict)
    tables: dict[tuple[int, int], TableType] = field(factory=dict)


class Func:
    """A function of a guest or of the host.

    Two objects for the same guest function are equal. A host function that returns through a guest need not equal the
    original object.
    """

    def __init__(self, store: Store, raw: wasmtime.Func, type: FuncType | None = None) -> None:
        self.store = store
        self.raw = raw
        if type is not None:
            store.types.functions.setdefault(capi.function_identity(raw), type)

    @property
    def type(self) -> FuncType:
        """The function's type.

        If no instance exports the function, types that a module defines appear as their abstract supertypes.
        """
        identity = capi.function_identity(self.raw)
        known = self.store.types.functions.get(identity)
        if known is None:
            known = self.store.types.functions[identity] = capi.function_type(self.raw.type(self.store.raw))
        return known

    @cached_property
    def call(self) -> Callable[..., tuple[Value, ...]]:
        """Call the function under the store's budget; raises the errors that the protocol names."""
        return self.store.entry(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Func) and capi.function_identity(self.raw) == capi.function_identity(other.raw)

    def __hash__(self) -> int:
        return hash(capi.function_identity(self.raw))


class Reference:
    """A reference that keeps a structure, an array or an exception on the guests' heap alive.

    ``kind`` is one of these three. Two references to the same object are equal.
    """

    def __init__(self, store: Store, kind: AbsHeapType, root: capi.Root) -> None:
        self.store = store
        self.kind = kind
        self.root = root

    @property
    def fields(self) -> tuple[Value, ...]:
        """The fields of a structure, elements of an array, or values of an exception; packed ones are unsigned."""
        values = _FIELDS[self.kind](self.store.raw, self.root)
        try:
            return tuple([lift(self.store, capi.type_of(it), it) for it in values])
        finally:
            capi.release(values)

    @property
    def tag(self) -> Tag:
        """The tag of an exception."""
        from zenowasm.backends.wasmtime.externs import Tag

        return Tag(self.store, capi.exception_tag(self.store.raw, self.root))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference) or (self.store, self.kind) != (other.store, other.kind):
            return False
        return self.root.identity(self.store.raw) == other.root.identity(self.store.raw)

    __hash__ = None  # type: ignore[assignment]
    """An object may move, so it has no constant property to hash."""

    def __repr__(self) -> str:
        return f"<{self.kind} reference>"


_FIELDS: Final[Mapping[AbsHeapType, Callable[[wasmtime.Store, capi.Root], capi.RawValues]]] = MappingProxyType(
    {
        AbsHeapType.STRUCT: capi.struct_fields,
        AbsHeapType.ARRAY: capi.array_elements,
        AbsHeapType.EXN: capi.exception_fields,
    }
)


@contextmanager
def empty_values(*types: ValType) -> Iterator[capi.RawValues]:
    """Provide a temporary array of values for wasmtime to fill in."""
    values = capi.new_values(types)
    try:
        yield values
    finally:
        capi.release(values)


@contextmanager
def raw_values(store: Store, types: ResultType, values: Sequence[Value]) -> Iterator[capi.RawValues]:
    """Provide the values in wasmtime's form; raises ``TypeError`` or ``ValueError`` if they do not fit the types."""
    with empty_values(*types) as room:
        for type, value, raw in zip(types, values, room, strict=True):
            lower(store, type, value, raw)
        yield room


@contextmanager
def misfits() -> Iterator[None]:
    """Raise ``TypeError`` if wasmtime rejects a value of a type that a module defines."""
    try:
        yield
    except wasmtime.WasmtimeError as error:
        raise failures.of_value(error) or error from None


def lift(store: Store, type: ValType, raw: Any) -> Value:
    """Convert wasmtime's value to the form of ``interp.runtime.values``, or to a ``Func`` or ``Reference``."""
    if not isinstance(type, RefType):
        return capi.get_number(raw, type)
    if capi.is_null(raw):
        return None
    match top(type.heap):
        case AbsHeapType.FUNC:
            return Func(store, capi.get_function(raw))
        case AbsHeapType.EXN:
            return Reference(store, AbsHeapType.EXN, capi.Root(raw))
        case AbsHeapType.EXTERN:
            item = capi.get_external(store.raw, raw)
            return _lift_object(store, capi.converted(store.raw, raw)) if item is None else item
        case _:
            return _lift_object(store, capi.Root(raw))


def _lift_object(store: Store, root: capi.Root) -> Value:
    """Return the object that an anyref refers to."""
    heap = capi.object_type(store.raw, root.value)
    if heap is AbsHeapType.I31:
        return I31(capi.get_small_integer(store.raw, root.value))
    if heap is AbsHeapType.ANY:
        external = capi.converted(store.raw, root.value)  # keeps the value read below alive
        return capi.get_external(store.raw, external.value)
    return Reference(store, heap, root)


def lower(store: Store, type: ValType, value: Value, raw: Any) -> None:
    """Set ``raw``, which is zero or null, to a value.

    Raises ``TypeError`` or ``ValueError`` if it does not fit the type, ``LimitError`` if the store has no room for
    another host reference. wasmtime checks whether a reference fits a type that a module defines.
    """
    if not isinstance(type, RefType):
        capi.set_number(raw, type, check_value(type, value))
        return
    if not _fits(value, type):
        raise TypeError(f"{type} does not take {value.__class__.__name__}")
    match value:
        case Func() | Reference() if value.store is not store:
            raise ValueError(f"the {'function' if isinstance(value, Func) else value.kind} belongs to another store")
        case Func():
            capi.set_function(raw, value.raw)
        case Reference():
            value.root.put(store.raw, raw)
        case I31():
            capi.set_small_integer(store.raw, raw, value.value)
        case ExternRef():
            try:
                capi.set_external(store.raw, raw, value)
            except wasmtime.WasmtimeError:
                raise LimitError("the host references in the store exceed its limit of memory") from None


def _fits(value: Value, type: RefType) -> bool:
    """Return whether a value fits a type; for a type that a module defines, its abstract supertype."""
    heap: HeapType = kind(type.heap) if isinstance(type.heap, DefType) else type.heap
    match value:
        case None:
            return type.nullable
        case Func():
            found = AbsHeapType.FUNC
        case Reference():
            found = value.kind
        case I31():
            found = AbsHeapType.I31
        case ExternRef():
            return heap in (AbsHeapType.EXTERN, AbsHeapType.ANY)
        case _:
            return False
    # The guest's `extern.convert_any` does not change the object.
    return matches_heaptype(found, heap) or (heap is AbsHeapType.EXTERN and top(found) is AbsHeapType.ANY)
