"""An upper bound on the resources for compiling a module with wasmtime, without decoding a function body.

The figures are measurements of generated modules (RATIONALE, "Why are large modules compiled in a process of their
own?"), rounded up. Each covers both memory and time: no module takes longer than ``SECONDS_PER_MIB``.
"""

from __future__ import annotations

from math import inf

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.types import valtype
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.syntax.module import Code, Module
from zenowasm.interp.types import ArrayType, FuncType, StructType

SECONDS_PER_MIB = 0.01
_TYPE = 64_000
"""The cost of a function type, which may need an adapter."""
_FUNCTION = 64_000
_BYTE = 600
"""The cost of a byte of code that does not open a block."""
_BLOCK = 24_000
"""The cost of a block; a loop checks fuel and deadline at its beginning."""
_LOCAL_IN_BLOCK = 1_200
"""The cost of a local that is used anywhere, for each block, which may have to pass it on."""
_WAITING = 40
"""The cost of a value that stays on the stack throughout a block or a call."""
_LOCAL = 16
_ENTRY = 4_000
"""The cost of a data segment, an element or a byte of an initial value, which may become start-up code."""
_OTHER_BYTE = 8
_OPENERS = (b"\x02", b"\x03", b"\x04", b"\x05", b"\x1f")
"""The first bytes of block, loop, if, else and try_table."""
_CALLS = (b"\x10", b"\x11", b"\x14")
"""The first bytes of call, call_indirect and call_ref."""
_STARTED = ("elements", "globals")
"""The sections whose contents become start-up code."""
_MOST_VALUES = 16
_MOST_FIELDS = 32


def cost(module: Module, binary: bytes) -> float:
    """Return an upper bound on the memory in bytes; infinite if there is no useful bound.

    An instruction of two bytes may take a thousand values if the module has such a type. There is no useful bound on
    the resources for that.
    """
    total = len(binary) * _OTHER_BYTE + len(module.data) * _ENTRY
    for subtype in module.subtypes():
        match subtype.composite:
            case FuncType(parameters, results) if max(len(parameters), len(results)) <= _MOST_VALUES:
                total += _TYPE
            case StructType(fields) if len(fields) <= _MOST_FIELDS:
                pass
            case ArrayType():
                pass
            case _:
                return inf
    total += sum(section.size * _ENTRY for section in module.sections if section.name in _STARTED)
    try:
        return total + sum(_function(code, binary) for code in module.codes)
    except DecodeError:
        return inf  # decoding the bodies reports the error


def _function(code: Code, binary: bytes) -> int:
    start, end = code.offset, code.offset + code.size
    reader = Reader(binary[start:end], start)
    runs = [(reader.u32(), valtype(reader))[0] for _ in range(reader.u32())]
    locals_ = _MOST_VALUES + sum(runs)
    blocks = sum(binary.count(opener, start, end) for opener in _OPENERS)
    calls = sum(binary.count(opener, start, end) for opener in _CALLS)
    # Using a value, or pushing it, needs an instruction of two bytes.
    values = code.size // 2
    total = _FUNCTION + code.size * _BYTE + locals_ * _LOCAL
    total += blocks * (_BLOCK + min(locals_, values) * _LOCAL_IN_BLOCK)
    return total + (blocks + calls) * values * _WAITING
