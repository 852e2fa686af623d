"""Objects in a store other than functions: memories, tables, globals and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import wasmtime

from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.values import Func, empty_values, lift, misfits, raw_values
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.mistakes import outside_memory, outside_table
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.types import (
    I32,
    I64,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    TableType,
    TagType,
)

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.store import Store

_FIRST_CHUNK = 256
_LAST_CHUNK = 1 << 20
"""The maximum number of bytes that a search copies at a time; it begins with few, since most strings are short."""
_INDEX_END = 1 << 32


class Memory:
    """A linear memory.

    The bytes of a 32-bit memory are looked up again only for an access beyond the known ones: the engine reserves the
    whole address space for its growth, so it never moves. A 64-bit memory may move.
    """

    def __init__(self, store: Store, raw: wasmtime.Memory) -> None:
        self.store = store
        self.raw = raw
        self._view = capi.MemoryView(store.raw, raw)
        self._bytes = memoryview(b"")

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size in pages."""
        declared = self._declared
        return MemType(Limits(self.size // PAGE_SIZE, declared.limits.maximum), declared.address)

    @property
    def _declared(self) -> MemType:
        identity = capi.memory_identity(self.raw)
        known = self.store.types.memories.get(identity)
        if known is None:
            raw = self.raw.type(self.store.raw)
            known = MemType(Limits(raw.limits.min, raw.limits.max), I64 if raw.is_64 else I32)
            self.store.types.memories[identity] = known
        return known

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return self._view.size()

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes; raises ``IndexError`` if they are not all inside the memory."""
        if address >= 0 and length > 0:
            data = self._bytes[address : address + length].tobytes()
            if len(data) == length:
                return data
        return self._refreshed(address, length)[address : address + length].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Write ``data``; raises ``IndexError``, without writing anything, if it does not fit inside the memory."""
        end = address + len(data)
        known = self._bytes
        if address < 0 or end > len(known):
            known = self._refreshed(address, len(data))
        known[address:end] = data

    def find(self, byte: int, address: int, end: int) -> int:
        """Return the address of the first ``byte`` in [address, min(end, size)), or -1; ``address`` is not negative."""
        if address < 0:
            raise IndexError(f"address {address} is negative")
        known = self._bytes
        chunk = _FIRST_CHUNK
        while address < end:
            if address >= len(known):
                known = self._refreshed(0, 0)
                end = min(end, len(known))
            part = known[address : min(address + chunk, end)].tobytes()
            found = part.find(byte)
            if found >= 0:
                return address + found
            address += len(part)
            chunk = min(2 * chunk, _LAST_CHUNK)
        return -1

    def view(self) -> memoryview:
        """Return a writable view of the current bytes, without copying; the view keeps the store alive.

        Raises ``BufferError`` for a 64-bit memory that can grow, since it may move.
        """
        declared = self._declared
        if declared.address is I64 and declared.limits.maximum != self.size // PAGE_SIZE:
            raise BufferError(
                "a 64-bit memory may move when it grows, so that it has no view: read and write it instead"
            )
        return self._view.bytes(self.store)

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the previous size in pages, or -1 if a limit forbids it."""
        _check_count(pages)
        quota = self.store.quotas.memory
        if pages >= _INDEX_END or not quota.take(pages * PAGE_SIZE):
            return -1
        try:
            return int(self.raw.grow(self.store.raw, pages))
        except wasmtime.WasmtimeError:
            quota.left += pages * PAGE_SIZE
            return -1

    def _refreshed(self, address: int, length: int) -> memoryview:
        """Return the current bytes; raises ``IndexError`` if the access at ``address`` is not inside them."""
        known = self._view.bytes()
        if self._declared.address is I32:
            self._bytes = known
        if not 0 <= address <= address + length <= len(known):
            raise outside_memory(address, length, len(known))
        return known


class Table:
    """A table of references."""

    def __init__(self, store: Store, raw: wasmtime.Table, type: TableType | None = None) -> None:
        self.store = store
        self.raw = raw
        if type is not None:
            store.types.tables.setdefault(capi.table_identity(raw), type)

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current size.

        Raises ``TypeError`` for a table of an instance whose start function is still running.
        """
        declared = self._declared
        if declared is None:
            raise TypeError("the wasmtime backend does not know a table's type before its instance is complete")
        return TableType(declared.element, Limits(self.size, declared.limits.maximum), declared.address)

    @property
    def size(self) -> int:
        """The current number of elements."""
        return int(self.raw.size(self.store.raw))

    def get(self, index: int) -> Value:
        """Return an element; raises ``IndexError`` outside the table."""
        self._check(index)
        with empty_values(self._element) as values:
            capi.table_get(self.store.raw, self.raw, index, values[0])
            return lift(self.store, self._element, values[0])

    def set(self, index: int, value: Value) -> None:
        """Replace an element; raises ``IndexError`` outside the table, ``TypeError`` for a wrong value."""
        self._check(index)
        with raw_values(self.store, (self._element,), (value,)) as values, misfits():
            capi.table_set(self.store.raw, self.raw, index, values[0])

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the previous size, or -1 if a limit forbids it."""
        _check_count(count)
        with raw_values(self.store, (self._element,), (value,)) as values:
            quota = self.store.quotas.table
            if count >= _INDEX_END or not quota.take(count):
                return -1
            try:
                with misfits():
                    return capi.table_grow(self.store.raw, self.raw, count, values[0])
            except wasmtime.WasmtimeError:
                quota.left += count
                return -1

    @property
    def _declared(self) -> TableType | None:
        return self.store.types.tables.get(capi.table_identity(self.raw))

    @property
    def _element(self) -> RefType:
        declared = self._declared
        element = capi.value_type(self.raw.type(self.store.raw).element) if declared is None else declared.element
        assert isinstance(element, RefType)
        return element

    def _check(self, index: int) -> None:
        size = self.size
        if not 0 <= index < size:
            raise outside_table(index, size)


class Global:
    """A global variable."""

    def __init__(self, store: Store, raw: wasmtime.Global, type: GlobalType | None = None) -> None:
        self.store = store
        self.raw = raw
        self._type = type

    @property
    def type(self) -> GlobalType:
        """The global's type, with the same restriction as ``Func.type``."""
        if self._type is None:
            declared = self.raw.type(self.store.raw)
            self._type = GlobalType(capi.value_type(declared.content), bool(declared.mutable))
        return self._type

    def get(self) -> Value:
        """Return the value."""
        type = self.type.value
        with empty_values(type) as values:
            capi.global_get(self.store.raw, self.raw, values[0])
            return lift(self.store, type, values[0])

    def set(self, value: Value) -> None:
        """Replace the value; raises ``TypeError`` if the global is immutable or the value does not fit."""
        type = self.type
        if not type.mutable:
            raise TypeError("the global is immutable")
        with raw_values(self.store, (type.value,), (value,)) as values, misfits():
            capi.global_set(self.store.raw, self.raw, values[0])


class Tag:
    """A tag of exceptions."""

    def __init__(self, store: Store, raw: wasmtime.Tag, type: TagType | None = None) -> None:
        self.store = store
        self.raw = raw
        self._type = type

    @property
    def type(self) -> TagType:
        """The tag's type, with the same restriction as ``Func.type``."""
        if self._type is None:
            self._type = TagType(capi.function_type(self.raw.type(self.store.raw).functype))
        return self._type

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tag) or other.store is not self.store:
            return False
        return bool(self.raw.eq(self.store.raw, other.raw))

    __hash__ = None  # type: ignore[assignment]


Extern: TypeAlias = Func | Memory | Table | Global | Tag


def wrap(store: Store, raw: Any, type: ExternType | None = None) -> Extern:
    """Return this backend's object for one of wasmtime-py's; ``type`` is its type if a module declares it.

    Raises ``TypeError`` if this backend has no such object.
    """
    match raw, type:
        case wasmtime.Func(), FuncType() | None:
            return Func(store, raw, type)
        case wasmtime.Memory(), MemType() | None:
            return Memory(store, raw)
        case wasmtime.Table(), TableType() | None:
            return Table(store, raw, type)
        case wasmtime.Global(), GlobalType() | None:
            return Global(store, raw, type)
        case wasmtime.Tag(), TagType() | None:
            return Tag(store, raw, type)
    raise TypeError(f"the wasmtime backend cannot represent a {raw.__class__.__name__}")


def _check_count(count: int) -> None:
    if count < 0:
        raise ValueError(f"cannot grow by {count}")
