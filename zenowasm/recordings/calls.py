"""The frequent paths of a recorded store: calls in both directions, and what the host reads and writes.

Each is one closure, which adds the words of an event to the stream's list and does nothing else: the recorder's thread
converts, compresses and writes them. A slot call takes about ten of these paths, a host call one to four.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from zlib import crc32

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Caller, FuncType, HostBody, Value
from zenowasm.interp.mistakes import argument_count
from zenowasm.interp.types import I32
from zenowasm.recordings.events import (
    CALL,
    FUEL,
    HOST_CALL,
    HOST_RETURN,
    MOST_DATA,
    NUMBER,
    READ,
    RETURN,
    WIDE_READ,
    WIDE_WRITE,
    WORD,
    WRITE,
    Layout,
)

if TYPE_CHECKING:
    from zenowasm.recordings.store import RecordedStore

MOST_WORDS: Final = 8_192
"""The words of events after which a call writes them itself: more would leave the processor's caches."""
LARGE: Final = 1 << 12
"""The bytes of data that are written at once, so that a frame stays small."""


class RecordedCaller:
    """The instance that called a recorded host function."""

    __slots__ = ("_raw", "_store")

    def __init__(self, store: weakref.ref[RecordedStore], raw: Caller) -> None:
        self._store = store
        self._raw = raw

    def export(self, name: str) -> protocol.Extern | None:
        """Return the calling instance's export of that name, or ``None``."""
        return _store(self._store).caller_export(self._raw, name)


def guest_entry(store: RecordedStore, raw: protocol.Func, number: int) -> Callable[..., tuple[Value, ...]]:
    """Return a function that calls a guest function and records the call."""
    type = raw.type
    parameters, results_layout = Layout.of(type.parameters), Layout.of(type.results)
    if parameters is None or results_layout is None:
        return _general_entry(store, raw, number)
    extend, viewed, call_raw, order = store.stream.words.extend, store.viewed, raw.call, store.recorder.order
    called, returned, count = CALL | number << NUMBER, RETURN, len(type.parameters)

    def call(*arguments: Value) -> tuple[Value, ...]:
        if len(arguments) != count:
            raise argument_count(type, len(arguments))
        if viewed:
            store.settle_views()
        extend((called, order(), *arguments))
        try:
            results = call_raw(*arguments)
        except BaseException as error:
            store.call_failed(error)
            raise
        extend((returned, *results))
        if viewed:
            store.look_at_views()
        return results

    to_words, results_to_words, fuel = parameters.to_words, results_layout.to_words, store.fuel
    if to_words is None and results_to_words is None and fuel is None:
        return call

    def call_with_conversion(*arguments: Value) -> tuple[Value, ...]:
        if len(arguments) != count:
            raise argument_count(type, len(arguments))
        store.settle_views()
        extend((called, order(), *(arguments if to_words is None else store.words(to_words, type, arguments))))
        try:
            results = call_raw(*arguments)
        except BaseException as error:
            store.call_failed(error)
            raise
        extend((returned, *(results if results_to_words is None else results_to_words(results))))
        if fuel is not None:
            extend(fuel())
        store.look_at_views()
        return results

    return call_with_conversion


def _general_entry(store: RecordedStore, raw: protocol.Func, number: int) -> Callable[..., tuple[Value, ...]]:
    """Return such a function for a type that has other values than numbers."""
    values = store.values

    def call(*arguments: Value) -> tuple[Value, ...]:
        store.settle_views()
        given = [values.given(it) for it in arguments]
        store.note("call", id=number, order=store.recorder.order(), arguments=given)
        try:
            results = raw.call(*(values.lowered(it) for it in arguments))
        except BaseException as error:
            store.call_failed(error)
            raise
        store.note("return", results=[values.taken(it) for it in results])
        store.note_fuel()
        store.look_at_views()
        return tuple(values.lifted(it) for it in results)

    return call


