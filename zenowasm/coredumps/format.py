"""The coredump format (WebAssembly tool conventions, "Coredump.md").

A coredump is a module that is never instantiated: its memories, globals and data segments are a snapshot, and custom
sections name the modules and list the instances and the active calls. A section of our own has the error's text and the
modules' digests; other tools ignore it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from struct import pack
from typing import Final

from attrs import field, frozen

from zenowasm.interp.binary import encode
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.numerics.floats import f32_to_bits
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import (
    CustomSection,
    DataSegment,
    Expression,
    Global,
    Instruction,
    Module,
    SegmentMode,
)
from zenowasm.interp.text.values import signed
from zenowasm.interp.types import F32, F64, I32, I64, GlobalType, MemType, RefType, ValType

PROCESS: Final = "core"
MODULES: Final = "coremodules"
INSTANCES: Final = "coreinstances"
STACK: Final = "corestack"
DETAILS: Final = "zenowasm.coredump"
VERSION: Final = 1
CODES: Final[Mapping[ValType | None, int]] = {I32: 0x7F, I64: 0x7E, F32: 0x7D, F64: 0x7C}
"""The codes of the types of values; a value of any other type is missing."""
MISSING_CODE: Final = 0x01
_CHUNK: Final = 4096
_MOST_CHUNKS: Final = 50_000
"""The maximum number of chunks of a memory, as decoders limit the number of data segments."""
_END: Final = Instruction(TABLE.by_mnemonic["end"], ())


class Missing:
    """The value of a local or operand that a coredump does not have."""

    def __repr__(self) -> str:
        return "not in the coredump"


MISSING: Final = Missing()


@frozen
class DumpedFrame:
    """An active call: its instance, its function, its locals and its operand stack, each value with its type.

    ``offset`` is the position of its current instruction in bytes from the start of the function's body; 0 means
    unknown. A missing value has the type ``None``.
    """

    instance: int
    function: int
    offset: int
    locals: Sequence[tuple[ValType | None, Value]]
    stack: Sequence[tuple[ValType | None, Value]]


@frozen
class DumpedInstance:
    """An instance: the indices of its module, its memories and its globals."""

    module: int
    memories: Sequence[int]
    globals: Sequence[int]


@frozen
class Coredump:
    """The state of a guest that trapped; ``frames`` begin with the innermost call.

    ``name`` is that of the program, ``modules`` are paths or other names. ``error`` is empty if it is unknown.
    """

    name: str
    error: str
    modules: Sequence[str]
    instances: Sequence[DumpedInstance]
    frames: Sequence[DumpedFrame]
    memories: Sequence[tuple[MemType, bytes | bytearray]] = field(repr=False)
    globals: Sequence[tuple[ValType, Value]]

    def encoded(self) -> bytes:
        """Return the coredump as bytes."""
        customs = (
            _custom(PROCESS, lambda out: _named(out, self.name)),
            _custom(MODULES, lambda out: out.vector(self.modules, _named)),
            _custom(INSTANCES, lambda out: out.vector(self.instances, _write_instance)),
            _custom(STACK, self._write_stack),
            _custom(DETAILS, lambda out: out.raw(json.dumps({"version": VERSION, "error": self.error}).encode())),
        )
        data = [it for at, (type_, held) in enumerate(self.memories) for it in _segments(at, type_, held)]
        globals_ = tuple(Global(GlobalType(type_), _constant(type_, value)) for type_, value in self.globals)
        memories = tuple(type_ for type_, _ in self.memories)
        return encode(Module(memories=memories, globals=globals_, data=tuple(data), customs=customs))

    def _write_stack(self, out: Writer) -> None:
        _named(out, "main")
        out.vector(self.frames, _write_frame)


def _custom(name: str, write: Callable[[Writer], None]) -> CustomSection:
    out = Writer()
    write(out)
    return CustomSection(name, bytes(out.data))


def _named(out: Writer, name: str) -> None:
    out.byte(0)
    out.name(name)


def _write_instance(out: Writer, instance: DumpedInstance) -> None:
    out.byte(0)
    out.unsigned(instance.module)
    out.indexes(instance.memories)
    out.indexes(instance.globals)


def _write_frame(out: Writer, frame: DumpedFrame) -> None:
    out.byte(0)
    out.unsigned(frame.instance)
    out.unsigned(frame.function)
    out.unsigned(frame.offset)
    out.vector(frame.locals, _write_value)
    out.vector(frame.stack, _write_value)


def _write_value(out: Writer, typed: tuple[ValType | None, Value]) -> None:
    type_, value = typed
    code = CODES.get(type_)
    if code is None or not isinstance(value, int | float):
        out.byte(MISSING_CODE)
        return
    out.byte(code)
    if type_ in (I32, I64):
        out.signed(signed(type_, int(value)))
    else:
        out.raw(f32_to_bits(value).to_bytes(4, "little") if type_ is F32 else pack("<d", value))


def _constant(type_: ValType, value: Value) -> Expression:
    """Return the expression of a global's value; a reference becomes null."""
    if isinstance(type_, RefType):
        return Expression((Instruction(TABLE.by_mnemonic["ref.null"], (type_.heap,)), _END), ())
    return Expression((Instruction(TABLE.by_mnemonic[f"{type_}.const"], (value,)), _END), ())


def _segments(memory: int, type_: MemType, data: bytes | bytearray) -> Iterator[DataSegment]:
    """Yield the parts of a memory that are not zero, in chunks, so that few short runs of zeros are inside them."""
    chunk = max(_CHUNK, len(data) // _MOST_CHUNKS)
    begun: int | None = None
    for start in range(0, len(data) + chunk, chunk):
        is_empty = not any(data[start : start + chunk])
        if begun is None and not is_empty:
            begun = start
        elif begun is not None and is_empty:
            yield _segment(memory, type_, data, begun, start)
            begun = None


def _segment(memory: int, type_: MemType, data: bytes | bytearray, start: int, end: int) -> DataSegment:
    held = bytes(data[start:end])
    trimmed = held.lstrip(b"\0")
    place = _constant(type_.address, start + len(held) - len(trimmed))
    return DataSegment(trimmed.rstrip(b"\0"), SegmentMode.ACTIVE, memory, place)
