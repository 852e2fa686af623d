"""What lives in a store: functions, memories, tables and globals, and the values that pass in and out of them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import wasmtime

from zenowasm.backends.wasmtime import capi
from zenowasm.interp.errors import LimitError
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.runtime.values import Value, check_value
from zenowasm.interp.types import (
    FUNCREF,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    ResultType,
    TableType,
    ValType,
)

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.store import Store

_FIRST_CHUNK = 4096
_LAST_CHUNK = 1 << 20
"""Bytes that a search copies at a time: few at first, as most strings are short."""
_INDEX_END = 1 << 32


class Func:
    """A function of a guest or of the host.

    Two objects for the same guest function are equal. A host function that came back through a guest need not equal
    the one that was given to it.
    """

    def __init__(self, store: Store, raw: wasmtime.Func, type: FuncType | None = None) -> None:
        self.store = store
        self.raw = raw
        self._type = type

    @property
    def type(self) -> FuncType:
        """The function's type; raises ``TypeError`` when this backend cannot represent it."""
        if self._type is None:
            found = capi.extern_type(self.raw.type(self.store.raw))
            assert isinstance(found, FuncType)
            self._type = found
        return self._type

    def call(self, *arguments: Value) -> tuple[Value, ...]:
        """Call the function under the store's budget; raises the errors that the protocol names."""
        return self.store.call(self, arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Func) and capi.function_identity(self.raw) == capi.function_identity(other.raw)

    def __hash__(self) -> int:
        return hash(capi.function_identity(self.raw))


class Memory:
    """A linear memory. Every access fetches its address anew, as a memory moves when it grows."""

    def __init__(self, store: Store, raw: wasmtime.Memory) -> None:
        self.store = store
        self.raw = raw

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size in pages."""
        return MemType(Limits(self.size // PAGE_SIZE, self.raw.type(self.store.raw).limits.max))

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return int(self.raw.data_len(self.store.raw))

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes; raises ``IndexError`` when they are not all inside the memory."""
        self._check(address, length)
        return ctypes.string_at(capi.memory_address(self.store.raw, self.raw) + address, length)

    def write(self, address: int, data: bytes) -> None:
        """Write ``data``; raises ``IndexError``, with nothing written, when it does not fit inside the memory."""
        self._check(address, len(data))
        # `memmove` takes no other bytes-like object.
        ctypes.memmove(capi.memory_address(self.store.raw, self.raw) + address, bytes(data), len(data))

    def find(self, byte: int, address: int, end: int) -> int:
        """Return the address of the first ``byte`` in [address, min(end, size)), or -1; ``address`` is not negative."""
        if address < 0:
            raise IndexError(f"address {address} is negative")
        end = min(end, self.size)
        start = capi.memory_address(self.store.raw, self.raw)
        chunk = _FIRST_CHUNK
        while address < end:
            length = min(chunk, end - address)
            found = ctypes.string_at(start + address, length).find(byte)
            if found >= 0:
                return address + found
            address += length
            chunk = min(2 * chunk, _LAST_CHUNK)
        return -1

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the former size in pages, or -1 when a limit forbids it."""
        _check_count(pages)
        if pages >= _INDEX_END:
            return -1
        try:
            return int(self.raw.grow(self.store.raw, pages))
        except wasmtime.WasmtimeError:
            return -1

    def _check(self, address: int, length: int) -> None:
        size = self.size
        if not 0 <= address <= address + length <= size:
            raise IndexError(f"{length} bytes at {address} are not inside the memory of {size} bytes")


class Table:
    """A table of references."""

    def __init__(self, store: Store, raw: wasmtime.Table) -> None:
        self.store = store
        self.raw = raw

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current size, and a maximum of 2**32 - 1 reads as none."""
        declared = capi.extern_type(self.raw.type(self.store.raw))
        assert isinstance(declared, TableType)
        return TableType(declared.element, Limits(self.size, declared.limits.maximum))

    @property
    def size(self) -> int:
        """The current number of elements."""
        return int(self.raw.size(self.store.raw))

    def get(self, index: int) -> Value:
        """Return an element; raises ``IndexError`` outside of the table."""
        self._check(index)
        element = self.type.element
        with empty_values(element) as values:
            capi.table_get(self.store.raw, self.raw, index, values[0])
            return lift(self.store, element, values[0])

    def set(self, index: int, value: Value) -> None:
        """Replace an element; raises ``IndexError`` outside of the table, ``TypeError`` for a wrong value."""
        self._check(index)
        with raw_values(self.store, (self.type.element,), (value,)) as values:
            capi.table_set(self.store.raw, self.raw, index, values[0])

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the former size, or -1 when a limit forbids it."""
        _check_count(count)
        with raw_values(self.store, (self.type.element,), (value,)) as values:
            if count >= _INDEX_END:
                return -1
            try:
                return capi.table_grow(self.store.raw, self.raw, count, values[0])
            except wasmtime.WasmtimeError:
                return -1

    def _check(self, index: int) -> None:
        size = self.size
        if not 0 <= index < size:
            raise IndexError(f"index {index} is not inside the table of {size} elements")


class Global:
    """A global variable."""

    def __init__(self, store: Store, raw: wasmtime.Global) -> None:
        self.store = store
        self.raw = raw

    @property
    def type(self) -> GlobalType:
        """The global's type."""
        found = capi.extern_type(self.raw.type(self.store.raw))
        assert isinstance(found, GlobalType)
        return found

    def get(self) -> Value:
        """Return the value; raises ``TypeError`` when values of its type cannot pass to the host."""
        type = self.type.value
        with empty_values(type) as values:
            capi.global_get(self.store.raw, self.raw, values[0])
            return lift(self.store, type, values[0])

    def set(self, value: Value) -> None:
        """Replace the value; raises ``TypeError`` when the global is immutable or the value does not fit."""
        type = self.type
        if not type.mutable:
            raise TypeError("the global is immutable")
        with raw_values(self.store, (type.value,), (value,)) as values:
            capi.global_set(self.store.raw, self.raw, values[0])