def host_entry(store: RecordedStore, number: int, type: FuncType, body: HostBody) -> HostBody:
    """Return the body of a host function, which records its calls."""
    parameters, results_layout = Layout.of(type.parameters), Layout.of(type.results)
    if parameters is None or results_layout is None:
        return _general_host_entry(store, number, type, body)
    stream, viewed = store.stream, store.viewed
    log = stream.words
    extend = log.extend
    to_words, results_to_words = parameters.to_words, results_layout.to_words
    called, returned, count = HOST_CALL | number << NUMBER, HOST_RETURN, len(type.results)
    reference = weakref.ref(store)  # the engine's store owns this function: a strong reference would be a cycle
    raw: Caller | None = None
    wrapped: RecordedCaller | None = None

    def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        nonlocal raw, wrapped
        extend((called, *(arguments if to_words is None else to_words(arguments))))
        if caller is not raw:
            raw, wrapped = caller, RecordedCaller(reference, caller)
        if viewed:
            _store(reference).look_at_views()
        try:
            results = body(wrapped, arguments)  # type: ignore[arg-type]
            if len(results) != count:
                raise TypeError(f"a host function of type {type} returned {len(results)} results")
        except BaseException as error:
            _store(reference).host_failed(error)
            raise
        if viewed:
            _store(reference).settle_views()
        if results_to_words is None:
            extend((returned, *results))
        else:
            extend((returned, *_store(reference).words(results_to_words, type, results)))
        if len(log) > MOST_WORDS:
            _store(reference).recorder.drain(stream)
        return results

    return call


def _general_host_entry(store: RecordedStore, number: int, type: FuncType, body: HostBody) -> HostBody:
    """Return such a body for a type that has other values than numbers."""
    reference = weakref.ref(store)

    def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        this = _store(reference)
        values = this.values
        this.note("host_call", id=number, arguments=[values.taken(it) for it in arguments])
        this.look_at_views()
        try:
            results = body(RecordedCaller(reference, caller), tuple(values.lifted(it) for it in arguments))
            if len(results) != len(type.results):
                raise TypeError(f"a host function of type {type} returned {len(results)} results")
        except BaseException as error:
            this.host_failed(error)
            raise
        this.settle_views()
        this.note("host_return", results=[values.given(it) for it in results])
        return [values.lowered(it) for it in results]

    return call


def reader(store: RecordedStore, raw: protocol.Memory, number: int) -> Callable[[int, int], bytes]:
    """Return the ``read`` of a memory, which records the digest of the bytes."""
    read_raw, extend, is_wide = raw.read, store.stream.words.extend, raw.type.address is not I32
    word = (WIDE_READ if is_wide else READ) | number << NUMBER

    def read(address: int, length: int) -> bytes:
        data = read_raw(address, length)
        if store.secret or length > WORD:
            return data
        if is_wide:
            extend((word, address & WORD, address >> 32, length, crc32(data)))
        else:
            extend((word, address, length, crc32(data)))
        return data

    return read


def writer(store: RecordedStore, raw: protocol.Memory, number: int) -> Callable[[int, bytes], None]:
    """Return the ``write`` of a memory, which records the bytes."""
    write_raw, stream, is_wide = raw.write, store.stream, raw.type.address is not I32
    log = stream.words
    extend, add_data, word = log.extend, stream.data.append, WRITE | number << NUMBER

    def write(address: int, data: bytes) -> None:
        write_raw(address, data)
        length = len(data)
        if length >= LARGE or is_wide or store.secrets is not None or data.__class__ is not bytes:
            record_write(store, number, address, bytes(data), is_wide=is_wide)
            return
        add_data(data)
        extend((word, address, length))
        if len(log) > MOST_WORDS:
            store.recorder.drain(stream)

    return write


def record_write(store: RecordedStore, number: int, address: int, data: bytes, *, is_wide: bool) -> None:
    """Record a write of any length, without secrets."""
    stream = store.stream
    if store.secrets is not None:
        data, masked = store.secrets.masked(data)
        if masked:
            store.secret = True
            store.note("masked", id=number, address=address, values=masked)
    for at in range(address, address + len(data), MOST_DATA):
        part = data[at - address : at - address + MOST_DATA]
        stream.data.append(part)
        if is_wide:
            stream.words.extend((WIDE_WRITE | number << NUMBER, at & WORD, at >> 32, len(part)))
        else:
            stream.words.extend((WRITE | number << NUMBER, at, len(part)))
        if len(part) >= LARGE or len(stream.words) > MOST_WORDS:
            store.recorder.drain(stream)


def _store(reference: weakref.ref[RecordedStore]) -> RecordedStore:
    found = reference()
    assert found is not None
    return found


def fuel_event(raw: protocol.Store) -> tuple[int, int, int]:
    """Return the event of the consumed fuel."""
    fuel = raw.fuel_consumed or 0
    return FUEL, fuel & WORD, fuel >> 32
