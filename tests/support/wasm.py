"""A tiny encoder of the binary format, which shares nothing with the code under test, and wasmtime's text parser."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import wasmtime

HEADER = b"\0asm\x01\0\0\0"
I32, I64, F32, F64 = b"\x7f", b"\x7e", b"\x7d", b"\x7c"
FUNCREF, EXTERNREF = b"\x70", b"\x6f"
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT = range(13)
END = b"\x0b"


@cache
def wat(text: str) -> bytes:
    """Assemble the text format; the result need not be valid."""
    return bytes(wasmtime.wat2wasm(text))


def u(value: int) -> bytes:
    """Encode an unsigned integer as LEB128."""
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return bytes(groups)


def s(value: int) -> bytes:
    """Encode a signed integer as LEB128."""
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        done = value == (-1 if low & 0x40 else 0)
        groups.append(low | (0 if done else 0x80))
        if done:
            return bytes(groups)


def vec(entries: Iterable[bytes]) -> bytes:
    """Encode a vector."""
    entries = list(entries)
    return u(len(entries)) + b"".join(entries)


def name(text: str) -> bytes:
    """Encode a name."""
    data = text.encode()
    return u(len(data)) + data


def sized(contents: bytes) -> bytes:
    """Put the length in bytes in front."""
    return u(len(contents)) + contents


def section(number: int, contents: bytes) -> bytes:
    """Encode a section of any contents."""
    return bytes((number,)) + sized(contents)


def custom(title: str, contents: bytes = b"") -> bytes:
    """Encode a custom section."""
    return section(CUSTOM, name(title) + contents)


def functype(parameters: bytes = b"", results: bytes = b"") -> bytes:
    """Encode a function type from the bytes of its value types, which are one byte each."""
    return b"\x60" + sized(parameters) + sized(results)


def body(instructions: bytes, *locals_: tuple[int, bytes]) -> bytes:
    """Encode an entry of the code section; ``instructions`` are without their final ``end``."""
    return sized(vec(u(count) + type_ for count, type_ in locals_) + instructions + END)


def module(*sections: bytes) -> bytes:
    """Put a header in front of sections."""
    return HEADER + b"".join(sections)


def one_function(instructions: bytes, parameters: bytes = b"", results: bytes = b"", *more: bytes) -> bytes:
    """Make a module of one function, exported as ``f``; ``more`` are sections between functions and exports."""
    return module(
        section(TYPE, vec([functype(parameters, results)])),
        section(FUNCTION, vec([u(0)])),
        *more,
        section(EXPORT, vec([name("f") + b"\0" + u(0)])),
        section(CODE, vec([body(instructions)])),
    )
