"""Reads coredumps, of this and of other tools. Everything in them is checked, since a coredump may be cut or lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from struct import unpack
from typing import Final, TypeVar

from zenowasm.coredumps.errors import CoredumpError
from zenowasm.coredumps.format import (
    CODES,
    DETAILS,
    INSTANCES,
    MISSING,
    MISSING_CODE,
    MODULES,
    PROCESS,
    STACK,
    VERSION,
    Coredump,
    DumpedFrame,
    DumpedInstance,
)
from zenowasm.interp.binary import decode
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import MIB, PAGE_SIZE
from zenowasm.interp.numerics.floats import f32_from_bits
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import Expression, Module, SegmentMode
from zenowasm.interp.types import F32, I32, I64, MemType, ValType

_T = TypeVar("_T")

MOST_MEMORY: Final = 1024 * MIB
"""The maximum size of all memories of a coredump, in bytes."""
_MOST_NAME: Final = 100_000
_MOST_ENTRIES: Final = 1_000_000
_BITS: Final = {I32: 32, I64: 64}
_TYPES: Final = {code: type_ for type_, code in CODES.items()}


def is_coredump(module: Module) -> bool:
    """Return whether a module is a coredump: it has the section of the active calls."""
    return any(it.name == STACK for it in module.customs)


def read_coredump(data: bytes) -> Coredump:
    """Read a coredump; raises ``CoredumpError``."""
    try:
        module = decode(data)
        if not is_coredump(module):
            raise CoredumpError(f"the file is no coredump: it has no custom section {STACK}")
        return _coredump(module)
    except (DecodeError, LimitError) as error:
        raise CoredumpError(f"the coredump is damaged: {error}") from error


def _coredump(module: Module) -> Coredump:
    instances = _section(module, INSTANCES, lambda it: it.vector(_MOST_ENTRIES, "instances", _instance)) or ()
    globals_ = [(it.type.value, _constant(it.init)) for it in module.globals]
    found = Coredump(
        name=_section(module, PROCESS, _name) or "",
        error=_error(module),
        modules=_section(module, MODULES, lambda it: it.vector(_MOST_ENTRIES, "modules", _name)) or (),
        instances=instances,
        frames=_section(module, STACK, _frames) or (),
        memories=_memories(module),
        globals=globals_,
    )
    _check(found)
    return found


def _section(module: Module, name: str, read: Callable[[Reader], _T]) -> _T | None:
    custom = next((it for it in module.customs if it.name == name), None)
    if custom is None:
        return None
    reader = Reader(custom.data, custom.offset)
    found = read(reader)
    if reader.left:
        raise reader.error(f"{reader.left} bytes follow the contents of the section {name}")
    return found


def _error(module: Module) -> str:
    """Return the error that ended the guest; only our own coredumps have it."""
    custom = next((it for it in module.customs if it.name == DETAILS), None)
    try:
        details = {} if custom is None else json.loads(custom.data)
        return str(details["error"]) if details.get("version") == VERSION else ""
    except (ValueError, KeyError, AttributeError, RecursionError):
        return ""  # the section only adds what is helpful


def _start(reader: Reader, what: str) -> None:
    if reader.byte():
        raise reader.error(f"{what} begins with 0x00", reader.pos - 1)


def _name(reader: Reader) -> str:
    _start(reader, "a name")
    return reader.name(_MOST_NAME)


def _indexes(reader: Reader) -> Sequence[int]:
    return reader.vector(_MOST_ENTRIES, "indexes", Reader.u32)


def _instance(reader: Reader) -> DumpedInstance:
    _start(reader, "an instance")
    return DumpedInstance(reader.u32(), _indexes(reader), _indexes(reader))


def _frames(reader: Reader) -> Sequence[DumpedFrame]:
    _name(reader)
    return reader.vector(_MOST_ENTRIES, "active calls", _frame)


def _frame(reader: Reader) -> DumpedFrame:
    _start(reader, "an active call")
    instance, function, offset = reader.u32(), reader.u32(), reader.u32()
    values = (reader.vector(_MOST_ENTRIES, what, _value) for what in ("locals", "operands"))
    return DumpedFrame(instance, function, offset, *values)


def _value(reader: Reader) -> tuple[ValType | None, Value]:
    code = reader.byte()
    type_ = _TYPES.get(code)
    if type_ in _BITS:
        return type_, reader.signed(_BITS[type_]) % (1 << _BITS[type_])
    if type_ is not None:
        return type_, f32_from_bits(int.from_bytes(reader.bytes(4), "little")) if type_ is F32 else _f64(reader)
    if code != MISSING_CODE:
        raise reader.error(f"0x{code:02x} is no type of a value", reader.pos - 1)
    return None, MISSING


def _f64(reader: Reader) -> float:
    (value,) = unpack("<d", reader.bytes(8))
    return float(value)


def _constant(expression: Expression) -> Value:
    """Return the value of a constant; ``None`` for any other expression, such as a reference."""
    first = expression.instructions[0]
    is_constant = first.opcode.mnemonic.endswith(".const") and len(expression.instructions) == 2
    return first.immediates[0] if is_constant else None


def _memories(module: Module) -> Sequence[tuple[MemType, bytearray]]:
    sizes = [type_.limits.minimum * PAGE_SIZE for type_ in module.memories]
    if sum(sizes) > MOST_MEMORY:
        raise CoredumpError(f"the coredump has memories of {sum(sizes)} bytes: at most {MOST_MEMORY} can be opened")
    memories = [(type_, bytearray(size)) for type_, size in zip(module.memories, sizes, strict=True)]
    for segment in module.data:
        start = None if segment.place is None else _constant(segment.place)
        if segment.mode is not SegmentMode.ACTIVE or segment.memory >= len(memories) or not isinstance(start, int):
            raise CoredumpError(f"the coredump is damaged: the data at byte 0x{segment.offset:x} is in no memory")
        held = memories[segment.memory][1]
        if start + len(segment.init) > len(held):
            raise CoredumpError(f"the coredump is damaged: the data at byte 0x{segment.offset:x} is outside the memory")
        held[start : start + len(segment.init)] = segment.init
    return memories


def _check(dump: Coredump) -> None:
    """Raise ``CoredumpError`` if an index refers to nothing."""
    for instance in dump.instances:
        _within(instance.module, dump.modules, "module")
        for memory in instance.memories:
            _within(memory, dump.memories, "memory")
        for global_ in instance.globals:
            _within(global_, dump.globals, "global")
    for frame in dump.frames:
        _within(frame.instance, dump.instances, "instance")


def _within(index: int, space: Sequence[object], what: str) -> None:
    if index >= len(space):
        raise CoredumpError(f"the coredump is damaged: it refers to {what} {index} of {len(space)}")
