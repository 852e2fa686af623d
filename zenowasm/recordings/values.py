"""The values and objects that cross the border of a recorded store, and their form in events."""

from __future__ import annotations

import struct
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from zenowasm.backends import protocol
from zenowasm.backends.protocol import ExternRef, FuncType, Value
from zenowasm.interp.runtime.values import I31
from zenowasm.recordings.externs import CLASSES, RecordedExtern, RecordedFunc, json_of

if TYPE_CHECKING:
    from zenowasm.recordings.store import RecordedStore


class Values:
    """The numbers of the objects that cross a store's border, and their form in events.

    A number or null is itself, a float its bits, and everything else an object with a number.
    """

    def __init__(self, store: RecordedStore) -> None:
        self._store = weakref.ref(store)
        self.functions: dict[Any, RecordedFunc] = {}
        self._objects: dict[int, tuple[object, int]] = {}
        self._last = 0

    def new_number(self) -> int:
        """Return the number of a new object."""
        self._last += 1
        return self._last

    def wrapped(self, raw: protocol.Extern) -> RecordedExtern:
        """Return the recorded form of an export."""
        store = self._store()
        assert store is not None
        if isinstance(raw.type, FuncType):
            return self._function(raw, store)
        for type, cls in CLASSES.items():
            if isinstance(raw.type, type):
                return cls(store, raw, self.new_number())
        raise TypeError(f"no export: {raw!r}")

    def lifted(self, value: Value) -> Value:
        """Return a value from the guest as the embedder receives it."""
        if self._is_function(value):
            store = self._store()
            assert store is not None
            return self._function(value, store)
        return value

    def lowered(self, value: Value) -> Value:
        """Return the engine's form of a value from the embedder."""
        return value.raw if isinstance(value, RecordedFunc) else value

    def given(self, value: Value) -> Any:
        """Return the form in events of a value from the host."""
        if isinstance(value, ExternRef):
            return {"host": self._object(value)[0]}
        return self.taken(value)

    def taken(self, value: Value) -> Any:
        """Return the form in events of a value from the guest."""
        match value:
            case None | int():
                return value
            case float():
                return {"float": struct.pack("<d", value).hex()}
            case I31():
                return {"i31": value.value}
            case ExternRef():
                return {"host": self._object(value)[0]}
            case RecordedFunc():
                return {"function": value.number}
        if self._is_function(value):
            return {"function": self.lifted(value).number}
        number, is_new = self._object(value)
        return {"object": number, "new": is_new}

    def _function(self, raw: Any, store: RecordedStore) -> RecordedFunc:
        known = self.functions.get(raw)
        if known is None:
            known = self.functions[raw] = RecordedFunc(store, raw, self.new_number())
            store.note("function", id=known.number, type=json_of(known.type))
        return known

    def _is_function(self, value: Value) -> bool:
        return hasattr(value, "call")

    def _object(self, value: object) -> tuple[int, bool]:
        known = self._objects.get(id(value))
        if known is not None:
            return known[1], False
        key, number = id(value), self.new_number()
        kept: object = value
        with suppress(TypeError):  # some of the engines' objects have no weak references
            kept = weakref.ref(value, lambda _: self._objects.pop(key, None))
        self._objects[key] = kept, number
        return number, True