def wrap(store: Store, raw: Any) -> Func | Memory | Table | Global:
    """Return this backend's object for one of wasmtime-py's; raises ``TypeError`` when there is none."""
    match raw:
        case wasmtime.Func():
            return Func(store, raw)
        case wasmtime.Memory():
            return Memory(store, raw)
        case wasmtime.Table():
            return Table(store, raw)
        case wasmtime.Global():
            return Global(store, raw)
    raise TypeError(f"the wasmtime backend cannot represent a {raw.__class__.__name__}")


@contextmanager
def empty_values(*types: ValType) -> Iterator[capi.RawValues]:
    """Lend room for values that wasmtime will fill in; raises ``TypeError`` when they cannot pass."""
    capi.check_passable(*types)
    values = capi.new_values(types)
    try:
        yield values
    finally:
        capi.release(values)


@contextmanager
def raw_values(store: Store, types: ResultType, values: Sequence[Value]) -> Iterator[capi.RawValues]:
    """Lend the values in wasmtime's form; raises ``TypeError`` or ``ValueError`` when they do not fit the types."""
    with empty_values(*types) as room:
        for type, value, raw in zip(types, values, room, strict=True):
            lower(store, type, value, raw)
        yield room


def lift(store: Store, type: ValType, raw: Any) -> Value:
    """Return a value of wasmtime's as ``interp.runtime.values`` represents it."""
    if not isinstance(type, RefType):
        return capi.get_number(raw, type)
    if type == FUNCREF:
        function = capi.get_function(raw)
        return None if function is None else Func(store, function)
    return capi.get_external(store.raw, raw)


def lower(store: Store, type: ValType, value: Value, raw: Any) -> None:
    """Set ``raw``, which is zero or null, to a value.

    Raises ``TypeError`` or ``ValueError`` when it does not fit the type, ``LimitError`` when the store has no room
    for one more host reference.
    """
    if not isinstance(type, RefType):
        capi.set_number(raw, type, check_value(type, value))
    elif value is None:
        return
    elif type == FUNCREF:
        capi.set_function(raw, _own(store, value).raw)
    else:
        try:
            capi.set_external(store.raw, raw, check_value(type, value))
        except wasmtime.WasmtimeError:
            raise LimitError("the host references in the store exceed its limit of memory") from None


def _own(store: Store, value: Value) -> Func:
    if not isinstance(value, Func):
        raise TypeError(f"funcref takes a function of the wasmtime backend, not {value.__class__.__name__}")
    if value.store is not store:
        raise ValueError("the function belongs to another store")
    return value


def _check_count(count: int) -> None:
    if count < 0:
        raise ValueError(f"cannot grow by {count}")
