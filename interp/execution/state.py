"""The state of a store and of one execution in it, saved between two instructions, restored and compared.

A saved state shares with the state before it the pages of memory that are equal. Restoring changes the store's objects
in place, so that whoever holds a memory, a table or a global goes on to see it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from zenowasm.interp.execution.arming import ArmedCode
from zenowasm.interp.execution.code import code_of
from zenowasm.interp.execution.configuration import Configuration, Frame
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.runtime.instances import FunctionInstance, GlobalInstance, ModuleInstance
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.quota import Quota
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import (
    FIELD_BYTES,
    I31,
    Aggregate,
    ArrayInstance,
    ExceptionInstance,
    ExternRef,
    StructInstance,
    Value,
)

Pages: TypeAlias = tuple[bytes, ...]
"""The contents of a memory, in pages of 64 KiB."""

_ANY_NUMBER: Final = 1 << 62


@frozen(eq=False)
class SavedFrame:
    """An active call."""

    function: FunctionInstance
    pc: int
    locals: Sequence[Value]
    stack: Sequence[Value]
    depth: int
    values: int


@frozen(eq=False)
class Segments:
    """The segments of an instance that have not been dropped."""

    elements: Sequence[Sequence[Value]]
    data: Sequence[bytes]


@frozen(eq=False)
class State:
    """A saved state. ``frames`` begin with the outermost call; ``held`` are the values that the embedder keeps."""

    memories: Mapping[MemoryInstance, Pages]
    tables: Mapping[TableInstance, Sequence[Value]]
    globals: Mapping[GlobalInstance, Value]
    segments: Mapping[ModuleInstance, Segments]
    frames: Sequence[SavedFrame]
    held: Sequence[Value]
    fuel: int
    memory_left: int
    table_left: int

    @property
    def size(self) -> int:
        """The bytes that it holds, approximately, also those that it shares with other states."""
        pages = sum(len(page) for it in self.memories.values() for page in it)
        return pages + FIELD_BYTES * sum(map(len, self.tables.values()))

    def digest(self) -> str:
        """Return a hash that is equal for equal states of the same replay: contents, values, positions and fuel."""
        return _Digest(self).text()


def save(
    store: Store,
    configuration: Configuration | None,
    instances: Iterable[ModuleInstance],
    held: Sequence[Value] = (),
    former: State | None = None,
) -> State:
    """Save the state of instances, of the objects among ``held``, and of an outermost execution that is paused."""
    frames = [] if configuration is None else list(configuration.frames())[::-1]
    instances = dict.fromkeys([*instances, *(it.module for it in frames)])
    memories = dict.fromkeys(it for module in instances for it in module.memories)
    tables = dict.fromkeys(it for module in instances for it in module.tables)
    globals_ = dict.fromkeys(it for module in instances for it in module.globals)
    memories |= dict.fromkeys(it for it in held if isinstance(it, MemoryInstance))
    tables |= dict.fromkeys(it for it in held if isinstance(it, TableInstance))
    globals_ |= dict.fromkeys(it for it in held if isinstance(it, GlobalInstance))
    known = {} if former is None else former.memories
    copies = _Copies(Quota(_ANY_NUMBER, "bytes of saved aggregates"))
    return State(
        {it: _pages(it.data, known.get(it, ())) for it in memories},
        {it: copies.of_all(it.elements) for it in tables},
        dict(zip(globals_, copies.of_all([it.value for it in globals_]), strict=True)),
        {it: Segments([copies.of_all(values) for values in it.elements], tuple(it.data)) for it in instances},
        [
            SavedFrame(it.function, it.pc, copies.of_all(it.locals), copies.of_all(it.stack), it.depth, it.values)
            for it in frames
        ],
        copies.of_all(held),
        store.settled_fuel if configuration is None else configuration.fuel_consumed,
        store.memory_quota.left,
        store.table_quota.left,
    )


def restore(store: Store, state: State) -> tuple[Configuration | None, Sequence[Value]]:
    """Restore a saved state; return its execution, which ``interpreter.resume`` continues, and the held values."""
    quota = Quota(store.limits.heap_bytes, store.heap_quota.what)
    copies = _Copies(quota)
    for memory, pages in state.memories.items():
        _write_pages(memory, pages)
    for table, elements in state.tables.items():
        table.elements[:] = copies.of_all(elements)
    for global_, value in zip(state.globals, copies.of_all(list(state.globals.values())), strict=True):
        global_.value = value
    for instance, segments in state.segments.items():
        instance.elements[:] = [copies.of_all(it) for it in segments.elements]
        instance.data[:] = segments.data
    configuration = _configuration(store, state.frames, copies)
    held = copies.of_all(state.held)
    # Aggregates that only later states have may be collected at any time; they no longer count.
    quota.left -= copies.unpaid
    store.heap_quota = quota
    store.settled_fuel = state.fuel
    store.memory_quota.left, store.table_quota.left = state.memory_left, state.table_left
    store.checkpoint_fuel = -1
    store.depth = store.values = store.nesting = 0
    return configuration, held


def _configuration(store: Store, frames: Sequence[SavedFrame], copies: _Copies) -> Configuration | None:
    if not frames:
        return None
    configuration = Configuration(store)
    for saved in frames:
        frame = Frame()
        frame.configuration, frame.store, frame.caller = configuration, store, configuration.frame
        frame.depth, frame.values = saved.depth, saved.values
        frame.function, frame.module = saved.function, saved.function.module
        frame.code = code = saved.function.code or code_of(saved.function)
        frame.fused = code.within if saved.pc and isinstance(code, ArmedCode) else code.fused
        frame.locals, frame.stack = copies.of_all(saved.locals), copies.of_all(saved.stack)
        frame.pc = saved.pc
        configuration.frame = frame
    return configuration


def _pages(data: bytearray, former: Pages) -> Pages:
    found = []
    with memoryview(data) as view:
        for number, start in enumerate(range(0, len(data), PAGE_SIZE)):
            page = view[start : start + PAGE_SIZE]
            known = former[number] if number < len(former) else b""
            found.append(known if page == known else bytes(page))
    return tuple(found)


def _write_pages(memory: MemoryInstance, pages: Pages) -> None:
    if len(memory.data) != len(pages) * PAGE_SIZE:
        memory.data = bytearray(b"".join(pages))  # another object, since views of this one may be in use
        return
    data = memory.data
    for number, page in enumerate(pages):
        start = number * PAGE_SIZE
        if data[start : start + PAGE_SIZE] != page:
            data[start : start + PAGE_SIZE] = page


class _Copies:
    """Copies of values; an object is copied once, so that equal references stay equal."""

    def __init__(self, quota: Quota) -> None:
        self.unpaid = 0
        """The units of the quota for fields, which the copies of aggregates get only after they are made."""
        self._quota = quota
        self._copies: dict[int, Any] = {}
        self._originals: list[Any] = []

    def of_all(self, values: Sequence[Value]) -> list[Value]:
        if _COPIED.isdisjoint(map(type, values)):
            return list(values)
        waiting: list[tuple[Any, Sequence[Value]]] = []
        found = [self._of(it, waiting) for it in values]
        while waiting:  # not recursion: a list may be long
            copy, fields = waiting.pop()
            copied = [self._of(it, waiting) for it in fields]
            if isinstance(copy, Aggregate):
                copy.fields = copied
            else:
                object.__setattr__(copy, "fields", tuple(copied))  # a frozen class, whose fields come later here
        return found

    def _of(self, value: Value, waiting: list[tuple[Any, Sequence[Value]]]) -> Value:
        if type(value) not in _COPIED:
            return value
        copy = self._copies.get(id(value))
        if copy is None:
            if isinstance(value, ExceptionInstance):
                copy = ExceptionInstance(value.tag, ())
            else:
                copy = type(value)(value.deftype, [], self._quota)
                self.unpaid += FIELD_BYTES * len(value.fields)
            self._copies[id(value)] = copy
            self._originals.append(value)  # alive, so that no other object gets its id
            waiting.append((copy, value.fields))
        return copy


class _Digest:
    """Hashes a state; an object counts as the position at which it is met first."""

    def __init__(self, state: State) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._numbers: dict[int, int] = {}
        self._waiting: list[Any] = []
        self._number(state.fuel, state.memory_left, state.table_left)
        for memory, pages in state.memories.items():
            self._object(memory)
            for page in pages:
                self._hash.update(page)
        for table, elements in state.tables.items():
            self._object(table)
            self._values(elements)
        for instance in state.segments:
            self._object(instance)
        self._values(list(state.globals.values()))
        for segments in state.segments.values():
            for values in segments.elements:
                self._values(values)
            self._number(*map(len, segments.data))
        for frame in state.frames:
            self._values([frame.function])
            self._number(frame.pc, frame.depth, frame.values)
            self._values(frame.locals)
            self._values(frame.stack)

    def text(self) -> str:
        """Return the hash in hexadecimal, after the fields of all objects."""
        while self._waiting:
            self._values(self._waiting.pop().fields)
        return self._hash.hexdigest()

    def _number(self, *numbers: int) -> None:
        self._hash.update(repr(numbers).encode())

    def _object(self, value: object) -> None:
        if id(value) not in self._numbers and isinstance(value, Aggregate | ExceptionInstance):
            self._waiting.append(value)
        self._number(self._numbers.setdefault(id(value), len(self._numbers)))

    def _values(self, values: Sequence[Value]) -> None:
        self._number(len(values))
        if _PLAIN.issuperset(map(type, values)):
            self._hash.update(repr(values).encode())
            return
        for value in values:
            match value:
                case float():
                    self._hash.update(struct.pack("<cd", b"f", value))
                case None | int() | I31():
                    self._hash.update(repr(value).encode())
                case ExternRef():
                    self._hash.update(repr(value.value).encode())
                case FunctionInstance():
                    self._object(value.module)
                    self._number(value.index)
                case _:
                    self._object(value)


_COPIED: Final = {StructInstance, ArrayInstance, ExceptionInstance}
_PLAIN: Final = {int, type(None)}
