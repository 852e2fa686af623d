"""Memories: bytes, numbers, strings and structures at addresses."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from zenowasm.backends import protocol
from zenowasm.display import kilobytes
from zenowasm.embedding.types import value_type
from zenowasm.embedding.wrapper import Wrapper
from zenowasm.interp.errors import LimitError
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.mistakes import outside_memory
from zenowasm.interp.types import I32, I64, Limits, MemType
from zenowasm.notebook import html_table

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store

_SCALARS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "i8": "b",
        "u8": "B",
        "i16": "h",
        "u16": "H",
        "i32": "i",
        "u32": "I",
        "i64": "q",
        "u64": "Q",
        "f32": "f",
        "f64": "d",
    }
)
"""The number types that a memory holds, by name, and their ``struct`` codes."""
_SHOWN = 16


class Memory(Wrapper[protocol.Memory]):
    r"""A linear memory: little-endian, with addresses and lengths in bytes.

    ``memory[8]`` is a byte as an ``int``, and ``memory[8:16]`` are ``bytes``; both can be assigned without changing the
    length. Negative indices count from the end, as in Python. Raises ``IndexError`` for an access outside the memory.

    ``Memory(store, minimum, maximum)`` makes one, in pages of 64 KiB; raises ``LimitError`` and ``ValueError``.

    >>> from zenowasm import Store
    >>> memory = Memory(Store(engine="reference"), 1)
    >>> memory.store("u16", 8, 513)
    >>> memory[8:10]
    b'\x01\x02'
    """

    def __init__(self, store: Store, minimum: int, maximum: int | None = None, address: str = "i32") -> None:
        if address not in ("i32", "i64"):
            raise ValueError(f"addresses are i32 or i64, not {address!r}")
        type_ = MemType(Limits(minimum, maximum), I64 if value_type(address) is I64 else I32)
        with store.entered() as raw:
            self._become(store, raw.new_memory(type_))

    def _become(self, store: Store, raw: protocol.Memory) -> None:
        super()._become(store, raw)
        self._views: list[ref[memoryview]] = []
        self._viewed_size = 0

    @property
    def type(self) -> MemType:
        """The memory's type; its minimum is the current size in pages."""
        with self._store.entered():
            return self.raw.type

    @property
    def pages(self) -> int:
        """The current size in pages of 64 KiB."""
        return len(self) // PAGE_SIZE

    def __len__(self) -> int:
        with self._store.entered():
            return self.raw.size

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            start, length = self._range(key)
            return self.read(start, length)
        return self.read(self._place(key), 1)[0]

    def __setitem__(self, key: int | slice, value: Any) -> None:
        if not isinstance(key, slice):
            self.write(self._place(key), bytes((value,)))
            return
        start, length = self._range(key)
        data = bytes(value)
        if len(data) != length:
            raise ValueError(f"{len(data)} bytes do not fit into a slice of {length}: a memory keeps its length")
        self.write(start, data)

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes; raises ``IndexError`` outside the memory."""
        with self._store.entered():
            return self.raw.read(address, length)

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Write ``data``; raises ``IndexError``, without writing anything, outside the memory."""
        with self._store.entered():
            self.raw.write(address, bytes(data))

    def load(self, kind: str, address: int) -> Any:
        """Return a number; ``kind`` is i8, u8, i16, u16, i32, u32, i64, u64, f32 or f64."""
        return self.unpack("<" + _scalar(kind), address)[0]

    def store(self, kind: str, address: int, value: float) -> None:
        """Write a number of a kind that ``load`` accepts; raises ``ValueError`` if it does not fit."""
        self.pack("<" + _scalar(kind), address, value)

    def unpack(self, format: str, address: int) -> tuple[Any, ...]:
        """Return the values of a structure in a format of Python's ``struct``."""
        return struct.unpack(format, self.read(address, struct.calcsize(format)))

    def pack(self, format: str, address: int, *values: Any) -> None:
        """Write the values of a structure in a format of Python's ``struct``; raises ``ValueError`` if any is unfit."""
        try:
            data = struct.pack(format, *values)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{values!r} cannot be written as {format!r}: {error}") from None
        self.write(address, data)

    def read_string(self, address: int, length: int | None = None, encoding: str = "utf-8") -> str:
        """Return a text of ``length`` bytes, or up to the first zero byte; raises ``IndexError``, ``UnicodeError``."""
        if length is None:
            size = len(self)
            with self._store.entered():
                end = self.raw.find(0, address, size) if 0 <= address < size else -1
            if end < 0:
                raise IndexError(f"no zero byte ends the string at {address} in the memory of {size} bytes")
            length = end - address
        return self.read(address, length).decode(encoding)

    def write_string(self, address: int, text: str, encoding: str = "utf-8", *, zero: bool = True) -> int:
        """Write a text and, unless ``zero`` is false, a zero byte; return the number of bytes written."""
        data = text.encode(encoding) + (b"\0" if zero else b"")
        self.write(address, data)
        return len(data)

    def grow(self, pages: int) -> int:
        """Add pages of 64 KiB and return the previous number of pages; raises ``LimitError``, with the memory
        unchanged.

        All views of the memory become invalid.
        """
        with self._store.entered():
            former = self.raw.grow(pages)
        if former < 0:
            maximum = self.type.limits.maximum
            bound = "the store's limits" if maximum is None else f"its maximum of {maximum} pages or the store's limits"
            raise LimitError(f"a memory of {self.pages} pages cannot grow by {pages}: {bound} forbid it")
        return former

    def view(self) -> memoryview:
        """Return the bytes for reading and writing, without a copy.

        The view becomes invalid when the memory grows or the store is closed; using it then raises Python's error for
        released views. Raises ``BufferError`` for a 64-bit memory that wasmtime may move.
        """
        with self._store.entered():
            view = self.raw.view()
            self._views = [it for it in self._views if it() is not None]
            self._views.append(ref(view))
            self._viewed_size = self.raw.size
            self._store.add_view(self)
            return view

    def end_views(self) -> None:
        """Release the views of a memory that has grown."""
        if self._views and self.raw.size != self._viewed_size:
            self.release_views()

    def release_views(self) -> None:
        """Release all views. A numpy array made from a view keeps its bytes, which no longer belong to the memory."""
        for reference in self._views:
            view = reference()
            if view is not None:
                try:
                    view.release()
                except BufferError:  # an object that uses the view keeps the bytes alive
                    continue
        self._views.clear()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the bytes as an array, without a copy, for ``numpy.asarray(memory)``.

        The array shows the memory until the memory grows.
        """
        import numpy

        array = numpy.frombuffer(self.view(), dtype=numpy.uint8)
        return array.astype(dtype) if dtype is not None and dtype != numpy.uint8 else array.copy() if copy else array

    def _place(self, at: int) -> int:
        size = len(self)
        place = at + size if at < 0 else at
        if not 0 <= place < size:
            raise outside_memory(at, 1, size)
        return place

    def _range(self, key: slice) -> tuple[int, int]:
        if key.step not in (None, 1):
            raise ValueError("a memory is read and written in one piece: a slice of it has no step")
        size = len(self)
        start = 0 if key.start is None else key.start
        end = size if key.stop is None else key.stop
        start, end = (it + size if it < 0 else it for it in (start, end))
        if not 0 <= start <= end <= size:
            raise outside_memory(start, max(end - start, 0), size)
        return start, end - start

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.raw is other.raw

    def __hash__(self) -> int:
        return id(self.raw)

    def __repr__(self) -> str:
        return f"<Memory: {self.pages} page{'' if self.pages == 1 else 's'}, {kilobytes(len(self))}>"

    def _repr_html_(self) -> str:
        lines = range(0, min(len(self), _SHOWN * _SHOWN), _SHOWN)
        rows = [(f"{at:#x}", (data := self.read(at, _SHOWN)).hex(" "), _ascii(data)) for at in lines]
        return html_table(repr(self), rows)


def _scalar(kind: str) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"unknown kind of number {kind!r}: use {', '.join(_SCALARS)}")
    return _SCALARS[kind]


def _ascii(data: bytes) -> str:
    return "".join(chr(it) if 32 <= it < 127 else "." for it in data)
