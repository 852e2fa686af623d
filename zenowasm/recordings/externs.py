"""Recorded functions, memories, tables, globals and tags: the protocol's objects, each with its own number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from zenowasm.backends import protocol
from zenowasm.backends.protocol import FuncType, GlobalType, MemType, TableType, TagType, Value
from zenowasm.backends.type_json import DefinedTypeError, type_to_json
from zenowasm.interp.types import I32, ExternType
from zenowasm.recordings.calls import guest_entry, reader, record_write, writer

if TYPE_CHECKING:
    from zenowasm.recordings.store import RecordedStore

_VIEWED: Final = 1 << 16
"""The bytes of a memory that are compared at once."""


class RecordedFunc:
    """A recorded function; two for the same function are equal."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Func = raw
        self.number = number

    @cached_property
    def call(self) -> Callable[..., tuple[Value, ...]]:
        """Call the function and record the call."""
        return guest_entry(self.store, self.raw, self.number)

    @property
    def type(self) -> FuncType:
        """The function's type."""
        return self.raw.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedFunc) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class RecordedMemory:
    """A recorded memory; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Memory = raw
        self.number = number
        self.find = self.raw.find
        self.read: Callable[[int, int], bytes] = reader(store, self.raw, number)
        self.write: Callable[[int, bytes], None] = writer(store, self.raw, number)
        self._before = b""

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size."""
        return self.raw.type

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return self.raw.size

    def view(self) -> memoryview:
        """Return the current bytes, writable and without a copy.

        From now on, the memory is compared before and after each of the guest's turns, to find the host's changes.
        """
        view = self.raw.view()
        if self not in self.store.viewed:
            self.store.viewed.append(self)
            self.remember()
        return view

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB; return the previous size in pages, or -1 if a limit forbids it."""
        result = self.raw.grow(pages)
        self.store.note("grow", id=self.number, count=pages, result=result)
        return result

    def remember(self) -> None:
        """Remember the bytes."""
        self._before = self.raw.read(0, self.raw.size)

    def settle(self) -> None:
        """Record the bytes that differ from the remembered ones."""
        now = self.raw.read(0, self.raw.size)
        before = self._before.ljust(len(now), b"\0")
        for at in range(0, len(now), _VIEWED):
            old, new = before[at : at + _VIEWED], now[at : at + _VIEWED]
            if old != new:
                first, end = _changed(old, new)
                is_wide = self.type.address is not I32
                record_write(self.store, self.number, at + first, new[first:end], is_wide=is_wide)
        self._before = now


class RecordedTable:
    """A recorded table; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Table = raw
        self.number = number

    @property
    def type(self) -> TableType:
        """The table's type; its minimum is the current size."""
        return self.raw.type

    @property
    def size(self) -> int:
        """The current number of elements."""
        return self.raw.size

    def get(self, index: int) -> Value:
        """Return an element."""
        value = self.raw.get(index)
        self.store.note("table_get", id=self.number, index=index, value=self.store.values.taken(value))
        return self.store.values.lifted(value)

    def set(self, index: int, value: Value) -> None:
        """Replace an element."""
        self.raw.set(index, self.store.values.lowered(value))
        self.store.note("table_set", id=self.number, index=index, value=self.store.values.given(value))

    def grow(self, count: int, value: Value) -> int:
        """Add ``count`` elements; return the previous size, or -1 if a limit forbids it."""
        result = self.raw.grow(count, self.store.values.lowered(value))
        given = self.store.values.given(value)
        self.store.note("table_grow", id=self.number, count=count, value=given, result=result)
        return result


class RecordedGlobal:
    """A recorded global; its methods are as in the protocol."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Global = raw
        self.number = number

    @property
    def type(self) -> GlobalType:
        """The global's type."""
        return self.raw.type

    def get(self) -> Value:
        """Return the value."""
        value = self.raw.get()
        self.store.note("global_get", id=self.number, value=self.store.values.taken(value))
        return self.store.values.lifted(value)

    def set(self, value: Value) -> None:
        """Replace the value."""
        self.raw.set(self.store.values.lowered(value))
        self.store.note("global_set", id=self.number, value=self.store.values.given(value))


class RecordedTag:
    """A recorded tag."""

    def __init__(self, store: RecordedStore, raw: Any, number: int) -> None:
        self.store = store
        self.raw: protocol.Tag = raw
        self.number = number

    @property
    def type(self) -> TagType:
        """The tag's type."""
        return self.raw.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedTag) and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]


RecordedExtern: TypeAlias = RecordedFunc | RecordedMemory | RecordedTable | RecordedGlobal | RecordedTag

CLASSES: Final[Mapping[type, type[RecordedMemory | RecordedTable | RecordedGlobal | RecordedTag]]] = {
    MemType: RecordedMemory,
    TableType: RecordedTable,
    GlobalType: RecordedGlobal,
    TagType: RecordedTag,
}
_KINDS: Final[Mapping[type, str]] = {
    RecordedFunc: "function",
    RecordedMemory: "memory",
    RecordedTable: "table",
    RecordedGlobal: "global",
    RecordedTag: "tag",
}


@frozen(eq=False)
class RecordedInstance:
    """A recorded instance."""

    exports: Mapping[str, protocol.Extern]


class Exports(Mapping[str, Any]):
    """The exports of an instance. Each is recorded when it is first used: a module may have thousands."""

    def __init__(self, store: RecordedStore, raw: protocol.Instance, number: int) -> None:
        self._store = store
        self._raw = raw.exports
        self._number = number
        self._used: dict[str, RecordedExtern] = {}

    def __getitem__(self, name: str) -> RecordedExtern:
        found = self._used.get(name)
        if found is None:
            store = self._store
            found = self._used[name] = store.values.wrapped(self._raw[name])
            store.note("export", instance=self._number, name=name, **identity_of(found))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def recorded(extern: protocol.Extern | None) -> RecordedExtern | None:
    """Return an extern if it is recorded, ``None`` for every other."""
    return extern if isinstance(extern, RecordedExtern) else None


def lowered(extern: protocol.Extern) -> protocol.Extern:
    """Return the engine's own form of an extern."""
    return extern.raw if isinstance(extern, RecordedExtern) else extern


def identity_of(it: RecordedExtern) -> dict[str, Any]:
    """Return the number and the kind of an object."""
    return {"id": it.number, "kind": _KINDS[type(it)]}


def json_of(type: ExternType) -> list[Any] | None:
    """Return a type as JSON, or ``None`` if a module defines a part of it."""
    try:
        return type_to_json(type)
    except DefinedTypeError:
        return None


def _changed(old: bytes, new: bytes) -> tuple[int, int]:
    """Return the first changed byte and the end of the last one, of two blocks that differ."""
    different = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    first = ((different & -different).bit_length() - 1) // 8
    return first, (different.bit_length() + 7) // 8
